"""The training runs of the workspace: how far each is, how it did, and whether it can go on."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from extexify.access import permissions
from extexify.core.names import free_name
from extexify.core.schema import Maybe, check_form
from extexify.training.recipes import MAX_EPOCHS, Recipe
from extexify.workspace import jobs, paths
from extexify.workspace.files import StorageError, holds_files, is_being_written, read_json, remove_folder, writer_lock


@dataclass(frozen=True, slots=True)
class SplitMetrics:
    """Figures on a split: the mean loss; top-1 and top-5 as parts of 1. NaN where the split was trained on, too."""

    loss: float
    top1: float
    top5: float


_FIGURES = {"loss": float, "top1": float, "top5": float}
_NOT_JUDGED = dict.fromkeys(_FIGURES, math.nan)
_EPOCH = {
    "epoch": int, "train": _FIGURES, "validation": Maybe(_FIGURES), "learning_rate": float, "seconds": float,
    "drawings_per_second": float,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Epoch:
    """A line of `metrics.jsonl`: an epoch's number from 1, its figures, its learning rate at the end, its seconds."""

    number: int
    train: SplitMetrics
    validation: SplitMetrics
    learning_rate: float
    seconds: float
    drawings_per_second: float


@dataclass(frozen=True, slots=True)
class Run:
    """A training, as its folder tells it.

    began and changed are in seconds since 1970, size in bytes. problem is one sentence about what is damaged; such a
    run is shown with what can be read of it. recipe is None when even `run.json` can't be.
    """

    folder: Path
    recipe: Recipe | None
    seed: int
    dataset_hash: str
    epochs: tuple[Epoch, ...]
    problem: str
    began: float
    changed: float
    size: int
    is_running: bool

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def total_epochs(self) -> int:
        """The epochs that it is to have in the end; 0: nobody knows."""
        return self.recipe.epochs if self.recipe else 0

    @property
    def epochs_done(self) -> int:
        """The epochs that it has."""
        return self.epochs[-1].number if self.epochs else 0

    @property
    def best(self) -> Epoch | None:
        """The epoch whose model is kept: the first one with the highest validation top-5, or without any the last."""
        if self.epochs and math.isnan(self.epochs[-1].validation.top5):
            return self.epochs[-1]
        return max(self.epochs, key=lambda epoch: epoch.validation.top5, default=None)

    @property
    def state(self) -> str:
        """`running`, `finished`, `interrupted` or `damaged`."""
        if self.is_running:
            return "running"
        if self.recipe is None:
            return "damaged"
        return "finished" if self.epochs_done >= self.total_epochs else "interrupted"

    @property
    def can_resume(self) -> bool:
        """Whether `train --run NAME --resume` has something to do and to do it with."""
        return self.state == "interrupted" and not self.problem

    @property
    def model(self) -> Path | None:
        """The run's own copy of its best model, if an epoch is done."""
        path = self.folder / "model.safetensors"
        return path if path.exists() else None


def default_name(recipe: str) -> str:
    """What a run is called that nobody names: the recipe and the time; no name twice, even if the clock is put back."""

    def is_taken(name: str) -> bool:
        model = paths.models_folder() / f"{name}.safetensors"
        return holds_files(paths.runs_folder() / name) or model.exists()

    return free_name(f"{recipe}-{datetime.now():%Y%m%d-%H%M%S}", is_taken)


@permissions.operators_only
def list_runs() -> list[Run]:
    """All runs of the workspace, the one that was begun last first."""
    root = paths.runs_folder()
    if not root.is_dir():
        return []
    written = {name for job in jobs.running() for name in job.writes}
    # A name with line breaks or bytes that are no text can't be shown, nor asked for.
    folders = (path for path in root.iterdir() if path.name.isprintable() and path.name[0] != "." and path.is_dir())
    found = (_read(folder, f"runs/{folder.name}" in written) for folder in folders)
    return sorted((run for run in found if run is not None), key=lambda run: (-run.began, run.name))


@permissions.operators_only
def find_run(name: str) -> Run | None:
    """The run of a name; None when there is none."""
    folder = paths.runs_folder() / name
    # What comes in an address or a job's file leads nowhere else.
    if not name.isprintable() or not name or name.startswith(".") or folder.name != name:
        return None
    try:
        if not folder.is_dir():
            return None
    except OSError:  # a name that is too long for one
        return None
    return _read(folder, bool(jobs.running([f"runs/{name}"])))


