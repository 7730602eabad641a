"""Fixtures that several test files share: a small model, a running dashboard, a browser and its pages."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from tools.dashboard import TIMEOUT, chromium, dashboard

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

settings.register_profile("extexify", deadline=None)
settings.load_profile("extexify")

# Jobs that pages start in tests run at the tests' own priority: below it they would starve while other tests run.
os.environ["EXTEXIFY_JOB_NICE"] = "0"


@pytest.fixture(autouse=True)
def _same_main_module() -> Iterator[None]:
    """Restore `__main__`: Streamlit replaces it by the page that it runs, and child processes would run that page."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


TINY_CLASSES = (
    *(f"latex2e-OT1-_{name}" for name in ("Delta", "Gamma", "Omega", "Sigma", "alpha", "beta", "cap", "cup", "delta")),
    "latex2e-OT1-_forall",
    *(f"latex2e-OT1-_{name}" for name in ("gamma", "geq", "infty", "int", "lambda", "leq", "mapsto", "mu", "nabla")),
    *(f"latex2e-OT1-_{name}" for name in ("oint", "omega", "oplus", "partial", "phi", "pi", "psi", "rho", "sum", "xi")),
)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of 29 symbols with random weights."""
    from extexify.drawing.raster import PRESETS
    from extexify.model.description import ModelDescription
    from tests.models import write_linear

    description = ModelDescription(
        name="tiny",
        architecture="linear",
        options={},
        classes=TINY_CLASSES,
        raster=PRESETS["default"],
        metrics={"test": {"top1": 0.5, "top5": 0.923}},
    )
    return write_linear(tmp_path_factory.mktemp("model") / "tiny.onnx", description, seed=7)


def _add_model(workspace: Path, model: Path) -> Path:
    (workspace / "models").mkdir()
    (workspace / "models" / model.name).write_bytes(model.read_bytes())
    (workspace / "serving.json").write_text(f'{{"model": "workspace/{model.name}"}}')
    return workspace


@pytest.fixture
def folder(tmp_path: Path, tiny_model: Path) -> Path:
    """A workspace in which the tiny model answers."""
    return _add_model(tmp_path, tiny_model)


@pytest.fixture(scope="session")
def server(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard in whose workspace the tiny model answers."""
    with dashboard(_add_model(tmp_path_factory.mktemp("workspace"), tiny_model)) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; the test fails, saying what to install, where there is none."""
    from playwright.sync_api import expect

    expect.set_options(timeout=1000 * TIMEOUT)
    with chromium() as started:
        yield started


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page in a browser profile of its own, with the options given.

    The test fails when a page logged an error or raised an exception.
    """
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        url = message.location.get("url", "")
        # Streamlit looks for its server below a page's own address first, which gives 404.
        if message.type == "error" and "/_stcore/" not in url:
            errors.append(f"{message.text} ({url})")

    def open_page(**options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(1000 * TIMEOUT)
        context.on("console", on_console)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """A page in a browser profile of its own."""
    return new_page()


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Run torch on one thread: tiny networks are faster on one, and test processes share the cores."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
