"""Fixtures of the extension's tests: its build, a page like Overleaf's, a Chromium that has both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tools.extension import build
from tools.overleaf import HOSTS, Overleaf, extension_browser, overleaf_server, wait_until_ready

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page


@pytest.fixture(scope="session")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked extension for Chrome."""
    folder = tmp_path_factory.mktemp("extension")
    build(folder)
    return folder


@pytest.fixture(scope="session")
def overleaf() -> Iterator[Overleaf]:
    """A server of the page like Overleaf's."""
    with overleaf_server() as server:
        yield server


@pytest.fixture(scope="module")
def context(
    browser: Browser, extension: Path, overleaf: Overleaf, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrowserContext]:
    """A Chromium with the extension, for all tests of a module."""
    with extension_browser(browser, extension, tmp_path_factory.mktemp("profile"), overleaf) as context:
        yield context


@pytest.fixture
def open_project(context: BrowserContext, overleaf: Overleaf) -> Iterator[Callable[..., Page]]:
    """Open a project with the page's options (see tools/overleaf_page/page.js) in a new tab.

    The test fails when the page or one of its frames logged an error or raised an exception.
    """
    pages: list[Page] = []
    errors: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(f"{message.text} ({message.location.get('url', '')})")

    def open_page(host: str = HOSTS[0], **options: Any) -> Page:
        page = context.new_page()
        pages.append(page)
        page.on("console", on_console)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(overleaf.address(host, **options))
        wait_until_ready(page)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert errors == []


@pytest.fixture
def project(open_project: Callable[..., Page]) -> Page:
    """An open project."""
    return open_project()
