"""A clock that jumps: ids, orders and durations don't change."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from unittest import mock

from extexify.contributions.sqlite_store import SqliteStore
from extexify.contributions.store import count_unexported
from extexify.dataset.dataset import Dataset
from extexify.dataset.review import ReviewList
from extexify.training.runs import default_name
from extexify.workspace import jobs, paths
from extexify.workspace.jobs import Job
from tools.faults.breakage import command, require, using
from tools.faults.samples import KEY, made_up, write_dump

_YEAR = 365 * 24 * 3600.0

JUMPS = (-50 * _YEAR, -_YEAR, -3600.0, -1.0, 0.0, 1.0, 3600.0, _YEAR, 50 * _YEAR)
"""Seconds by which a clock is wrong."""


@contextmanager
def clock_off_by(seconds: float) -> Iterator[None]:
    """Shift the time of day while the block runs; the monotonic clock is unchanged."""
    right = time.time_ns

    def wrong() -> int:
        return right() + int(seconds * 1e9)

    with mock.patch("time.time", side_effect=lambda: wrong() / 1e9), mock.patch("time.time_ns", side_effect=wrong):
        yield


def jump(folder: Path, times: int, random: Random) -> Counter[str]:
    """Let the clock jump before every contribution, mark and job."""
    outcomes: Counter[str] = Counter()
    dump = write_dump(folder / "dump.sql", 4, 8)
    with using(folder):
        store, review = SqliteStore(paths.store_file()), ReviewList(paths.review_file())
        store.add(KEY, made_up(0, 0))
        sources = ("--source", dump, "--source", paths.store_file())
        require(command(folder, "export", *sources).code == 0, "no dataset")
        dataset = Dataset.open(paths.dataset_folder())
        ids, names, started = list[int](), set[str](), list[Job]()
        for number in range(1, times + 1):
            off = random.choice(JUMPS)
            with clock_off_by(off):
                ids.append(store.add(KEY, made_up(1, number)))
                review.reject(KEY, number, made_up(2, number))
                names.add(_begun(default_name("clock")))
                require(count_unexported(store, dataset) == number, "contributions are not those since the export")
            outcomes["contribution with a higher id, mark and run with a name of its own"] += 1
        require(ids == sorted(set(ids)), "ids don't grow with the contributions")
        require(len(review.entries()) == times, "a mark is lost")
        require(len(names) == times, "two runs got one name")
        for off in (0.0, -_YEAR, _YEAR):
            with clock_off_by(off):
                job = jobs.start("export", ["--source", str(dump), "--out", str(folder / "x")], title="Export")
            _wait(job)
            started.append(job)
            require(job.state == "done" and 0 <= job.seconds < 120, f"a job is {job.state} after {job.seconds:.0f} s")
            require(
                [found.id for found in jobs.list_jobs()] == [one.id for one in reversed(started)], "jobs out of order"
            )
            outcomes["job newest in the list, its duration right"] += 1
    return outcomes


def _begun(name: str) -> str:
    """Make a run of that name; returns the name."""
    folder = paths.runs_folder() / name
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    return name


def _wait(job: Job) -> None:
    give_up = time.monotonic() + 120
    while job.state == "running":
        require(job.seconds < 120, "a job that has just begun shows a duration of more than 120 s")
        require(time.monotonic() < give_up, "the job hangs")
        time.sleep(0.02)
