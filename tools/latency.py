"""Measures how fast the Draw page answers: `make latency`, on an otherwise idle machine.

With `--training` (`make latency ARGS=--training`) it measures a second time while a training on starter drawings
runs in the background, started as the pages start one.

Chromium draws strokes on the real dashboard through a proxy that notes when bytes pass. The server's share
is the time from the browser's message to the last byte of the answer; the whole is from lifting the pen to
the list being on the page, and includes the 200 ms that the canvas component waits for a further stroke.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import math
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from extexify.core import settings
from extexify.dataset.export import export_dataset
from extexify.sources.starter import StarterSource
from extexify.workspace import jobs, paths
from tools.dashboard import canvas_of, chromium, dashboard, draw, free_port, wait_for_answer

if TYPE_CHECKING:
    from playwright.sync_api import Page

STROKES = 20
SETTLE = 1.0
"""Seconds after a stroke in which its answer is complete."""

STARTER_DRAWINGS = 20
"""Starter drawings of each symbol that the training beside the measurement learns from."""


class Proxy:
    """Passes connections on to another port of this machine, and notes when bytes go either way."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self.up: list[tuple[float, int]] = []  # when, and on which connection
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
        """Seconds from the bytes up that led to the list being on the page, at the time `shown`, to the last ones
        that came down for them. What the page asks by itself before and afterwards (it looks for jobs) doesn't count.
        """
        began, number = max(up for up in self.up if up[0] < shown)
        after = min((time for time, _ in self.up if time > shown), default=math.inf)
        return max(time for time, connection in self.down if connection == number and time < after) - began

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        times: list[tuple[float, int]],
        number: int,
    ) -> None:
        try:
            while data := await reader.read(1 << 16):
                times.append((time.perf_counter(), number))
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()


def measure(page: Page, proxy: Proxy) -> dict[str, list[float]]:
    """Draw STROKES strokes on an empty canvas: milliseconds of each, by what was measured."""
    times: dict[str, list[float]] = {"server's share": [], "pen up to list on the page": []}
    share, whole = times.values()
    for count in range(1, STROKES + 1):
        proxy.up.clear()
        proxy.down.clear()
        x = 15 + 18 * count
        draw(page, [[(x + 8 * math.sin(step / 4), 40 + 11 * step) for step in range(30)]])
        lifted = time.perf_counter()
        wait_for_answer(page, count)
        shown = time.perf_counter()
        whole.append(1000 * (shown - lifted))
        page.wait_for_timeout(1000 * SETTLE)
        share.append(1000 * proxy.exchange(shown))
    return times


def show(state: str, times: dict[str, list[float]]) -> None:
    """Print the medians."""
    for name, values in times.items():
        print(
            f"{state}, {name}: median {statistics.median(values):.0f} ms, worst {max(values):.0f} ms of {len(values)}"
        )


@contextmanager
def training() -> Iterator[None]:
    """A training that runs in the background for as long as the context lasts, in a workspace of its own."""
    with tempfile.TemporaryDirectory() as folder:
        before = os.environ.get(settings.WORKSPACE.name)
        os.environ[settings.WORKSPACE.name] = folder
        try:
            export_dataset([StarterSource(each=STARTER_DRAWINGS)], paths.dataset_folder())
            run = ["--run", "latency", "--epochs", "1000"]
            job = jobs.start("train", run, title="Training to measure beside", writes=["runs/latency"])
            try:
                while job.epoch is None or not job.done:
                    if job.state != "running":
                        raise RuntimeError(f"the training ended before it began: {job.error}")
                    time.sleep(0.2)
                yield
                if job.state != "running":
                    raise RuntimeError(f"the training ended while it was measured beside: {job.error}")
            finally:
                for _ in range(2):  # asked, and then made to
                    jobs.stop(job)
                while job.state == "running":
                    time.sleep(0.1)
        finally:
            os.environ.pop(settings.WORKSPACE.name)
            if before is not None:
                os.environ[settings.WORKSPACE.name] = before


def main() -> None:
    """Draw, and print the medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--training", action="store_true", help="measure a second time while a training runs")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        served = Path(os.environ.get(settings.WORKSPACE.name) or folder)
        with dashboard(served) as address, chromium() as browser:
            proxy = Proxy(urlsplit(address).port or 80)
            page = browser.new_page()
            began = time.perf_counter()
            page.goto(f"http://127.0.0.1:{proxy.port}")
            canvas_of(page).wait_for()
            print(f"first page, ready to draw: {time.perf_counter() - began:.2f} s")
            page.wait_for_timeout(5000)
            show("idle", measure(page, proxy))
            if arguments.training:
                page.get_by_role("button", name="Clear", exact=True).click()
                wait_for_answer(page, 0)
                with training():
                    show("while a training runs", measure(page, proxy))


if __name__ == "__main__":
    main()
