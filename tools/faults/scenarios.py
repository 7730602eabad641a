"""The fault scenarios: `make faults` runs all of them many times, tests/tools/test_faults.py some a few times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from tools.faults import clocks, crowds, database_stops, full_disks, kills, read_only_places, server_kills, writers
from tools.faults.breakage import limited_files, small_disk

Run = Callable[[Path, int, Random], Counter[str]]
"""Makes a fault happen so many times, at random moments, in an empty folder; returns the outcomes with their counts.

Raises `Broken` when data is lost, something half-written is read as complete, an error is not one line, or a job's
state is wrong.
"""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A fault in a stage.

    part: the fraction of the repetitions of `make faults`, below 1 for slow scenarios. short: repetitions in the test
    suite, 0 for none.
    """

    fault: str
    stage: str
    run: Run
    part: float = 1.0
    short: int = 0


def _disk(stage: writers.Stage, *, limit: bool) -> Scenario:
    def run(folder: Path, times: int, random: Random) -> Counter[str]:
        with limited_files() if limit else small_disk(full_disks.DISK_SIZE) as disk:
            writers.prepare(disk.folder / "ws")
            return full_disks.fill_disks(disk, stage, times, random)

    if limit:
        return Scenario("limit on the size of files", stage.name, run, 0.25, short=stage.name in ("export", "upload"))
    return Scenario("full disk", stage.name, run, 0.5, short=stage.name not in _SLOW_STAGES)


_SLOW_STAGES = ("export over an earlier one", "render with PNG files", "train", "calibrate", "job")


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


def _two_exports(folder: Path, times: int, random: Random) -> Counter[str]:
    return crowds.two_exports(folder, times)


def _two_trainings(folder: Path, times: int, random: Random, *, same_name: bool) -> Counter[str]:
    return crowds.two_trainings(folder, times, same_name=same_name)


SCENARIOS = (
    Scenario("kill -9", "export", kills.kill_exports, short=1),
    Scenario("kill -9", "render", kills.kill_renders),
    Scenario("kill -9, resumed", "train, recipe original", kills.kill_trainings),
    Scenario("kill -9, resumed", "train, recipe quick", partial(kills.kill_trainings, recipe="quick", epochs=2), 0.25),
    *(_disk(stage, limit=False) for stage in writers.STAGES),
    *(_disk(stage, limit=True) for stage in writers.STAGES),
    Scenario("PostgreSQL stopped", "export", _stop_exports, 0.5),
    Scenario("PostgreSQL stopped", "contributions", _stop_contributions, 0.5, short=1),
    Scenario("two at once", "export", _two_exports, short=1),
    Scenario("two at once, one name", "train", partial(_two_trainings, same_name=True), 0.25),
    Scenario("two at once, two names", "train", partial(_two_trainings, same_name=False), 0.25),
    Scenario("fifty at once, five processes", "contributions, SQLite", _contribute, 0.5, short=1),
    Scenario("fifty at once, five processes", "contributions, PostgreSQL", _contribute_to_postgres, 0.25),
    Scenario("server killed", "job", server_kills.kill_servers, 0.25, short=1),
    Scenario("clock that jumps", "contributions, marks, runs, jobs", clocks.jump, short=1),
    Scenario("read-only workspace", "everything that writes", _write_nowhere, 0, short=1),
    Scenario("read-only workspace", "every page, an answer", _serve_read_only, 0),
)
