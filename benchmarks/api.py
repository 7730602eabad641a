"""Throughput of the HTTP API: clients that ask one drawing after the other over kept connections.

    python -m benchmarks.api [--clients 20] [--seconds 20] [--source SOURCE]

The clients are processes of their own on the same machine; their processor time is reported beside the server's.
"""

from __future__ import annotations

import argparse
import http.client
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from benchmarks.load import Look, load_drawings
from extexify.drawing.strokes import strokes_json
from tools.dashboard import serving

_PROCESSES = 2


def _ask(netloc: str, bodies: list[bytes], seconds: float, first: int) -> list[float]:
    """The seconds of each answer to one client."""
    connection = http.client.HTTPConnection(netloc, timeout=60)
    times = []
    ends = time.monotonic() + seconds
    number = first
    while (began := time.monotonic()) < ends:
        connection.request("POST", "/api/classify", bodies[number % len(bodies)], {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert orjson.loads(answer.read())["answers"], answer.status
        times.append(time.monotonic() - began)
        number += 1
    return times


def clients(netloc: str, bodies: list[bytes], seconds: float, count: int, first: int) -> tuple[list[float], float]:
    """The seconds of all answers to so many clients, threads of this process, and its processor time."""
    with ThreadPoolExecutor(count) as pool:
        own = time.process_time()
        found = pool.map(lambda number: _ask(netloc, bodies, seconds, first + 37 * number), range(count))
        return [second for times in found for second in times], time.process_time() - own


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=20, help="default: 20")
    parser.add_argument("--seconds", type=float, default=20, help="default: 20")
    parser.add_argument("--source", default="starter:each=1,seed=3", help="of drawings (default: starter drawings)")
    options = parser.parse_args()
    bodies = [b'{"strokes":%b}' % strokes_json(drawing) for drawing in load_drawings(options.source)]
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server:
        netloc = urlsplit(server.address).netloc
        _ask(netloc, bodies, 1, 0)  # the model is loaded then
        before, began = Look.at(server.process.pid), time.monotonic()
        with get_context("spawn").Pool(_PROCESSES) as pool:
            each = [
                (netloc, bodies, options.seconds, options.clients // _PROCESSES, 100 * number)
                for number in range(_PROCESSES)
            ]
            found = pool.starmap(clients, each)
        took, after = time.monotonic() - began, Look.at(server.process.pid)
    times = sorted(second for part, _ in found for second in part)
    print("| clients | answers a second | median, ms | 99 %, ms | processor, %: server + clients |\n|" + " ---: |" * 5)
    print(
        f"| {options.clients} | {len(times) / options.seconds:.0f} | {1000 * statistics.median(times):.0f} "
        f"| {1000 * times[int(0.99 * len(times))]:.0f} | {100 * (after.processor - before.processor) / took:.0f} + "
        f"{100 * sum(own for _, own in found) / took:.0f} |"
    )


if __name__ == "__main__":
    main()
