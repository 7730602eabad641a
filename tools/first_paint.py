"""Measures how soon every page is there in Chromium: `make first-paint`, on an otherwise idle machine.

Each page is opened in a fresh browser profile: the frame with the page's title, and the one after which the
server has nothing more to send, are counted from the start of loading.
The workspace is the user's, or else one with a dataset of starter drawings.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from extexify.dataset.export import export_dataset
from extexify.sources.starter import StarterSource
from tools.dashboard import chromium, dashboard

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES = ("", "symbols", "export", "render", "train", "evaluate", "models")
ROUNDS = 5

_WATCH = """
window.whenFramed = (isThere) => new Promise((resolve) => {
  const look = () => isThere() ? requestAnimationFrame(() => resolve(performance.now())) : requestAnimationFrame(look);
  look();
});
window.titled = whenFramed(() => document.querySelector("h1")?.textContent);
window.complete = titled.then(() =>
  whenFramed(() => document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"]')));
"""

_TIMES = "async () => [await titled, await complete]"


def main() -> None:
    """Measure, and print a row of medians a page."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(os.environ.get("EXTEXIFY_WORKSPACE") or folder)
        if not (workspace / "dataset").exists():
            export_dataset([StarterSource(each=20)], workspace / "dataset")
        with dashboard(workspace) as address, chromium() as browser:
            _times(browser, address)  # the server's own first time
            print("page         title   complete  (ms, medians)")
            for page in PAGES:
                rounds = [_times(browser, f"{address}/{page}") for _ in range(ROUNDS)]
                title, complete = (statistics.median(column) for column in zip(*rounds, strict=True))
                print(f"{page or 'draw':10}{title:8.0f}{complete:11.0f}")


def _times(browser: Browser, address: str) -> list[float]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.add_init_script(_WATCH)
    page.goto(address)
    times = [float(time) for time in page.evaluate(_TIMES)]
    context.close()
    return times


if __name__ == "__main__":
    main()
