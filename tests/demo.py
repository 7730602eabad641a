"""A public demo for tests: its settings, and visits to it without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from extexify.access import permissions
from extexify.access.limits import RateLimiter
from extexify.access.passwords import hash_password
from extexify.access.sign_in import OperatorSessions
from extexify.core import settings
from extexify.ui.common import contributions
from extexify.ui.sign_in import access

ROOT = Path(__file__).resolve().parent.parent

PASSWORD = "correct horse battery"
HASH = hash_password(PASSWORD)


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workspace of a demo with a password, without a signed-in user."""
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path))
    monkeypatch.setenv(settings.DEMO.name, "yes")
    monkeypatch.setenv(settings.PASSWORD_HASH.name, HASH)
    for setting in (
        settings.CONTRIBUTIONS, settings.OPERATORS, settings.VISIT_LIMIT, settings.ADDRESS_LIMIT, settings.HOUR_LIMIT,
    ):  # fmt: skip
        monkeypatch.delenv(setting.name, raising=False)
    # Limits hold for all visits of a server; each test is a server of its own.
    monkeypatch.setattr(access, "_sessions", OperatorSessions())
    monkeypatch.setattr(contributions, "_submitted_by_address", RateLimiter(3600.0))
    return tmp_path


@contextmanager
def operator() -> Iterator[None]:
    """Whatever is done meanwhile is done by an operator."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(permissions, "_operator_check", lambda: True)
        yield


def visit(page: str = "") -> AppTest:
    """A visit to the dashboard, and there to a page, as the navigation or an address leads there."""
    with as_served():
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
        return app.switch_page(f"pages/{page}.py").run() if page else app


def past_the_navigation(page: str) -> AppTest:
    """A visit to a page's own file, without the dashboard's entry before it."""
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).switch_page(f"pages/{page}.py").run()


def sign_in(app: AppTest, password: str = PASSWORD) -> AppTest:
    """Fill in the form of a closed page, and press its button."""
    app.text_input(key="sign-in-password").input(password)
    next(button for button in app.button if button.label == "Sign in").click()
    with as_served():
        return app.run()


def again(app: AppTest) -> AppTest:
    """One more run, of what was pressed or of nothing."""
    with as_served():
        return app.run()


@contextmanager
def as_served() -> Iterator[None]:
    """Every run begins with the dashboard's entry, as the server has it (see `app.py`)."""
    begin = PagesManager.__init__

    def begin_as_served(manager: PagesManager, *args: Any, **kwargs: Any) -> None:
        begin(manager, *args, **kwargs)
        PagesManager.uses_pages_directory = False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PagesManager, "__init__", begin_as_served)
        yield
