"""Concurrent writers of the same data: one succeeds, the rest report that it is being written, and nothing is mixed."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from extexify.contributions.postgres_store import PostgresStore
from extexify.contributions.sqlite_store import SqliteStore
from extexify.contributions.store import ContributionStore
from extexify.dataset.dataset import Dataset
from extexify.drawing.strokes import parse_strokes
from extexify.sources.open import open_source
from tools.faults.breakage import Background, Barrier, Ended, command, fingerprint, leftovers, processes, require
from tools.faults.samples import KEY, made_up, write_dump

_TIMEOUT = 300.0  # seconds


def two_exports(folder: Path, times: int) -> Counter[str]:
    """Two exports to one dataset: the result is one of the two, complete."""
    dump = write_dump(folder / "dump.sql", 50, 10)
    each = [("export", "--source", dump, "--seed", seed) for seed in (0, 1)]
    whole = []
    for arguments in each:
        require(command(folder, *arguments).code == 0, "an export by itself failed")
        whole.append(fingerprint(folder / "dataset"))
    outcomes: Counter[str] = Counter()
    for _ in range(times):
        ended = _at_once(folder, each)
        outcomes[_refused_or_done(ended, "is being written by another process")] += 1
        Dataset.open(folder / "dataset")
        require(fingerprint(folder / "dataset") in whole, "two exports at once made a dataset of both")
        require(not leftovers(folder), f"left behind: {leftovers(folder)}")
    return outcomes


def two_trainings(folder: Path, times: int, *, same_name: bool) -> Counter[str]:
    """Two concurrent trainings: of one name only one trains; of two names each makes the same model as alone."""
    dump = write_dump(folder / "dump.sql", 4, 8)
    require(command(folder, "export", "--source", dump).code == 0, "no dataset to train on")
    require(command(folder, "render", "--preset", "original").code == 0, "no images to train on")
    settings = ("--recipe", "original", "--epochs", 2, "--batch-size", 8, "--device", "cpu")
    names = ["one", "one" if same_name else "other"]
    each = [("train", *settings, "--run", name) for name in names]
    alone = {}
    for name, arguments in zip(names, each, strict=True):
        if name not in alone:
            ended = Background(folder, *arguments).wait()
            require(ended.code == 0, f"a training by itself failed: {ended.stderr[-500:]}")
            alone[name] = (folder / "models" / f"{name}.onnx").read_bytes()
    outcomes: Counter[str] = Counter()
    for _ in range(times):
        shutil.rmtree(folder / "runs")
        shutil.rmtree(folder / "models")
        ended_ones = _at_once(folder, each)
        outcome = _refused_or_done(ended_ones, "is being written by another process", "exists already")
        require(same_name or outcome == "both succeeded", f"two runs of different names interfered: {outcome}")
        outcomes[outcome] += 1
        for name, model in alone.items():
            made = (folder / "models" / f"{name}.onnx").read_bytes()
            require(made == model, f"run {name} is not the same to the bit as by itself")
        require(not leftovers(folder), f"left behind: {leftovers(folder)}")
    return outcomes


def many_contributions(place: str, writers: int = 5, each: int = 10) -> Counter[str]:
    """Drawings from several processes at once, into an SQLite file or a PostgreSQL address: none is lost or changed."""
    at = processes().Barrier(writers)
    running = [
        processes().Process(target=_contribute, args=(place, number, each, at)) for number in range(writers)
    ]  # fmt: skip
    for process in running:
        process.start()
    for process in running:
        process.join(_TIMEOUT)
        require(process.exitcode == 0, f"a writer ended with {process.exitcode}")
    stored = {}
    for row in open_source(place).rows():
        assert isinstance(row.strokes, str | bytes)
        require(row.id not in stored, f"id {row.id!r} was given twice")
        stored[row.id] = parse_strokes(row.strokes)
    wanted = [made_up(writer, number) for writer in range(writers) for number in range(each)]
    require(len(stored) == len(wanted), f"{len(stored)} drawings of {len(wanted)} are stored")
    for drawing in wanted:
        require(any(_same(drawing, other) for other in stored.values()), "a drawing is lost or changed")
    return Counter({"stored, each with an id of its own": len(stored)})


def _contribute(place: str, writer: int, each: int, at: Barrier) -> None:
    store: ContributionStore = PostgresStore(place) if "://" in place else SqliteStore(Path(place))
    at.wait()
    for number in range(each):
        store.add(KEY, made_up(writer, number))


def _same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return len(one) == len(other) and all(map(np.array_equal, one, other))


def _at_once(folder: Path, each: Sequence[tuple[object, ...]]) -> list[Ended]:
    at = processes().Barrier(len(each))
    return [running.wait() for running in [Background(folder, *arguments, at=at) for arguments in each]]


def _refused_or_done(ended: list[Ended], *reasons: str) -> str:
    """The outcome: at least one succeeded, and each error has one of these reasons."""
    refused = [one.error for one in ended if one.code]
    require(len(refused) < len(ended), f"none succeeded: {refused}")
    for error in refused:
        require(any(reason in error for reason in reasons), f"another reason: {error}")
    return "one succeeded, the second reported that the data is being written" if refused else "both succeeded"
