"""Measures how fast the Symbols page is in Chromium: `make page-timings`, on an otherwise idle machine.

First paint is counted from the start of loading to the first frame with a glyph in it: in a fresh browser, in one
that has been here before, and from the Draw page with a click. Scrolling goes through the whole gallery by a
screen's fifth a frame, and counts the time from frame to frame. Choosing is counted to the frame with the large
glyph, searching from the last key to the frame with the result.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tools.dashboard import canvas_of, chromium, dashboard

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROUNDS = 7
QUERIES = ("alpha", "arow", "∮", "amssymb", "less than", "stmaryrd", "e")
VIEWPORTS = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 375, "height": 812}}

# What the measurements share: the gallery behind its shadow root, and waiting for the frame that shows something.
_HELPERS = """
window.gallery = () => [...document.querySelectorAll("*")].map((e) => e.shadowRoot?.querySelector(".symbols"))
  .find(Boolean);
window.framed = (isThere) => new Promise((resolve) => {
  const look = () => isThere() ? requestAnimationFrame(() => resolve(performance.now())) : requestAnimationFrame(look);
  look();
});
window.firstGlyph = framed(() => window.gallery()?.querySelector(".tile svg"));
"""

_CLICK_THROUGH = """async (name) => {
  const start = performance.now();
  [...document.querySelectorAll("a")].find((link) => link.textContent.trim().endsWith(name)).click();
  return await framed(() => window.gallery()?.querySelector(".tile svg")) - start;
}"""

_SCROLL = """async () => {
  let page = window.gallery();
  while (page.scrollHeight <= page.clientHeight || !/auto|scroll/.test(getComputedStyle(page).overflowY))
    page = page.parentElement || page.getRootNode().host;
  const frames = [];
  let last = await new Promise(requestAnimationFrame);
  for (let top = 0; top < page.scrollHeight - page.clientHeight; top += page.clientHeight / 5) {
    page.scrollTop = top;
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
    last = now;
  }
  page.scrollTop = 0;
  return frames;
}"""

_CHOOSE = """async (number) => {
  const tile = window.gallery().querySelectorAll(".tile")[number];
  const start = performance.now();
  tile.click();
  const key = new URLSearchParams(tile.search).get("symbol");
  return await framed(() => window.gallery().querySelector(".symbol").dataset.key === key) - start;
}"""

_SEARCH = """async (query) => {
  const field = window.gallery().querySelector("input");
  field.value = query;
  const start = performance.now();
  field.dispatchEvent(new Event("input"));
  return await framed(() => window.gallery().querySelector(".gallery").dataset.query === query) - start;
}"""


def main() -> None:
    """Measure, and print medians and worst cases."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(os.environ.get("EXTEXIFY_WORKSPACE") or folder)
        with dashboard(workspace) as address, chromium() as browser:
            _open(browser, address, VIEWPORTS["desktop"]).context.close()  # the server's own first time
            for name, viewport in VIEWPORTS.items():
                print(name)
                _measure(browser, address, viewport)


def _measure(browser: Browser, address: str, viewport: dict[str, int]) -> None:
    fresh, again, through = [], [], []
    for _ in range(ROUNDS):
        page = _open(browser, address, viewport)
        fresh.append(float(page.evaluate("firstGlyph")))
        page.reload()
        again.append(float(page.evaluate("firstGlyph")))
        page.goto(address)
        canvas_of(page).wait_for()
        page.wait_for_timeout(1500)
        through.append(_visible_click(page))
        page.context.close()
    _report("first glyph painted, fresh browser", fresh)
    _report("first glyph painted, second visit", again)
    _report("first glyph painted, from the Draw page", through)
    page = _open(browser, address, viewport)
    page.wait_for_timeout(3000)
    _report("a frame while scrolling through everything", [t for _ in range(3) for t in page.evaluate(_SCROLL)])
    _report("search, key to result", _each(page, _SEARCH, QUERIES))
    page.evaluate(_SEARCH, "a")
    _report("choice, click to large glyph", _each(page, _CHOOSE, range(3, 3 + ROUNDS)))
    page.context.close()


def _visible_click(page: Page) -> float:
    """Milliseconds from a click on the navigation to the first glyph; nan where a menu hides the navigation."""
    if not page.get_by_role("link", name="Symbols", exact=True).is_visible():
        return float("nan")
    return float(page.evaluate(_CLICK_THROUGH, "Symbols"))


def _open(browser: Browser, address: str, viewport: dict[str, int]) -> Page:
    """The Symbols page in a new browser profile, with its first glyph painted."""
    page = browser.new_context(viewport=viewport).new_page()  # type: ignore[arg-type]
    page.add_init_script(_HELPERS)
    page.goto(f"{address}/symbols")
    page.locator(".tile svg").first.wait_for(state="attached", timeout=60_000)
    return page


def _each(page: Page, script: str, arguments: Iterable[object]) -> list[float]:
    times = []
    for argument in arguments:
        times.append(float(page.evaluate(script, argument)))
        page.wait_for_timeout(400)
    return times


def _report(what: str, times: list[float]) -> None:
    times = [time for time in times if time == time]
    if times:
        print(f"  {what}: median {statistics.median(times):.0f} ms, worst {max(times):.0f} ms of {len(times)}")


if __name__ == "__main__":
    main()