def newest_run() -> str:
    """The name of the run that was begun last. Raises ValueError when there is none."""
    found = list_runs()
    if not found:
        raise ValueError(f"there is no run in {paths.runs_folder()} to go on with")
    return found[0].name


@permissions.operators_only
def delete_run(name: str) -> None:
    """Delete a run's folder; models that were made of it stay.

    Raises `StorageError` when there is no such run or it is being written.
    """
    run = find_run(name)
    if run is None:
        raise StorageError(f"there is no run {name} in {paths.runs_folder()}")
    if run.is_running:
        raise StorageError(f"run {name} is being written: stop it first")
    with writer_lock(run.folder, "run"):
        remove_folder(run.folder)


def typical_speed(runs: Iterable[Run], recipe: Recipe) -> float | None:
    """Drawings a second of the newest training with this network and this batch size here; None without any."""
    for run in runs:
        if run.epochs and run.recipe and _same_work(run.recipe, recipe):
            # Epochs of small pictures are faster than the others: all of them count, as long as they took.
            seconds = sum(epoch.seconds for epoch in run.epochs)
            return sum(epoch.drawings_per_second * epoch.seconds for epoch in run.epochs) / seconds if seconds else None
    return None


def _same_work(mine: Recipe, other: Recipe) -> bool:
    # Epochs and learning rates cost no time; all else may.
    return replace(mine, epochs=1, learning_rate=1.0) == replace(other, epochs=1, learning_rate=1.0)


def _read(folder: Path, is_written: bool) -> Run | None:
    """The run in a folder; None when it has been removed meanwhile, or is none."""
    try:
        asked, metrics = _stamp(folder / "run.json"), _stamp(folder / "metrics.jsonl")
        # Before its first file there is, a training is known by its job alone; and other folders are no runs.
        if asked is None and metrics is None:
            return None
        files = [path.stat() for path in folder.iterdir()]
        changed = folder.stat().st_mtime
    except OSError:
        return None
    recipe, seed, dataset_hash, problem = _asked(folder / "run.json", asked)
    epochs, damage = _epochs(folder / "metrics.jsonl", metrics)
    return Run(
        folder=folder,
        recipe=recipe,
        seed=seed,
        dataset_hash=dataset_hash,
        epochs=epochs,
        problem=problem or damage,
        began=asked[0] / 1e9 if asked else changed,
        changed=max([changed, *(status.st_mtime for status in files)]),
        size=sum(status.st_size for status in files),
        is_running=is_written or is_being_written(folder),
    )


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What tells one version of a file from the next; None when there is no file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


# Pages look every second, and a list may have hundreds of runs, of which one changes.
@lru_cache(maxsize=2048)
def _asked(path: Path, version: tuple[int, int, int] | None) -> tuple[Recipe | None, int, str, str]:
    """Recipe, seed, dataset hash, and what is wrong with the file."""
    try:
        asked: Any = read_json(path)
        check_form(asked, {"recipe": {}, "seed": int, "dataset": {"content_hash": str}})
        return Recipe.from_json(asked["recipe"]), asked["seed"], asked["dataset"]["content_hash"], ""
    except (OSError, ValueError):
        return None, 0, "", "run.json is missing or damaged, so that nobody knows what was asked"


@lru_cache(maxsize=2048)
def _epochs(path: Path, version: tuple[int, int, int] | None) -> tuple[tuple[Epoch, ...], str]:
    """The epochs that can be read, and what is wrong with the file."""
    if version is None:
        return (), ""
    try:
        lines = path.read_bytes().split(b"\n")[:-1]  # what stands after the last end of a line is being written
    except OSError as error:
        return (), f"metrics.jsonl can't be read ({error.strerror})"
    read = [_epoch(line) for line in lines]
    bad = [number for number, epoch in enumerate(read, 1) if epoch is None]
    problem = f"line {bad[0]} of metrics.jsonl is damaged" if bad else ""
    return tuple(epoch for epoch in read if epoch is not None), problem


def _epoch(line: bytes) -> Epoch | None:
    try:
        entry = orjson.loads(line)
        check_form(entry, _EPOCH)
    except ValueError:
        return None
    train, validation = (
        SplitMetrics(*(float(figures[name]) for name in _FIGURES))
        for figures in (entry["train"], entry.get("validation") or _NOT_JUDGED)
    )
    epoch = Epoch(
        number=entry["epoch"],
        train=train,
        validation=validation,
        learning_rate=float(entry["learning_rate"]),
        seconds=float(entry["seconds"]),
        drawings_per_second=float(entry["drawings_per_second"]),
    )
    return epoch if 0 < epoch.number <= MAX_EPOCHS else None
