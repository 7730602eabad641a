"""Timings of the pages, on an otherwise idle machine; all but `scripts` in headless Chromium.

    python -m benchmarks.pages latency [--training]    (make latency) a stroke until its answers are on the Draw page,
                                                       and the frames while one is drawn
    python -m benchmarks.pages first-paint             (make first-paint) every page until its title, and until complete
    python -m benchmarks.pages symbols                 (make page-timings) first glyph, scrolling, search and choice
    python -m benchmarks.pages requests                ten drawings of what is asked, with the keys
    python -m benchmarks.pages scripts --source DUMP   processor time of every page's script, with more and more data

The workspace is the current one (EXTEXIFY_WORKSPACE) or a temporary one. `--rounds 1` is a quick run.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import logging
import math
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from benchmarks import workspaces
from benchmarks.frames import measure_frames
from extexify.core import settings
from extexify.dataset.export import export_dataset
from extexify.sources.starter import StarterSource
from extexify.workspace import jobs, paths
from tools.dashboard import ROOT, canvas_of, chromium, dashboard, draw, free_port, wait_for_answer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAGES = ("", "symbols", "collect", "export", "render", "train", "evaluate", "models")
"""Addresses below the server's."""

ANSWER_SECONDS = 1.0
"""Seconds after a stroke until its answer is complete in any case."""

STARTER_DRAWINGS = 20
"""Starter drawings of each symbol in the datasets that are made for a measurement."""

# Resolves at the frame in which something is shown; the gallery is in a shadow root.
_HELPERS = """
window.framed = (isThere) => new Promise((resolve) => {
  const look = () => isThere() ? requestAnimationFrame(() => resolve(performance.now())) : requestAnimationFrame(look);
  look();
});
window.gallery = () => [...document.querySelectorAll("*")].map((e) => e.shadowRoot?.querySelector(".symbols"))
  .find(Boolean);
window.firstGlyph = framed(() => window.gallery()?.querySelector(".tile svg"));
window.titled = framed(() => document.querySelector("h1")?.textContent);
window.complete = titled.then(() =>
  framed(() => document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"]')));
"""


@contextmanager
def serving() -> Iterator[tuple[str, Browser]]:
    """A dashboard's address and a browser. The workspace is the user's or, if there is none, one with a dataset."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(os.environ.get(settings.WORKSPACE.name) or folder)
        if not (workspace / "dataset").exists():
            export_dataset([StarterSource(each=STARTER_DRAWINGS)], workspace / "dataset")
        with dashboard(workspace) as address, chromium() as browser:
            yield address, browser


def report(name: str, milliseconds: Iterable[float]) -> None:
    """Print the median and the worst of the times; nothing when there are none."""
    times = list(milliseconds)
    if times:
        print(
            f"{name}: median {statistics.median(times):.0f} ms, worst {max(times):.0f} ms of {len(times)}", flush=True
        )


# --- latency: a stroke until its answers --------------------------------------------------------


class Proxy:
    """A TCP proxy to another port of this machine that records the times of transfers in both directions."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self.up: list[tuple[float, int]] = []
        """Times and connection numbers."""
        self.down: list[tuple[float, int]] = []
        self._connections = itertools.count()
        self._target = target
        started = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve(started)), daemon=True).start()
        started.wait()

    async def _serve(self, started: threading.Event) -> None:
        server = await asyncio.start_server(self._connect, "127.0.0.1", self.port)
        started.set()
        async with server:
            await server.serve_forever()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward = await asyncio.open_connection("127.0.0.1", self._target)
        number = next(self._connections)
        await asyncio.gather(
            self._pass(reader, onward[1], self.up, number), self._pass(onward[0], writer, self.down, number)
        )

    def exchange(self, shown: float) -> float:
        """Seconds from the request whose answer was on the page at the time `shown` to the last byte of the answer.

        Requests that the page makes on its own (it polls for jobs) are not counted.
        """
        began, number = max(up for up in self.up if up[0] < shown)
        after = min((time for time, _ in self.up if time > shown), default=math.inf)
        return max(time for time, connection in self.down if connection == number and time < after) - began

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, times: list[tuple[float, int]], number: int
    ) -> None:
        try:
            while data := await reader.read(1 << 16):
                times.append((time.perf_counter(), number))
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()


def latency(options: argparse.Namespace) -> None:
    """Draw strokes through a proxy; with --training a second time while a training runs; then a long one.

    The server's share is the time from the browser's message to the last byte of the answer. The whole is from lifting
    the pen to the list being on the page.
    """
    with serving() as (address, browser):
        proxy = Proxy(urlsplit(address).port or 80)
        page = browser.new_page()
        began = time.perf_counter()
        page.goto(f"http://127.0.0.1:{proxy.port}")
        canvas_of(page).wait_for()
        print(f"first page, ready to draw: {time.perf_counter() - began:.2f} s")
        page.wait_for_timeout(5000)
        _draw_strokes("idle", page, proxy, 3 * options.rounds)
        if options.training:
            page.get_by_role("button", name="Clear", exact=True).click()
            wait_for_answer(page, 0)
            with training():
                _draw_strokes("while a training runs", page, proxy, 3 * options.rounds)
        page.close()
        measure_frames(browser, address)


