"""The dashboard in a frame of another site, where browsers refuse the Clipboard API."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import FrameLocator, Locator, Page, expect

from extexify.core import settings
from tests.site import site
from tests.visits import SUM
from tools.dashboard import dashboard, draw


def pasted(page: Page) -> str:
    """What the visitor pastes into the site's own field."""
    field = page.locator("textarea")
    field.fill("")
    field.press("Control+v")
    return field.input_value()


def test_every_surface_copies(
    new_page: Callable[..., Page], folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    files = tmp_path_factory.mktemp("site")
    with site(files, "localhost") as origin, dashboard(folder, **{settings.FRAMES.name: origin}) as address:

        def show(path: str) -> FrameLocator:
            style = "width: 100%; height: 650px"
            frame = f'<iframe src="{address}/{path}" style="{style}"></iframe>'
            (files / "index.html").write_text(f'<link rel="icon" href="data:,"><textarea></textarea>{frame}')
            page.goto(f"{origin}/index.html")
            return page.frame_locator("iframe")

        def copies(button: Locator, text: str) -> None:
            button.click()
            expect(button).to_have_text("Copied")
            assert pasted(page) == text

        page = new_page(viewport={"width": 1280, "height": 720})
        frame = show("")
        canvas = frame.locator(".st-key-canvas canvas.upper-canvas")
        canvas.wait_for()
        draw(page, SUM, canvas)
        first = frame.locator(".st-key-answers ol .row").first
        copies(first.locator(".copy"), first.locator(".command").inner_text())
        frame.get_by_role("button", name="Share", exact=True).click()
        copies(
            frame.get_by_role("button", name="Copy the link"), frame.get_by_label("Link to this drawing").input_value()
        )

        frame = show("symbols?symbol=latex2e-OT1-_beta")
        copies(frame.get_by_role("button", name="Copy \\beta", exact=True), "\\beta")

        frame = show("offline/")
        expect(frame.locator("#status")).to_be_hidden()
        draw(page, SUM, frame.locator("#pad"))
        first = frame.locator("ol li").first
        button, command = first.locator(".copy"), first.locator(".command")
        copies(button, command.inner_text())
        # It says so only when it was copied.
        expect(button).to_have_text("Copy")
        command.evaluate(
            "() => { document.execCommand = () => false; navigator.clipboard.writeText = () => Promise.reject(); }"
        )
        button.click()
        expect(button).to_have_text("Select it by hand")
