"""Export of a dump and of one ten times as long: wall time, peak memory, and `gzip -dc` of the same file.

    PYTHONPATH=. python benchmarks/export_memory.py [--source DUMP.sql.gz] [--times 10] [--rounds 3]

The long dump repeats the rows under new ids; it is made first, as a stream, in a temporary folder. Without
--source, the drawings are made up. gzip and the export run in turn, so that a machine that slows down slows
both; times are medians over the rounds, memory is the most that one process had resident in any of them.
Processor time is told too: on a busy machine it says more than the clock.
"""

from __future__ import annotations

import argparse
import gzip
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

_COPY = b"COPY samples (id, key, strokes) FROM stdin;\n"
_END = b"\\.\n"


def main() -> None:
    """Make the long dump, run everything in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, help="a gzipped dump whose first column is the id")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="extexify-bench-") as name:
        folder = Path(name)
        short = options.source or made_up(folder / "short.sql.gz")
        rows = write_long(folder / "long.sql.gz", short, options.times)
        dumps = {short: rows // options.times, folder / "long.sql.gz": rows}
        seconds: dict[tuple[Path, str], list[float]] = {}
        processor: dict[tuple[Path, str], list[float]] = {}
        memory: dict[tuple[Path, str], float] = {}
        for _ in range(options.rounds):
            for dump in dumps:
                for what, command in commands(dump, folder / "dataset").items():
                    wall, busy, peak = measured(command)
                    seconds.setdefault((dump, what), []).append(wall)
                    processor.setdefault((dump, what), []).append(busy)
                    memory[dump, what] = max(memory.get((dump, what), 0), peak)
    cpu = f"{'(CPU)':>9}"
    print(f"{'rows':>9}  {'gzip -dc':>9} {cpu}  {'export':>9} {cpu}  {'ratio':>5}  {'rows/s':>8}  {'peak memory':>11}")
    for dump, count in dumps.items():
        unpack, export = (statistics.median(seconds[dump, what]) for what in ("gzip", "export"))
        unpack_cpu, export_cpu = (statistics.median(processor[dump, what]) for what in ("gzip", "export"))
        print(
            f"{count:>9,}  {unpack:>7.2f} s {unpack_cpu:>7.2f} s  {export:>7.2f} s {export_cpu:>7.2f} s"
            f"  {export / unpack:>5.2f}  {count / export:>8,.0f}  {memory[dump, 'export']:>8,.0f} MB"
        )


def commands(dump: Path, out: Path) -> dict[str, list[str]]:
    """What is measured on a dump."""
    return {
        "gzip": ["gzip", "-dc", str(dump)],
        "export": [sys.executable, "-m", "extexify", "export", "--source", str(dump), "--out", str(out)],
    }


def measured(command: list[str]) -> tuple[float, float, float]:
    """Seconds by the clock, seconds of processor time and megabytes that a command takes, with its start."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def write_long(path: Path, short: Path, times: int) -> int:
    """Write the rows of `short` `times` times over, under ids from 1 on; returns how many rows that makes."""
    number = 0
    with gzip.open(path, "wb", 6) as file:
        file.write(_COPY)
        for _ in range(times):
            for row in rows_of(short):
                number += 1
                file.write(b"%d\t%b" % (number, row.partition(b"\t")[2]))
        file.write(_END)
    return number


def rows_of(dump: Path) -> Iterator[bytes]:
    """The lines of the rows of table samples."""
    inside = False
    with gzip.open(dump, "rb") as file:
        for line in file:
            if inside:
                if line == _END:
                    return
                yield line
            inside = inside or line.startswith((b"COPY samples (id, ", b"COPY public.samples (id, "))


def made_up(path: Path, rows: int = 35_000) -> Path:
    """A dump of random walks, about as long as real drawings."""
    random = np.random.default_rng(0)
    with gzip.open(path, "wb", 6) as file:
        file.write(_COPY)
        for number in range(rows):
            walk = random.integers(-3, 4, (150, 2)).cumsum(0) + 200
            points = b",".join(
                b"[%d,%d,1400002580%03d]" % (x, y, 16 * i % 1000) for i, (x, y) in enumerate(walk.tolist())
            )
            file.write(b"%d\tmade-OT1-_%d\t[[%b]]\n" % (number, number % 1000, points))
        file.write(_END)
    return path


if __name__ == "__main__":
    main()
