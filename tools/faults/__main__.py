"""Breaks everything many times, and prints what became of it: `make faults`, or

    python -m tools.faults [--times N] [--only WORD …] [--seed N]

Every row is a fault in a stage, how many times it happened, and how it went, with counts. What must never happen
(something lost, something half-written read as whole, a traceback, a job that is told wrongly) ends the row with
BROKEN and its description, and the program with code 1. The tests do the same a few times.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

import torch

from tools.faults import clocks, crowds, database_stops, full_disks, kills, read_only_places, server_kills, writers
from tools.faults.breakage import Broken, Disk, limited_files, small_disk


@dataclass(frozen=True, slots=True)
class Case:
    """A row of the table."""

    fault: str
    stage: str
    run: Callable[[Path, int, Random], Counter[str]]
    part: float = 1.0
    """Of the times that were asked for: what takes longer is done less often."""


def _disk_case(stage: writers.Stage, limit: bool) -> Case:
    def run(folder: Path, times: int, random: Random) -> Counter[str]:
        with limited_files() if limit else small_disk(full_disks.DISK_SIZE) as disk:
            return _fill(disk, stage, times, random)

    return Case("limit on the size of files" if limit else "full disk", stage.name, run, 0.25 if limit else 0.5)


def _fill(disk: Disk, stage: writers.Stage, times: int, random: Random) -> Counter[str]:
    writers.prepare(disk.folder / "ws")
    return full_disks.fill_disks(disk, stage, times, random)


def _stop_exports(folder: Path, times: int, random: Random) -> Counter[str]:
    with database_stops.stoppable_server() as server:
        return database_stops.stop_during_exports(server, folder, times, random)


def _stop_contributions(folder: Path, times: int, random: Random) -> Counter[str]:
    with database_stops.stoppable_server() as server:
        return database_stops.stop_during_contributions(server, times)


def _contribute(folder: Path, times: int, random: Random) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    for number in range(times):
        outcomes += crowds.many_contributions(str(folder / f"{number}.sqlite3"))
    return outcomes


def _contribute_to_postgres(folder: Path, times: int, random: Random) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    with database_stops.stoppable_server() as server:
        for _ in range(times):
            outcomes += crowds.many_contributions(server.address)
            server.execute("DROP TABLE samples")
    return outcomes


def _write_nowhere(folder: Path, times: int, random: Random) -> Counter[str]:
    writers.prepare(folder / "ws")
    return read_only_places.write_nowhere(folder / "ws")


def _serve_read_only(folder: Path, times: int, random: Random) -> Counter[str]:
    writers.prepare(folder / "ws")
    return read_only_places.serve_read_only(folder / "ws")


CASES = (
    Case("kill -9", "export", kills.kill_exports),
    Case("kill -9", "render", kills.kill_renders),
    Case("kill -9, resumed", "train, recipe original", kills.kill_trainings),
    Case("kill -9, resumed", "train, recipe quick", partial(kills.kill_trainings, recipe="quick", epochs=2), 0.25),
    *(_disk_case(stage, limit=False) for stage in writers.STAGES),
    *(_disk_case(stage, limit=True) for stage in writers.STAGES),
    Case("PostgreSQL stopped", "export", _stop_exports, 0.5),
    Case("PostgreSQL stopped", "contributions", _stop_contributions, 0.5),
    Case("two at once", "export", lambda folder, times, random: crowds.two_exports(folder, times)),
    Case("two at once, one name", "train", lambda folder, times, _: _two(folder, times, same_name=True), 0.25),
    Case("two at once, two names", "train", lambda folder, times, _: _two(folder, times, same_name=False), 0.25),
    Case("fifty at once, five processes", "contributions, SQLite", _contribute, 0.5),
    Case("fifty at once, five processes", "contributions, PostgreSQL", _contribute_to_postgres, 0.25),
    Case("server killed", "job", server_kills.kill_servers, 0.25),
    Case("clock that jumps", "contributions, marks, runs, jobs", clocks.jump),
    Case("read-only workspace", "everything that writes", _write_nowhere, 0),
    Case("read-only workspace", "every page, an answer", _serve_read_only, 0),
)


def _two(folder: Path, times: int, *, same_name: bool) -> Counter[str]:
    return crowds.two_trainings(folder, times, same_name=same_name)


def main() -> int:
    """Print the table; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20, help="that each fault happens, about (default: 20)")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="cases whose names have one of these")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments (default: 0)")
    options = parser.parse_args()
    chosen = [
        case for case in CASES
        if not options.only or any(word in f"{case.fault} {case.stage}" for word in options.only)
    ]  # fmt: skip
    torch.set_num_threads(1)  # as in the processes: the same to the bit
    print("| fault | stage | outcome | seconds |\n| --- | --- | --- | ---: |", flush=True)
    broken = 0
    for case in chosen:
        began = time.monotonic()
        with _folder() as folder:
            try:
                outcomes = case.run(folder, max(round(options.times * case.part), 2), Random(options.seed))
                said = "; ".join(f"{count} × {outcome}" for outcome, count in sorted(outcomes.items()))
            except Broken as error:
                broken += 1
                said = f"BROKEN: {error}"
        print(f"| {case.fault} | {case.stage} | {said} | {time.monotonic() - began:.0f} |", flush=True)
    return 1 if broken else 0


@contextmanager
def _folder() -> Iterator[Path]:
    """A temporary folder that every user can reach."""
    with tempfile.TemporaryDirectory(prefix="extexify-faults-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


if __name__ == "__main__":
    sys.exit(main())
