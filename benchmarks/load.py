"""Load test of one server: visitors over real websockets who draw, look at the answers, and draw again.

    python -m benchmarks.load [--visitors 50 100] [--seconds 60] [--soak 300] [--source SOURCE]

Each visitor opens the Draw page and draws one drawing after the other, stroke by stroke, with the pauses of a
person (see `PEN`, `READING`). An answer's time is from the message of the stroke to the list of answers,
complete, at the visitor's end of the websocket. The clients share the processor; their share is reported.
Afterwards some visitors draw without pauses, which gives the maximum throughput of the server.
In the soak visitors come and go while memory, threads and open files of the server are recorded.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np

from extexify.drawing.strokes import BadDrawing, Drawing
from extexify.sources.open import open_source
from extexify.sources.rows import check_row
from tools.dashboard import CANVAS_SIDE, Server, serving
from tools.visitor import NoAnswer, Visitor

PEN = (0.4, 1.4)
"""Seconds from one answer to the end of the next stroke, the canvas's own wait of 0.2 s included."""

READING = (2.0, 6.0)
"""Seconds for which a visitor looks at the answers of a whole drawing."""

STAY = (10.0, 30.0)
"""Seconds that a visitor of the soak stays."""

PATIENCE = 10.0
"""Seconds for which a visitor waits for an answer."""

RUSH = 8
"""Visitors without pauses."""

SOAKING = 20
"""Visitors at a time in the soak."""

FORGOTTEN = 150.0
"""Seconds after which Streamlit has freed the session of a visitor that has left (it waits two minutes)."""

LOOK = 5.0
"""Seconds between two samples of the server's resources in the soak."""

_DRAWINGS = 400
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Look:
    """Resources of a process: memory in MB, threads, open files, seconds of processor time."""

    memory: float
    threads: int
    files: int
    processor: float

    @classmethod
    def at(cls, *processes: int) -> Look:
        """The current resources of processes, together."""
        looks = [cls._at(process) for process in processes]
        return cls(
            sum(look.memory for look in looks),
            sum(look.threads for look in looks),
            sum(look.files for look in looks),
            sum(look.processor for look in looks),
        )

    @classmethod
    def _at(cls, process: int) -> Look:
        folder = Path(f"/proc/{process}")
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line)
        times = (folder / "stat").read_text().rpartition(")")[2].split()
        return cls(
            memory=int(status["VmRSS"].split()[0]) / 1024,
            threads=int(status["Threads"]),
            files=len(list((folder / "fd").iterdir())),
            processor=(int(times[11]) + int(times[12])) / _TICKS,
        )


@dataclass
class Tally:
    """Measurements of all visitors: seconds of each answer, bytes received, failures."""

    seconds: list[float] = field(default_factory=list)
    received: int = 0
    failures: list[str] = field(default_factory=list)


def load_drawings(source: str) -> list[Drawing]:
    """Some drawings of a source, chosen at random, as large as people draw them on the canvas."""
    random = Random(1)
    chosen: list[Drawing] = []
    count = 0
    for row in open_source(source).rows():
        try:
            drawing = check_row(row).drawing
        except BadDrawing:
            continue
        count += 1
        if len(chosen) < _DRAWINGS:
            chosen.append(drawing)
        elif (place := random.randrange(count)) < _DRAWINGS:
            chosen[place] = drawing
    return [_on_canvas(drawing) for drawing in chosen]


def _on_canvas(drawing: Drawing) -> Drawing:
    """A drawing in the middle three fifths of the canvas."""
    points = np.concatenate(drawing)
    low, size = points.min(axis=0), max(float(np.ptp(points, axis=0).max()), 1.0)
    return [((stroke - low) / size * 0.6 * CANVAS_SIDE + 0.2 * CANVAS_SIDE).astype(np.float32) for stroke in drawing]


async def visit(
    server: Server,
    drawings: Sequence[Drawing],
    tally: Tally,
    until: float,
    random: Random,
    *,
    pauses: bool = True,
    client: str = "",
) -> None:
    """Visit the Draw page, from an address, and draw until the time comes; failures are recorded."""
    try:
        async with Visitor(server.address, patience=PATIENCE, client=client) as visitor:
            while time.monotonic() < until and visitor.is_connected:
                try:
                    await _draw_one(visitor, random.choice(drawings), tally, until, random, pauses)
                except NoAnswer as error:
                    # After a timeout, go on to another drawing, as a person would.
                    tally.failures.append(str(error))
            tally.received += visitor.received
    except (NoAnswer, OSError) as error:
        tally.failures.append(str(error))


async def _draw_one(
    visitor: Visitor, drawing: Drawing, tally: Tally, until: float, random: Random, pauses: bool
) -> None:
    # Shifted at random: people don't draw at the same place twice.
    drawing = [stroke + np.float32(random.uniform(-20, 20)) for stroke in drawing]
    for count in range(1, len(drawing) + 1):
        if pauses:
            await asyncio.sleep(random.uniform(*PEN))
        if time.monotonic() > until:
            return
        tally.seconds.append(await visitor.draw(drawing[:count]))
        if not pauses:
            await visitor.wait_until_idle()
    if pauses:
        await asyncio.sleep(min(random.uniform(*READING), max(until - time.monotonic(), 0)))
    await visitor.clear()


