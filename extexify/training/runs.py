"""Training runs: the files of one, written by rank 0 of its training, and the list of all in the workspace.

run.json                   the configuration: recipe, seed, splits, hash of the dataset
metrics.jsonl              one line per epoch
batches.jsonl              of the running epoch: a line every few seconds
events.out.tfevents.*      the same metrics for TensorBoard (`extexify.training.tensorboard`)
checkpoint.safetensors     the state to resume from (`extexify.training.checkpoints`)
model.safetensors          the best epoch so far (`extexify.model.weights`)
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import orjson
from msgspec import Meta

from extexify.access import permissions
from extexify.core.names import free_name
from extexify.core.progress import ignoring_full_disk, tail
from extexify.core.schema import validate
from extexify.training.recipes import MAX_EPOCHS, Recipe
from extexify.workspace import jobs, paths
from extexify.workspace.files import (
    StorageError,
    atomic_file,
    explained,
    holds_files,
    is_being_written,
    read_json,
    remove_folder,
    write_json,
    writer_lock,
)

# --- the files of a run -------------------------------------------------------------------------


class RunFiles:
    """The paths of a run's files, and the writing of `run.json`, `metrics.jsonl` and `batches.jsonl`."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.config, self.metrics, self.batches = run / "run.json", run / "metrics.jsonl", run / "batches.jsonl"
        self.checkpoint, self.best = run / "checkpoint.safetensors", run / "model.safetensors"

    def begin(self, config: dict[str, Any]) -> None:
        """Make the run's folder and write its configuration, with the present time."""
        self.run.mkdir(parents=True, exist_ok=True)
        write_json(self.config, {**config, "began": datetime.now().astimezone().isoformat()})

    def check(self, config: RunConfig) -> None:
        """Check that the run can go on with this configuration, which may have more epochs than it was begun for.

        Raises `StorageError`, which names what differs.
        """
        stored = read_config(self.run)
        extended = replace(stored, recipe=replace(stored.recipe, epochs=config.recipe.epochs))
        if differences := _differences(extended, config):
            raise StorageError(
                f"run {self.run.name} was begun with {', '.join(old for old, _ in differences)}, not with "
                f"{', '.join(new for _, new in differences)}: resume it without that, or start a new run"
            )
        if config.recipe.epochs < stored.recipe.epochs:
            raise StorageError(
                f"run {self.run.name} was begun for {stored.recipe.epochs} epochs: it can be given more, not "
                f"{config.recipe.epochs}; start a new run"
            )

    def resume(self, config: RunConfig) -> None:
        """Check the configuration, and record its epochs. Raises `StorageError`."""
        self.check(config)
        value: Any = read_json(self.config)
        if value["recipe"]["epochs"] != config.recipe.epochs:
            write_json(self.config, {**value, "recipe": {**value["recipe"], "epochs": config.recipe.epochs}})

    def add_epoch(self, entry: dict[str, Any]) -> None:
        """Append an epoch's line to `metrics.jsonl`, which replaces those of its batches."""
        with explained(self.metrics), self.metrics.open("ab") as file:
            file.write(orjson.dumps(entry) + b"\n")
        with explained(self.batches):
            self.batches.unlink(missing_ok=True)

    def add_batches(self, entry: dict[str, Any]) -> None:
        """Append a line to `batches.jsonl`, unless the disk is full: it is needed only to show progress."""
        # One unbuffered write: a reader sees no part of a line that is followed by another one.
        with explained(self.batches), ignoring_full_disk(), self.batches.open("ab", buffering=0) as file:
            file.write(orjson.dumps(entry) + b"\n")

    def drop_after(self, epoch: int, batch: int) -> None:
        """Remove the lines of what came after a checkpoint, that of `batch` batches after `epoch` epochs: a crash may
        have come before the next one."""
        lines = self.metrics.read_bytes().splitlines(keepends=True) if self.metrics.exists() else []
        remaining = [line for line in lines if line.endswith(b"\n") and orjson.loads(line)["epoch"] <= epoch]
        with atomic_file(self.metrics) as temporary:
            temporary.write_bytes(b"".join(remaining))
        if self.batches.exists():
            found = [(line, _batches_line(line)) for line in tail(self.batches)]
            kept = [line for line, each in found if each and each.epoch == epoch + 1 and each.batch <= batch]
            with atomic_file(self.batches) as temporary:
                temporary.write_bytes(b"".join(line + b"\n" for line in kept))


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What a run was begun with. train_on names its splits as `Dataset.indices` reads them.

    began is in seconds since 1970; None for runs of earlier versions, which didn't record it.
    """

    recipe: Recipe
    seed: int
    train_on: str
    dataset_hash: str
    began: float | None = field(default=None, compare=False)


def read_config(run: Path) -> RunConfig:
    """The configuration of the run in a folder. Raises `StorageError` if there is no such run, or it is damaged."""
    path = RunFiles(run).config
    if not path.exists():
        raise StorageError(f"there is no run {run.name} in {run.parent} to resume")
    try:
        stored = validate(read_json(path), _StoredConfig)
        recipe, began = Recipe.from_json(stored.recipe), stored.began.timestamp() if stored.began else None
        return RunConfig(recipe, stored.seed, stored.train_on, stored.dataset.content_hash, began)
    except (ValueError, OverflowError) as error:
        raise StorageError(f"{path} is damaged ({error}): start a new run") from None


def _differences(stored: RunConfig, asked: RunConfig) -> list[tuple[str, str]]:
    """What differs between two configurations, as in the one and as in the other."""
    found: list[tuple[str, str]] = []
    if stored.recipe.name != asked.recipe.name:
        found.append((f"recipe {stored.recipe.name}", f"recipe {asked.recipe.name}"))
    else:
        one, other = stored.recipe.to_json(), asked.recipe.to_json()
        named = [(name.replace("_", " "), one[name], other[name]) for name in one]
        found += [(f"{name} {_value(old)}", f"{name} {_value(new)}") for name, old, new in named if old != new]
    if stored.seed != asked.seed:
        found.append((f"seed {stored.seed}", f"seed {asked.seed}"))
    if stored.train_on != asked.train_on:
        found.append((f"drawings of {stored.train_on}", f"those of {asked.train_on}"))
    if stored.dataset_hash != asked.dataset_hash:
        found.append(("another dataset", "this one"))
    return found


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class _StoredDataset:
    content_hash: str


@dataclass(frozen=True)
class _StoredConfig:
    recipe: dict[str, Any]
    seed: Annotated[int, Meta(ge=0)]
    dataset: _StoredDataset
    train_on: str = "train"
    began: datetime | None = None


# --- the list of runs ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SplitMetrics:
    """Means over the drawings of a split: cross-entropy loss, top-1 and top-5 accuracy as fractions of 1.

    objective is what the training minimizes, with label smoothing, targets shared among look-alikes and scribbles;
    None on a validation split. Metrics of a split without held-out drawings are NaN.
    """

    loss: float
    top1: float
    top5: float
    objective: float | None = None


_NO_METRICS = SplitMetrics(math.nan, math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Epoch:
    """A line of `metrics.jsonl`. number counts from 1; learning_rate is that at the end of the epoch."""

    number: int
    train: SplitMetrics
    validation: SplitMetrics
    learning_rate: float
    seconds: float
    drawings_per_second: float

    @property
    def measured_on(self) -> tuple[str, SplitMetrics]:
        """The split whose metrics say most about an epoch, with them: "validation", or "training" without that."""
        is_validated = not math.isnan(self.validation.top5)
        return ("validation", self.validation) if is_validated else ("training", self.train)


@dataclass(frozen=True, slots=True)
class Batches:
    """A line of `batches.jsonl`: means over the training batches since the line before, up to number `batch` of the
    `batches` of an epoch, all counted from 1."""

    epoch: Annotated[int, Meta(ge=1, le=MAX_EPOCHS)]
    batch: Annotated[int, Meta(ge=1)]
    batches: int
    train: SplitMetrics
    drawings_per_second: float

    def __post_init__(self) -> None:
        if self.batch > self.batches:
            raise ValueError(f"batch {self.batch} of {self.batches}")

    @property
    def position(self) -> float:
        """How many epochs were done after these batches: 1.5 in the middle of the second one."""
        return self.epoch - 1 + self.batch / self.batches


@dataclass(frozen=True, slots=True)
class Run:
    """A training, read from its folder. batches are those of the running epoch.

    began and changed are in seconds since 1970, size in bytes. problem is one sentence about what is damaged; such a
    run is listed with what can be read of it. recipe is None if `run.json` can't be read.
    """

    folder: Path
    recipe: Recipe | None
    seed: int
    dataset_hash: str
    epochs: tuple[Epoch, ...]
    batches: tuple[Batches, ...]
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
        """The recipe's number of epochs; 0 if the recipe can't be read."""
        return self.recipe.epochs if self.recipe else 0

    @property
    def epochs_done(self) -> int:
        """The number of completed epochs."""
        return self.epochs[-1].number if self.epochs else 0

    @property
    def best(self) -> Epoch | None:
        """The epoch of the run's model: the first with the highest validation top-5, or the last without validation."""
        if self.epochs and self.epochs[-1].measured_on[0] != "validation":
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
        """Whether `train --run NAME --resume` can continue it."""
        return self.state == "interrupted" and not self.problem

    @property
    def weights(self) -> Path | None:
        """The file with the weights of the best epoch; None before the end of the first."""
        path = RunFiles(self.folder).best
        return path if path.exists() else None