def _draw_strokes(state: str, page: Page, proxy: Proxy, strokes: int) -> None:
    server: list[float] = []
    whole: list[float] = []
    for count in range(1, strokes + 1):
        proxy.up.clear()
        proxy.down.clear()
        x = 15 + 360 * count / strokes
        draw(page, [[(x + 8 * math.sin(step / 4), 40 + 11 * step) for step in range(30)]])
        lifted = time.perf_counter()
        wait_for_answer(page, count)
        shown = time.perf_counter()
        whole.append(1000 * (shown - lifted))
        page.wait_for_timeout(1000 * ANSWER_SECONDS)
        server.append(1000 * proxy.exchange(shown))
    report(f"{state}, server's share", server)
    report(f"{state}, pen up to list on the page", whole)


@contextmanager
def training() -> Iterator[None]:
    """A training that runs in the background, in a workspace of its own, while the block runs."""
    with tempfile.TemporaryDirectory() as folder, workspaces.using(Path(folder)):
        export_dataset([StarterSource(each=STARTER_DRAWINGS)], paths.dataset_folder())
        arguments = ["--run", "latency", "--epochs", "1000"]
        job = jobs.start("train", arguments, title="Training to measure beside", writes=["runs/latency"])
        try:
            while job.epoch is None or not job.done:
                if job.state != "running":
                    raise RuntimeError(f"the training ended before it began: {job.error}")
                time.sleep(0.2)
            yield
            if job.state != "running":
                raise RuntimeError(f"the training ended during the measurement: {job.error}")
        finally:
            for _ in range(2):  # the second call kills it
                jobs.stop(job)
            while job.state == "running":
                time.sleep(0.1)


# --- first-paint: every page in a fresh browser profile -----------------------------------------


def first_paint(options: argparse.Namespace) -> None:
    """Milliseconds from the start of loading to the frame with the title, and to the end of the page's script."""
    with serving() as (address, browser):
        _page_times(browser, address)  # warms up the server
        print("page         title   complete  (ms, medians)")
        for page in PAGES:
            rounds = [_page_times(browser, f"{address}/{page}") for _ in range(options.rounds)]
            title, complete = (statistics.median(column) for column in zip(*rounds, strict=True))
            print(f"{page or 'draw':10}{title:8.0f}{complete:11.0f}", flush=True)


def _page_times(browser: Browser, address: str) -> list[float]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.add_init_script(_HELPERS)
    page.goto(address)
    times = [float(time) for time in page.evaluate("async () => [await titled, await complete]")]
    context.close()
    return times


# --- symbols: the gallery -----------------------------------------------------------------------

