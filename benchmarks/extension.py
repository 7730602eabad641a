"""Timings of the browser extension's panel over an editor like Overleaf's, and whether it answers as the library does.

    python -m benchmarks.extension [--source DUMP.sql.gz] [--drawings 20] [--rounds 5]

Headless Chromium, on an otherwise idle machine; medians. `first opening` is from the click on the toolbar's button, in
a browser that was started anew for it, until the model is loaded and the panel takes a drawing; `later opening` until
the panel is on the screen and has the focus; `answer` from the pen's release until the list has the answers. With a
source, that many of its drawings, of different symbols, are drawn in the panel; its first answers are compared with
those of the library.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from extexify.drawing.strokes import Drawing, parse_strokes
from extexify.model.classifier import Classifier
from extexify.sources.open import open_source
from tools.dashboard import chromium, draw
from tools.extension import BROWSERS, SHIPPED, build, package
from tools.overleaf import extension_browser, on_canvas, overleaf_server, panel_frame, wait_for, wait_until_ready

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame, Page

    from tools.overleaf import Overleaf

LATER_OPENINGS = 20

# Resolves with the time at which the panel has the focus and, if asked for, the model.
_OPENED = """async (needsModel) => {
  const isThere = () => document.hasFocus() && (!needsModel || document.querySelector("#status").hidden);
  while (!isThere()) await new Promise(requestAnimationFrame);
  return performance.timeOrigin + performance.now();
}"""

_CLICKED = "addEventListener('click', () => { window.clicked = performance.timeOrigin + performance.now(); }, true)"

_PEN = """() => {
  window.answers = [];
  let up = 0;
  addEventListener("pointerup", () => { up = performance.now(); }, true);
  new MutationObserver(() => window.answers.push(performance.now() - up))
    .observe(document.querySelector("ol"), { attributeFilter: ["data-strokes"] });
}"""


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Timings of the browser extension.")
    parser.add_argument("--source", help="of drawings to draw in the panel; starter drawings without one")
    parser.add_argument("--drawings", type=int, default=20, help="how many")
    parser.add_argument("--rounds", type=int, default=5, help="browsers that are started")
    options = parser.parse_args()
    for browser in BROWSERS:
        print(f"package for {browser}: {len(package(browser)) / 1e6:.1f} MB")
    drawings = some_drawings(options.source or "starter:each=1,seed=1", options.drawings)
    with tempfile.TemporaryDirectory() as folder, chromium() as driver, overleaf_server() as server:
        extension = Path(folder) / "extension"
        extension.mkdir()
        build(extension)
        first, later = [], []
        for number in range(options.rounds):
            with project(driver, extension, Path(folder) / f"profile {number}", server) as page:
                first.append(opening(page, needs_model=True))
                for _ in range(LATER_OPENINGS):
                    page.keyboard.press("Escape")
                    wait_for(page, "editor.hasFocus")
                    later.append(opening(page, needs_model=False))
        print(f"first opening: {statistics.median(first):.0f} ms ({summary(first)})")
        print(f"later opening: {statistics.median(later):.0f} ms ({summary(later)})")
        with project(driver, extension, Path(folder) / "profile", server) as page:
            opening(page, needs_model=True)
            seconds, found = answered(panel_frame(page), drawings)
    print(f"answer: {statistics.median(seconds):.0f} ms ({summary(seconds)})")
    wanted = [Classifier.load(SHIPPED).answers(drawing, 1).results[0].head.key for drawing in drawings]
    equal = sum(one == other for one, other in zip(found, wanted, strict=True))
    print(f"first answers equal to the library's: {equal} of {len(drawings)}")


def summary(milliseconds: Iterable[float]) -> str:
    """The range of some measurements."""
    values = list(milliseconds)
    return f"{min(values):.0f} to {max(values):.0f}, {len(values)} times"


def some_drawings(source: str, count: int) -> list[Drawing]:
    """Drawings of different symbols, evenly over a source, the first of each symbol."""
    first = {str(row.key): row.strokes for row in reversed(list(open_source(source).rows()))}
    keys = sorted(first)
    return [parse_strokes(first[keys[number]]) for number in np.linspace(0, len(keys) - 1, count).astype(int)]


@contextmanager
def project(driver: Browser, extension: Path, profile: Path, server: Overleaf) -> Iterator[Page]:
    """A project in a browser that was just started."""
    with extension_browser(driver, extension, profile, server) as context:
        page = context.new_page()
        page.add_init_script(_CLICKED)
        # Without a document, whose packages would change the order of look-alikes.
        page.goto(server.address(text="Text"))
        wait_until_ready(page)
        yield page


def opening(page: Page, *, needs_model: bool) -> float:
    """Milliseconds from a click on the toolbar's button until the panel takes a drawing, or also has its model."""
    page.locator("extexify-button button").click()
    at = panel_frame(page).evaluate(_OPENED, needs_model)
    return float(at - page.evaluate("window.clicked"))


def answered(panel: Frame, drawings: list[Drawing]) -> tuple[list[float], list[str]]:
    """Milliseconds until the answers to each drawing's last stroke, and the keys of the first answers."""
    panel.evaluate(_PEN)
    milliseconds, found = [], []
    for drawing in drawings:
        draw(panel.page, on_canvas(drawing), panel.locator("#pad"))
        wait_for(panel, f"document.querySelector('ol').dataset.strokes === '{len(drawing)}'")
        milliseconds.append(float(panel.evaluate("window.answers.at(-1)")))
        found.append(str(panel.locator("li.row .command").first.get_attribute("data-key")))
        panel.locator("#clear").click()
        wait_for(panel, "document.querySelector('ol').dataset.strokes === '0'")
    return milliseconds, found


if __name__ == "__main__":
    main()