def default_name(recipe: str) -> str:
    """A new run's name: the recipe and the local time, with a number if that is taken (after a clock change)."""

    def is_taken(name: str) -> bool:
        model = paths.models_folder() / f"{name}{paths.MODEL_SUFFIX}"
        return holds_files(paths.runs_folder() / name) or model.exists()

    return free_name(f"{recipe}-{datetime.now():%Y%m%d-%H%M%S}", is_taken)


@permissions.operators_only
def list_runs() -> list[Run]:
    """All runs of the workspace, newest first."""
    root = paths.runs_folder()
    if not root.is_dir():
        return []
    written = {name for job in jobs.running() for name in job.writes}
    # A name with line breaks or bytes that are not text can be neither shown nor typed.
    folders = (path for path in root.iterdir() if path.name.isprintable() and path.name[0] != "." and path.is_dir())
    found = (_read(folder, f"runs/{folder.name}" in written) for folder in folders)
    return sorted((run for run in found if run is not None), key=lambda run: (-run.began, run.name))


@permissions.operators_only
def find_run(name: str) -> Run | None:
    """The run of a name, or None. The name may come from an address: it never leads out of the runs' folder."""
    folder = paths.runs_folder() / name
    if not name.isprintable() or not name or name.startswith(".") or folder.name != name:
        return None
    try:
        if not folder.is_dir():
            return None
    except OSError:  # the name is too long for a file
        return None
    return _read(folder, bool(jobs.running([f"runs/{name}"])))


