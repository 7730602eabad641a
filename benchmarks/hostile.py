"""Soak of a public demo in which some visitors attack, while the others draw.

    python -m benchmarks.hostile [--visitors 100] [--hostile 10] [--servers 1] [--seconds 1800] [--source SOURCE]

Visitors, each with an address of its own as a proxy reports it, come, draw for a while with the pauses of a person, and
go (`benchmarks.load`). Hostile ones send, without a pause, what an attack on a server found to be costly: canvases of
empty objects, drawings of random points, texts of a megabyte where the server expects a name, messages that are none,
websockets of a foreign origin, links and searches made to be slow. Of several servers, which have one workspace, an
address always comes to the same one, as a proxy sees to (docs/deploy.md). An answer's time is from the message of a
stroke to the complete list, at the visitor's end of the websocket. The clients, hostile ones included, share the
processor with the servers; their share is reported.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import numpy as np
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from benchmarks.load import FORGOTTEN, Look, Tally, come_and_go, load_drawings
from extexify.core import settings
from extexify.drawing.strokes import Drawing
from extexify.ui.draw.fabric import canvas_from_drawing
from tools.dashboard import Server, serving
from tools.visitor import NoAnswer, Visitor

MEGABYTE = 950_000
"""Bytes of the largest messages: a little less than a demo accepts."""


def _canvas(objects: Sequence[object]) -> str:
    return json.dumps({"drawing": {"raw": {"objects": objects}, "data": None}}, separators=(",", ":"))


def _random_drawing(points: int) -> str:
    drawing = [np.random.default_rng(7).uniform(0, 400, (points, 2)).round().astype(np.float32)]
    return _canvas(canvas_from_drawing(drawing, color="#606ce0", stroke_width=6)["objects"])


CANVASES = (
    _canvas([{"visible": False}] * (MEGABYTE // 18)),
    _canvas([{"type": "group", "objects": []}] * (MEGABYTE // 31)),
    _random_drawing(9_000),
    _random_drawing(2_000),
)
LINES = "2026-01-01 operator signed in\n\x1b[31m" * (MEGABYTE // 35)

Attack = Callable[[Server, str, Random], Awaitable[None]]
"""An attack on a server, from an address."""


async def _canvas_of_rubbish(server: Server, client: str, random: Random) -> None:
    async with Visitor(server.address, client=client) as visitor:
        canvas = visitor.element_id("canvas")
        for _ in range(2):  # more would have to wait, other than on a new connection
            await visitor.request("", [WidgetState(id=canvas, json_value=random.choice(CANVASES))])


async def _texts_for_names(server: Server, client: str, random: Random) -> None:
    async with Visitor(server.address, client=client) as visitor:
        await visitor.send(fragment_id=LINES)
        await visitor.send(page_script_hash=LINES)
        await visitor.send(query=f"d={LINES}")
        await visitor.request()


async def _no_message(server: Server, client: str, random: Random) -> None:
    for size in (100, MEGABYTE, 5 * MEGABYTE):
        async with connect(
            f"ws{server.address.removeprefix('http')}/_stcore/stream",
            additional_headers={"X-Forwarded-For": client},
            compression=None,
        ) as socket:
            await socket.send(random.randbytes(size))
            await socket.wait_closed()


async def _foreign_origin(server: Server, client: str, random: Random) -> None:
    for _ in range(20):
        async with connect(
            f"ws{server.address.removeprefix('http')}/_stcore/stream",
            additional_headers={"X-Forwarded-For": client, "Origin": "https://evil.example"},
        ):
            pass


async def _slow_addresses(server: Server, client: str, random: Random) -> None:
    url = urlsplit(server.address)
    for path in (
        f"/share/drawing.png?d={'9' * 1_900}",
        f"/share/qr.svg?link={server.address}/?d={'A' * 600}",
        "/catalog/find?q=" + "%ff".join("qzj" for _ in range(30)),
        "/catalog/search?q=" + "a" * 4_000,
        "/" + "x" * 8_000,
    ):
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: close\r\n\r\n".encode())
        await reader.read()
        writer.close()


ATTACKS: tuple[Attack, ...] = (
    _canvas_of_rubbish, _texts_for_names, _no_message, _foreign_origin, _slow_addresses,
)  # fmt: skip


async def attack(server: Server, until: float, number: int, done: Counter[str]) -> None:
    """Attack from an address of its own, one way after the other, until the time comes."""
    client, random = f"10.2.0.{number}", Random(-1 - number)
    while time.monotonic() < until:
        how = random.choice(ATTACKS)
        try:
            async with asyncio.timeout(max(until - time.monotonic(), 1)):
                await how(server, client, random)
        except (NoAnswer, OSError, WebSocketException, TimeoutError):
            pass  # the server has closed the connection
        done[how.__name__.strip("_")] += 1


async def soak(servers: Sequence[Server], drawings: Sequence[Drawing], options: argparse.Namespace) -> None:
    """Run the soak and print its tables."""
    tally, done = Tally(), Counter[str]()
    processes = [server.process.pid for server in servers]
    began, own, before = time.monotonic(), time.process_time(), Look.at(*processes)
    until = began + options.seconds
    async with asyncio.TaskGroup() as group:
        for number in range(options.hostile):
            group.create_task(attack(servers[number % len(servers)], until, number, done))
        others = options.visitors - options.hostile
        drawing = group.create_task(come_and_go(servers, drawings, tally, options.seconds, others))
    visits, looks = drawing.result()

    took, after = time.monotonic() - began, Look.at(*processes)
    times = sorted(tally.seconds)
    print(f"{visits:,} visits, {len(times):,} answers, {len(tally.failures)} without an answer")
    for why, count in Counter(tally.failures).most_common(5):
        print(f"  {count} × {why}")
    print("attacks: " + ", ".join(f"{count:,} × {name}" for name, count in done.most_common()))
    at = [f"{1000 * times[min(int(len(times) * share), len(times) - 1)]:.0f}" for share in (0.5, 0.95, 0.99, 1)]
    used, clients = after.processor - before.processor, time.process_time() - own
    print("\n| answers, ms: median | 95 % | 99 % | longest | processor, %: server + clients | log, kB |")
    print(f"|{' ---: |' * 6}\n| {' | '.join(at)} | {100 * used / took:.0f} + {100 * clients / took:.0f} |", end="")
    print(f" {sum(server.log.stat().st_size for server in servers) / 1000:.0f} |")
    print("\n| s | memory, MB | threads | open files |\n| ---: | ---: | ---: | ---: |")
    for second, look in looks[:: max(len(looks) // 10, 1)]:
        print(f"| {second:.0f} | {look.memory:.0f} | {look.threads} | {look.files} |")
    half = [(second, look.memory) for second, look in looks if second > max(FORGOTTEN, options.seconds / 2)]
    if len(half) > 5:
        slope = np.polyfit([second for second, _ in half], [memory for _, memory in half], 1)[0]
        print(f"\nmemory in the second half: {3600 * slope:+.0f} MB an hour")


async def measure(servers: Sequence[Server], drawings: Sequence[Drawing], options: argparse.Namespace) -> None:
    """Wait for the models, then run the soak."""
    for server in servers:
        async with Visitor(server.address) as first:
            await first.draw(drawings[0])
    await soak(servers, drawings, options)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=100, help="at the same time (default: 100)")
    parser.add_argument("--hostile", type=int, default=10, help="of them (default: 10)")
    parser.add_argument("--servers", type=int, default=1, help="with the same workspace (default: 1)")
    parser.add_argument("--seconds", type=float, default=1800, help="default: 1800")
    parser.add_argument("--source", default="starter:each=1,seed=3", help="of drawings (default: starter drawings)")
    options = parser.parse_args()
    drawings = load_drawings(options.source)
    gc.freeze()  # otherwise the clients' own collections, 0.1 s each, would count as the server's answers
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        servers = [
            stack.enter_context(
                serving(Path(folder), {settings.DEMO.name: "yes"}, log_file=Path(folder, f"server-{number}.log"))
            )
            for number in range(options.servers)
        ]
        asyncio.run(measure(servers, drawings, options))


if __name__ == "__main__":
    main()