QUERIES = ("alpha", "arow", "∮", "amssymb", "less than", "stmaryrd", "e")
VIEWPORTS = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 375, "height": 812}}

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
  for (let step = 0; step < 150 && page.scrollTop < page.scrollHeight - page.clientHeight; step += 1) {
    page.scrollTop = (step * page.clientHeight) / 5;
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


def symbols(options: argparse.Namespace) -> None:
    """The Symbols page: the first frame with a glyph (fresh browser, second visit, click from the Draw page), the
    frames while scrolling thirty screens by a fifth each, a key to its result, a click to the large glyph."""
    with serving() as (address, browser):
        _open_gallery(browser, address, VIEWPORTS["desktop"]).context.close()  # warms up the server
        for name, viewport in VIEWPORTS.items():
            print(name)
            _measure_gallery(browser, address, viewport, options.rounds)


def _measure_gallery(browser: Browser, address: str, viewport: dict[str, int], rounds: int) -> None:
    fresh, again, through = [], [], []
    for _ in range(rounds):
        page = _open_gallery(browser, address, viewport)
        fresh.append(float(page.evaluate("firstGlyph")))
        page.reload()
        again.append(float(page.evaluate("firstGlyph")))
        page.goto(address)
        canvas_of(page).wait_for()
        page.wait_for_timeout(1500)
        # On a phone a menu hides the navigation.
        if page.get_by_role("link", name="Symbols", exact=True).is_visible():
            through.append(float(page.evaluate(_CLICK_THROUGH, "Symbols")))
        page.context.close()
    report("  first glyph painted, fresh browser", fresh)
    report("  first glyph painted, second visit", again)
    report("  first glyph painted, from the Draw page", through)
    page = _open_gallery(browser, address, viewport)
    page.wait_for_timeout(3000)
    report("  a frame while scrolling through everything", [t for _ in range(3) for t in page.evaluate(_SCROLL)])
    report("  search, key to result", _each(page, _SEARCH, QUERIES))
    page.evaluate(_SEARCH, "a")
    report("  choice, click to large glyph", _each(page, _CHOOSE, range(3, 3 + rounds)))
    page.context.close()


def _open_gallery(browser: Browser, address: str, viewport: dict[str, int]) -> Page:
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


# --- requests: drawing what is asked ------------------------------------------------------------

REQUESTED = 10
"""Drawings that are given in a row."""

_NEXT = """command => document.querySelector('.st-key-canvas').style.pointerEvents === ''
    && [...document.querySelectorAll('.st-key-request *')].map(one => one.shadowRoot?.querySelector('code'))
        .find(Boolean).textContent !== command"""


def requests(options: argparse.Namespace) -> None:
    """Ten drawings of what is asked, by somebody who draws as fast as the mouse moves and knows the keys.

    All of it, and from Enter until the next symbol and an empty canvas; in a workspace of its own, with a dataset.
    """
    with tempfile.TemporaryDirectory() as folder:
        export_dataset([StarterSource(each=STARTER_DRAWINGS)], Path(folder) / "dataset")
        with dashboard(Path(folder)) as address, chromium() as browser:
            for _ in range(options.rounds):
                _give_drawings(browser, address)


def _give_drawings(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/collect")
    canvas_of(page).wait_for()
    symbol = page.locator(".st-key-request code")
    symbol.wait_for()
    waits = []
    began = time.perf_counter()
    for number in range(REQUESTED):
        command = symbol.inner_text()
        draw(page, [[(60 + 9 * step, 200 + 90 * math.sin(step / 5 + number)) for step in range(30)]] * 2)
        entered = time.perf_counter()
        page.keyboard.press("Enter")
        page.wait_for_function(_NEXT, arg=command)
        waits.append(1000 * (time.perf_counter() - entered))
    print(f"{REQUESTED} drawings: {time.perf_counter() - began:.1f} s")
    report("  from Enter to the next symbol", waits)
    page.close()


# --- scripts: processor time without a browser --------------------------------------------------

SCRIPTS: dict[str, dict[str, str]] = {
    "export": {}, "render": {}, "train": {}, "evaluate": {}, "evaluate, symbols": {"view": "Symbols"},
    "evaluate, calibration": {"view": "Calibration"}, "models": {}, "symbols": {}, "collect": {},
}  # fmt: skip
"""Pages with the parameters of their addresses."""


def scripts(options: argparse.Namespace) -> None:
    """Processor time of every page's script, on a first visit and on a rerun, with `--times` times the data."""
    logging.disable(logging.WARNING)  # Streamlit reports that there is no server
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in SCRIPTS}
    for times in options.times:
        with tempfile.TemporaryDirectory() as name, workspaces.using(Path(name) / "workspace") as folder:
            workspaces.make(folder, options.source, times)
            for page, query in SCRIPTS.items():
                found[page].append(_script_seconds(page.partition(",")[0], query, options.rounds))
    heads = " | ".join(f"{times} ×" for times in options.times)
    print(f"| page | {heads} |\n| --- |{' ---: |' * len(options.times)}")
    for page, sizes in found.items():
        cells = " | ".join(f"{1e3 * first:.0f} ms, again {1e3 * again:.0f} ms" for first, again in sizes)
        print(f"| {page} | {cells} |")


def _script_seconds(page: str, query: dict[str, str], rounds: int) -> tuple[float, float]:
    """Median processor seconds of a page's script on a first visit, and on a rerun of the same visit."""
    import streamlit as st
    from streamlit.testing.v1 import AppTest

    first: list[float] = []
    again: list[float] = []
    for _ in range(rounds):
        st.cache_data.clear()
        st.cache_resource.clear()
        visit = AppTest.from_file(str(ROOT / "app.py"), default_timeout=600)
        visit.run()
        for name, value in query.items():
            visit.query_params[name] = value
        visit.switch_page(f"pages/{page}.py")
        for times in (first, again):
            began = time.process_time()
            visit.run()
            times.append(time.process_time() - began)
            if visit.exception:
                raise SystemExit(f"{page}: {visit.exception[0].message}")
    return statistics.median(first), statistics.median(again)


def main() -> None:
    """Run one of the measurements."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pages", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    for name, measure in {
        "latency": latency, "first-paint": first_paint, "symbols": symbols, "requests": requests,
        "scripts": scripts,
    }.items():  # fmt: skip
        command = commands.add_parser(name, help=(measure.__doc__ or "").partition("\n")[0])
        command.add_argument("--rounds", type=int, default=7, help="repetitions; the median is reported (default: 7)")
        command.set_defaults(measure=measure)
        if name == "latency":
            command.add_argument("--training", action="store_true", help="measure again while a training runs")
        if name == "scripts":
            command.add_argument("--source", type=Path, required=True, help="a gzipped dump")
            command.add_argument("--times", type=int, nargs="+", default=[1, 10], help="sizes (default: 1 10)")
    options = parser.parse_args()
    options.measure(options)


if __name__ == "__main__":
    main()