def newest_run() -> str:
    """The name of the run that was begun last, by its own record. Raises `StorageError` if there is none."""
    found = list_runs()
    if not found:
        raise StorageError(f"there is no run in {paths.runs_folder()} to resume")
    return found[0].name


@permissions.operators_only
def delete_run(name: str) -> None:
    """Delete a run's folder; models that were published from it stay.

    Raises `StorageError` if there is no such run or it is being written.
    """
    run = find_run(name)
    if run is None:
        raise StorageError(f"there is no run {name} in {paths.runs_folder()}")
    if run.is_running:
        raise StorageError(f"run {name} is being written: stop it first")
    with writer_lock(run.folder, "run"):
        remove_folder(run.folder)


def typical_speed(runs: Iterable[Run], recipe: Recipe) -> float | None:
    """Drawings a second of the newest run with this network and batch size; None without one."""
    for run in runs:
        if run.epochs and run.recipe and _same_work(run.recipe, recipe):
            # Epochs of small pictures are faster than the others: weight each by its duration.
            seconds = sum(epoch.seconds for epoch in run.epochs)
            return sum(epoch.drawings_per_second * epoch.seconds for epoch in run.epochs) / seconds if seconds else None
    return None


def _same_work(one: Recipe, other: Recipe) -> bool:
    """Whether two recipes differ in nothing but epochs and learning rate, which don't change the speed."""
    return replace(one, epochs=1, learning_rate=1.0) == replace(other, epochs=1, learning_rate=1.0)


