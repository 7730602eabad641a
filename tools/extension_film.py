"""Record the browser extension in use over an editor like Overleaf's, a GIF and screenshots: part of `make demo`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tools.dashboard import CANVAS_SIDE, chromium
from tools.demo import NOT_EQUIV, PAUSE, POINTER, STEP, Film, Strokes
from tools.extension import build
from tools.overleaf import extension_browser, overleaf_server, panel_frame, place_cursor, wait_for, wait_until_ready
from tools.screenshots import FOLDER

if TYPE_CHECKING:
    from playwright.sync_api import Frame, Page

SUM: Strokes = [
    [
        *((300 - 10 * step, 80.0) for step in range(21)),
        *((100 + 5.5 * step, 80 + 6.0 * step) for step in range(1, 21)),
        *((210 - 5.5 * step, 200 + 6.0 * step) for step in range(1, 21)),
        *((100.0 + 10 * step, 320.0) for step in range(1, 21)),
    ]
]

FILMED = {"width": 940, "height": 620}
PICTURED = {"width": 1280, "height": 800}
"""As the stores want them."""


def main() -> None:
    """Draw and insert symbols, and record that; then take the pictures."""
    with tempfile.TemporaryDirectory() as folder, chromium() as driver, overleaf_server() as server:
        extension = Path(folder) / "extension"
        extension.mkdir()
        build(extension)
        with extension_browser(driver, extension, Path(folder) / "film", server, viewport=FILMED) as context:
            page = context.new_page()
            page.add_init_script(POINTER)
            page.goto(server.address())
            wait_until_ready(page)
            film = Film(page)
            _insert(page, film, " be small", SUM)
            _insert(page, film, " y$", NOT_EQUIV)
            page.keyboard.press("Control+z")
            film.shoot(PAUSE)
            film.save(FOLDER / "extension.gif")
            print(FOLDER / "extension.gif")
        for theme, options in {"light": {}, "dark": {"dark": ""}}.items():
            path = FOLDER / f"extension-{theme}.png"
            profile = Path(folder) / theme
            with extension_browser(driver, extension, profile, server, viewport=PICTURED) as context:
                page = context.new_page()
                page.goto(server.address(**options))
                wait_until_ready(page)
                place_cursor(page, " be small")
                _draw(_open(page), SUM)
                page.screenshot(path=path)
            print(path)


def _insert(page: Page, film: Film, before: str, strokes: Strokes) -> None:
    place_cursor(page, before)
    film.shoot(PAUSE // 2)
    panel = _open(page)
    film.shoot(PAUSE // 2)
    _draw(panel, strokes, film)
    film.shoot(PAUSE)
    page.keyboard.press("Enter")
    wait_for(page, "editor.hasFocus")
    film.shoot(PAUSE)


def _open(page: Page) -> Frame:
    page.locator("extexify-button button").click()
    panel = panel_frame(page)
    wait_for(panel, "document.querySelector('#status').hidden && document.hasFocus()")
    return panel


def _draw(panel: Frame, strokes: Strokes, film: Film | None = None) -> None:
    page = panel.page
    box = panel.locator("#pad").bounding_box()
    assert box is not None
    scale = box["width"] / CANVAS_SIDE
    for number, stroke in enumerate(strokes, 1):
        for step, (x, y) in enumerate(stroke):
            page.mouse.move(box["x"] + x * scale, box["y"] + y * scale)
            if step == 0:
                page.mouse.down()
            elif film and step % STEP == 0:
                film.shoot()
        page.mouse.up()
        wait_for(panel, f"document.querySelector('ol').dataset.strokes === '{number}'")
        if film:
            film.shoot()


if __name__ == "__main__":
    main()
