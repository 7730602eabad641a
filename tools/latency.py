"""Measures how fast the Draw page answers: `make latency`, on an otherwise idle machine.

Chromium draws strokes on the real dashboard through a proxy that notes when bytes pass. The server's share
is the time from the browser's message to the last byte of the answer; the whole is from lifting the pen to
the list being on the page, and includes the 200 ms that the canvas component waits for a further stroke.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from tools.dashboard import canvas_of, chromium, dashboard, draw, free_port, wait_for_answer

STROKES = 20
SETTLE = 1.0
"""Seconds after a stroke in which its answer is complete."""


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

    def exchange(self) -> float:
        """Seconds from the first bytes up to the last ones that came down on the same connection."""
        began, number = self.up[0]
        return max(time for time, connection in self.down if connection == number) - began

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


def main() -> None:
    """Draw, and print the medians."""
    server_share, whole = [], []
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(os.environ.get("EXTEXIFY_WORKSPACE") or folder)
        with dashboard(workspace) as address, chromium() as browser:
            proxy = Proxy(urlsplit(address).port or 80)
            page = browser.new_page()
            began = time.perf_counter()
            page.goto(f"http://127.0.0.1:{proxy.port}")
            canvas_of(page).wait_for()
            print(f"first page, ready to draw: {time.perf_counter() - began:.2f} s")
            page.wait_for_timeout(5000)
            for count in range(1, STROKES + 1):
                proxy.up.clear()
                proxy.down.clear()
                x = 15 + 18 * count
                draw(page, [[(x + 8 * math.sin(step / 4), 40 + 11 * step) for step in range(30)]])
                lifted = time.perf_counter()
                wait_for_answer(page, count)
                whole.append(1000 * (time.perf_counter() - lifted))
                page.wait_for_timeout(1000 * SETTLE)
                server_share.append(1000 * proxy.exchange())
    for name, times in (("server's share", server_share), ("pen up to list on the page", whole)):
        print(f"{name}: median {statistics.median(times):.0f} ms, worst {max(times):.0f} ms of {len(times)}")


if __name__ == "__main__":
    main()