def _read(folder: Path, is_written: bool) -> Run | None:
    """The run in a folder; None if the folder was removed meanwhile, or holds no run."""
    files = RunFiles(folder)
    try:
        config_version, metrics_version = _version(files.config), _version(files.metrics)
        if config_version is None and metrics_version is None:
            return None
        size, changed = 0, folder.stat().st_mtime
        for entry in os.scandir(folder):
            # The temporary file of an atomic write may be renamed between the listing and this look at it.
            if (status := _status(Path(entry.path))) is not None:
                size, changed = size + status.st_size, max(changed, status.st_mtime)
    except OSError:
        return None
    config = _config(folder, config_version)
    epochs, damage = _epochs(files.metrics, metrics_version, config is None or config.recipe.loss_is_cross_entropy)
    done = epochs[-1].number if epochs else 0
    return Run(
        folder=folder,
        recipe=config.recipe if config else None,
        seed=config.seed if config else 0,
        dataset_hash=config.dataset_hash if config else "",
        epochs=epochs,
        batches=tuple(each for each in _batches(files.batches, _version(files.batches)) if each.epoch == done + 1),
        problem=damage if config else "run.json is missing or damaged, so that its settings are unknown",
        began=_began(config, config_version, changed),
        changed=changed,
        size=size,
        is_running=is_written or is_being_written(folder),
    )


def _began(config: RunConfig | None, version: _Version, changed: float) -> float:
    """When a run began: what its configuration says, else the time of that file, or of the folder."""
    if config and config.began is not None:
        return config.began
    return version[0] / 1e9 if version else changed


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


_Version = tuple[int, int, int] | None


def _version(path: Path) -> _Version:
    """What changes when a file is written (mtime in ns, size, inode); None without the file."""
    status = _status(path)
    return (status.st_mtime_ns, status.st_size, status.st_ino) if status else None


# Pages look every second, and a list may have hundreds of runs, of which one changes.
@lru_cache(maxsize=2048)
def _config(folder: Path, version: _Version) -> RunConfig | None:
    """The configuration of a run, or None if it can't be read."""
    try:
        return read_config(folder)
    except OSError:
        return None


@lru_cache(maxsize=2048)
def _epochs(path: Path, version: _Version, loss_is_cross_entropy: bool) -> tuple[tuple[Epoch, ...], str]:
    """The epochs that can be read, and what is wrong with the file."""
    if version is None:
        return (), ""
    try:
        lines = path.read_bytes().split(b"\n")[:-1]  # what follows the last line break is still being written
    except OSError as error:
        return (), f"metrics.jsonl can't be read ({error.strerror})"
    epochs = [_epoch(line, loss_is_cross_entropy) for line in lines]
    damaged = [number for number, epoch in enumerate(epochs, 1) if epoch is None]
    problem = f"line {damaged[0]} of metrics.jsonl is damaged" if damaged else ""
    return tuple(epoch for epoch in epochs if epoch is not None), problem


@lru_cache(maxsize=64)
def _batches(path: Path, version: _Version) -> tuple[Batches, ...]:
    """The lines of a `batches.jsonl` that can be read."""
    try:
        lines = tail(path) if version else []
    except OSError:
        lines = []
    return tuple(found for line in lines if (found := _batches_line(line)))


def _batches_line(line: bytes) -> Batches | None:
    try:
        return validate(orjson.loads(line), Batches)
    except ValueError:
        return None


@dataclass(frozen=True)
class _StoredEpoch:
    epoch: Annotated[int, Meta(ge=1, le=MAX_EPOCHS)]
    train: SplitMetrics
    learning_rate: float
    seconds: float
    drawings_per_second: float
    validation: SplitMetrics | None = None


def _epoch(line: bytes, loss_is_cross_entropy: bool) -> Epoch | None:
    """The epoch of a line; None if the line is damaged.

    Earlier versions wrote the objective as the training loss: where it isn't the cross entropy, that is unknown (NaN).
    """
    try:
        stored = validate(orjson.loads(line), _StoredEpoch)
    except ValueError:
        return None
    train = stored.train
    if train.objective is None:
        train = replace(train, objective=train.loss, loss=train.loss if loss_is_cross_entropy else math.nan)
    return Epoch(
        number=stored.epoch,
        train=train,
        validation=stored.validation or _NO_METRICS,
        learning_rate=stored.learning_rate,
        seconds=stored.seconds,
        drawings_per_second=stored.drawings_per_second,
    )