async def crowd(
    server: Server, drawings: Sequence[Drawing], visitors: int, seconds: float, *, pauses: bool = True
) -> list[str]:
    """Have so many visitors draw for so many seconds; returns the row of the table."""
    before, own = Look.at(server.process.pid), time.process_time()
    tally, began = Tally(), time.monotonic()
    until = began + seconds
    await asyncio.gather(
        *(visit(server, drawings, tally, until, Random(number), pauses=pauses) for number in range(visitors))
    )
    took = time.monotonic() - began
    after, own = Look.at(server.process.pid), time.process_time() - own
    used = after.processor - before.processor
    for why, count in Counter(tally.failures).items():
        print(f"{count} without an answer: {why}", file=sys.stderr)
    times = sorted(tally.seconds) or [float("nan")]
    return [
        f"{visitors}" if pauses else f"{visitors}, without pauses",
        f"{len(tally.seconds) / took:.1f}",
        f"{1000 * statistics.median(times):.0f}",
        f"{1000 * times[min(int(len(times) * 0.99), len(times) - 1)]:.0f}",
        f"{1000 * times[-1]:.0f}",
        f"{len(tally.failures)}",
        f"{1000 * used / max(len(tally.seconds), 1):.1f}",
        f"{100 * used / took:.0f} + {100 * own / took:.0f}",
        f"{after.memory:.0f}",
        f"{tally.received / max(len(tally.seconds), 1) / 1000:.0f}",
    ]


HEAD = (
    "visitors", "answers a second", "median, ms", "99 %, ms", "longest, ms", "without an answer",
    "processor, ms an answer", "processor, %: server + clients", "memory, MB", "kB an answer",
)  # fmt: skip


async def memory_of_sessions(server: Server, drawings: Sequence[Drawing], visitors: int) -> float:
    """MB of an open session with one drawing: from the growth while the second half of so many visitors arrives."""
    looks = []
    async with AsyncExitStack() as stack:
        for _ in range(2):
            for number in range(visitors // 2):
                visitor = await stack.enter_async_context(Visitor(server.address))
                await visitor.draw(drawings[number % len(drawings)])
            looks.append(Look.at(server.process.pid).memory)
    return (looks[1] - looks[0]) / (visitors // 2)


async def come_and_go(
    servers: Sequence[Server], drawings: Sequence[Drawing], tally: Tally, seconds: float, visitors: int
) -> tuple[int, list[tuple[float, Look]]]:
    """Keep so many visitors on the servers, each for a while, and then another one.

    Each address comes to the same server. Returns the number of visits, and the servers' resources every `LOOK` seconds
    with the seconds since the start.
    """
    began, visits = time.monotonic(), itertools.count()
    processes = [server.process.pid for server in servers]
    ends = began + seconds

    async def guests(number: int) -> None:
        random, client = Random(number), f"10.1.{number // 256}.{number % 256}"
        server = servers[number % len(servers)]
        await asyncio.sleep(random.uniform(0, STAY[1]))  # one after the other, as later on
        while time.monotonic() < ends:
            next(visits)
            stay = min(time.monotonic() + random.uniform(*STAY), ends)
            await visit(server, drawings, tally, stay, random, client=client)

    looks: list[tuple[float, Look]] = []

    async def watch() -> None:
        while time.monotonic() < ends:
            looks.append((time.monotonic() - began, Look.at(*processes)))
            await asyncio.sleep(LOOK)

    await asyncio.gather(watch(), *(guests(number) for number in range(visitors)))
    return next(visits), looks


async def soak(server: Server, drawings: Sequence[Drawing], seconds: float) -> None:
    """Have visitors come and go, and print the server's resources over time."""
    tally = Tally()
    visits, looks = await come_and_go([server], drawings, tally, seconds, SOAKING)
    print(f"\nsoak: {visits:,} visits, {len(tally.seconds):,} answers, {len(tally.failures)} without an answer\n")
    # Memory grows until the sessions of the first visitors are freed.
    steady = [(at, look) for at, look in looks if at > FORGOTTEN]
    if len(steady) < 6:
        print(f"too short for a trend: the first sessions are freed after {FORGOTTEN:.0f} s")
        return
    print("| s | memory, MB | threads | open files |\n| ---: | ---: | ---: | ---: |")
    for at, look in steady[:: max(len(steady) // 8, 1)]:
        print(f"| {at:.0f} | {look.memory:.0f} | {look.threads} | {look.files} |")
    slope = np.polyfit([at for at, _ in steady], [look.memory for _, look in steady], 1)[0]
    print(f"\ngrowth: {3600 * slope:+.0f} MB an hour, over {steady[-1][0] - steady[0][0]:.0f} s")


async def measure(server: Server, drawings: Sequence[Drawing], options: argparse.Namespace) -> None:
    """Run the load test, the memory measurement and the soak."""
    async with Visitor(server.address) as first:
        await first.draw(drawings[0])  # the model is ready then
    await crowd(server, drawings, 4, 5)
    each = await memory_of_sessions(server, drawings, max(options.visitors))
    print(f"a session takes {each:.2f} MB\n")
    print(f"| {' | '.join(HEAD)} |\n|{' ---: |' * len(HEAD)}")
    for count in options.visitors:
        print(f"| {' | '.join(await crowd(server, drawings, count, options.seconds))} |", flush=True)
    rush = await crowd(server, drawings, RUSH, options.seconds / 2, pauses=False)
    print(f"| {' | '.join(rush)} |")
    if options.soak:
        await soak(server, drawings, options.soak)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, nargs="+", default=[50, 100], help="at the same time (default: 50 100)")
    parser.add_argument("--seconds", type=float, default=60, help="of each (default: 60)")
    parser.add_argument("--soak", type=float, default=300, help="seconds of the soak, 0 for none (default: 300)")
    parser.add_argument("--source", default="starter:each=1,seed=3", help="of drawings (default: starter drawings)")
    options = parser.parse_args()
    drawings = load_drawings(options.source)
    gc.freeze()  # otherwise the clients' own collections, 0.1 s each, would count as the server's answers
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server:
        asyncio.run(measure(server, drawings, options))


if __name__ == "__main__":
    main()
