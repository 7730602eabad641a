"""Record the README's animation, a GIF of the Draw page in use: `make demo`."""

from __future__ import annotations

import io
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from tools.dashboard import canvas_of, chromium, dashboard, wait_for_answer
from tools.screenshots import ALPHA, FOLDER

if TYPE_CHECKING:
    from playwright.sync_api import Page

Strokes = Sequence[Sequence[tuple[float, float]]]

WINDOW = {"width": 940, "height": 620}
COLOURS = 128
FRAME = 70
"""Milliseconds of a frame while the pen moves."""
PAUSE = 1600
"""Milliseconds of the finished drawing with its answers."""
STEP = 4
"""Pen positions between two frames."""

OTIMES: Strokes = [
    [(200 + 130 * math.cos(turn - 1.5), 200 + 125 * math.sin(turn - 1.5)) for turn in [step / 8 for step in range(51)]],
    [(112 + 8.8 * step, 112 + 8.7 * step) for step in range(21)],
    [(291 - 9.1 * step, 108 + 9 * step) for step in range(21)],
]
NOT_EQUIV: Strokes = [
    *([(90 + 11 * step, height + 3 * math.sin(step / 5)) for step in range(21)] for height in (130, 200, 270)),
    [(270 - 7 * step, 80 + 12 * step) for step in range(21)],
]

POINTER = """
const dot = document.createElement("div");
dot.style.cssText = "position:fixed;width:14px;height:14px;margin:-7px;border-radius:50%;z-index:1000000;" +
  "background:rgb(217 119 6 / 75%);pointer-events:none";
addEventListener("mousemove", (event) => {
  document.body.append(dot);
  dot.style.left = event.clientX + "px";
  dot.style.top = event.clientY + "px";
}, true);
addEventListener("blur", () => dot.remove()); // then it is in a frame of the page
"""
"""A script that shows where the mouse is, which screenshots don't."""


class Film:
    """Screenshots of a page with their durations."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._pictures: list[Image.Image] = []
        self._milliseconds: list[int] = []

    def shoot(self, milliseconds: int = FRAME) -> None:
        """Take a screenshot."""
        picture = Image.open(io.BytesIO(self._page.screenshot())).convert("RGB")
        self._pictures.append(picture)
        self._milliseconds.append(milliseconds)

    def save(self, path: Path) -> None:
        """Write a looping GIF with one palette for all frames."""
        # From a frame in the middle, which has all colours: pen, pointer and answers.
        palette = self._pictures[len(self._pictures) // 2].quantize(COLOURS, dither=Image.Dither.NONE)
        first, *rest = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in self._pictures]
        first.save(path, save_all=True, append_images=rest, duration=self._milliseconds, loop=0, optimize=True)


def main() -> None:
    """Draw three symbols, and record them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, dashboard(Path(folder)) as address, chromium() as browser:
        page = browser.new_page(viewport=WINDOW)  # type: ignore[arg-type]
        page.add_init_script(POINTER)
        page.goto(address)
        canvas_of(page).wait_for()
        page.locator(".st-key-raster figure").wait_for()
        # Without navigation.
        page.get_by_test_id("stSidebar").hover()
        page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
        page.wait_for_timeout(1000)
        film = Film(page)
        film.shoot(PAUSE // 2)
        for strokes in ([ALPHA], OTIMES, NOT_EQUIV):
            _draw(page, film, strokes)
            film.shoot(PAUSE)
            page.get_by_role("button", name="Clear", exact=True).click()
            page.wait_for_timeout(800)
        film.save(FOLDER / "demo.gif")
    print(FOLDER / "demo.gif")


def _draw(page: Page, film: Film, strokes: Strokes) -> None:
    box = canvas_of(page).bounding_box()
    assert box is not None
    for number, stroke in enumerate(strokes, 1):
        for step, (x, y) in enumerate(stroke):
            page.mouse.move(box["x"] + x, box["y"] + y)
            if step == 0:
                page.mouse.down()
            elif step % STEP == 0:
                film.shoot()
        page.mouse.up()
        wait_for_answer(page, number)
        page.wait_for_timeout(150)  # rows fade in
        film.shoot()


if __name__ == "__main__":
    main()
