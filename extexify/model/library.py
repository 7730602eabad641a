"""The models that can answer: what each is, and renaming, deleting and adding them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from extexify.access import permissions
from extexify.core.errors import in_one_line
from extexify.core.names import checked_name, free_name, usable_name
from extexify.workspace import jobs, paths
from extexify.workspace.files import StorageError, atomic_file, explained, holds_files, writer_lock

# What reads model files imports torch, which takes seconds: functions import it when they are called.
if TYPE_CHECKING:
    from extexify.model.file import ModelDescription

SUFFIX = ".safetensors"

_PATIENCE = 20.0  # seconds; reading and writing a large model takes one or two


@dataclass(frozen=True, slots=True)
class Model:
    """A model file. date is in seconds since 1970, size in bytes.

    description is None, and problem one sentence, when the file is no usable model.
    """

    path: Path
    shipped: bool
    serves: bool
    date: float
    size: int
    description: ModelDescription | None
    problem: str

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def evaluated_split(self) -> str:
        """The split that `metrics` are of: test, or validation as long as it wasn't tested; empty for neither."""
        metrics = self.description.metrics if self.description else {}
        return next((split for split in ("test", "validation") if metrics.get(split)), "")

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Figures as parts of 1, by name: top1, top5, and of a tested model top3 and top10."""
        return self.description.metrics[self.evaluated_split] if self.description and self.evaluated_split else {}

    @property
    def trained_on_all(self) -> bool:
        """Whether no drawing of its dataset is left that could judge it."""
        return _text(self._training, "train_on") == "all"

    @property
    def recipe(self) -> str:
        """The recipe's name; empty when the file doesn't tell."""
        return _text(self._training.get("recipe"), "name")

    @property
    def dataset_hash(self) -> str:
        """The content hash of the dataset that it learned from; empty when the file doesn't tell."""
        return _text(self._training.get("dataset"), "content_hash")

    @property
    def run(self) -> str:
        """The run that it came from; empty when the file doesn't tell."""
        return _text(self._training, "run")

    def to_json(self) -> dict[str, Any]:
        """What a list shows of the model, as a JSON object."""
        description = self.description
        return {
            "name": self.name,
            "file": str(self.path),
            "answers": self.serves,
            "shipped": self.shipped,
            "date": datetime.fromtimestamp(self.date).isoformat(timespec="seconds"),
            "bytes": self.size,
            "problem": self.problem,
            "symbols": len(description.classes) if description else 0,
            "architecture": description.architecture if description else "",
            "temperature": description.temperature if description else None,
            "recipe": self.recipe,
            "run": self.run,
            "dataset": self.dataset_hash,
            "judged_on": self.evaluated_split,
            **{name: self.metrics.get(name) for name in ("top1", "top3", "top5", "top10")},
        }

    @property
    def _training(self) -> Mapping[str, Any]:
        return self.description.training if self.description else {}


@permissions.operators_only
def list_models() -> list[Model]:
    """All models: the workspace's, newest first, then the shipped ones. Of the files only the headers are read."""
    try:
        serving: Path | None = paths.default_model()
    except FileNotFoundError:
        serving = None
    found = (_model(path, serving) for path in paths.available_models())
    return [model for model in found if model is not None]


def find_model(name: str) -> Model:
    """The model of a name, or in a file of the workspace or the shipped ones. Raises `StorageError`."""
    models = list_models()
    try:
        path: Path | None = Path(name).resolve()
    except ValueError:  # a zero byte, or half of a character: the path of no file
        path = None
    for model in models:
        if model.name == name or model.path.resolve() == path:
            return model
    known = ", ".join(model.name for model in models[:8]) + (", …" if len(models) > 8 else "")
    raise StorageError(f"there is no model {name}: " + (f"there are {known}" if models else "train one first"))


def model_of_run(run: str, models: list[Model]) -> Model | None:
    """The model that a run published, whatever it is called now; None when it is gone."""
    own = [model for model in models if not model.shipped]
    return next((model for model in own if model.run == run), None) or next(
        (model for model in own if model.name == run and not model.run), None
    )


def check_new_run(name: str) -> None:
    """Check the name of a run that is to be begun: its model will have it too.

    Raises `InvalidName` for a name that can't be one, `StorageError` when a run or model has it.
    """
    checked_name(name, "run")
    if holds_files(paths.runs_folder() / name):
        raise StorageError(f"run {name} exists already: go on with it, or choose another name")
    if _target(name).exists():
        raise StorageError(f"there is a model {name} already, which would be lost: choose another name for the run")


@permissions.operators_only
def rename_model(model: Model, name: str) -> Path:
    """Give one of the workspace's models another name, in the file too; if it answers, it goes on answering.

    Raises `InvalidName` for a name that can't be one, `StorageError` for a shipped model, a name that is taken, or a
    model that is being written; `ModelError` for a damaged file.
    """
    from extexify.model.file import read_model, write_model

    target = _target(checked_name(name, "model"))
    if target == model.path:
        return target
    _check_changeable(model, "renamed")
    with _library_lock():
        if target.exists():
            raise StorageError(f"there is a model {name} already: choose another name")
        if _is_of_another_run(name, model.run):
            raise StorageError(f"the model of run {name} will have that name: choose another one")
        description, weights = read_model(model.path)
        was_chosen = paths.chosen_model() == model.path
        write_model(target, replace(description, name=name), weights)
        os.utime(target, (model.date, model.date))  # it is no newer than it was
        # In this order a crash leaves two models, and never none or a choice that leads nowhere.
        if was_chosen:
            paths.choose_model(target)
        model.path.unlink()
    return target


@permissions.operators_only
def delete_model(model: Model) -> None:
    """Delete one of the workspace's models. Raises `StorageError` for a shipped one, or one that is being written."""
    _check_changeable(model, "deleted")
    with _library_lock(), explained(model.path):
        model.path.unlink(missing_ok=True)


@permissions.operators_only
def add_model(file: BinaryIO, file_name: str) -> Path:
    """Check a file as a whole and, if it is a model, keep it under its name, or a similar one that is free.

    Raises `ModelError`, one sentence, for anything else, and for a name that is no model's.
    """
    from extexify.model.file import ModelError, load_network, write_model

    if not file_name.endswith(SUFFIX):
        raise ModelError(f"{file_name} is no model: model files end in {SUFFIX}")
    with (
        _library_lock(),
        explained(paths.models_folder() / file_name),
        tempfile.TemporaryDirectory(dir=paths.models_folder(), prefix=".") as away,
    ):
        received = Path(away) / "upload"
        with received.open("wb") as copy:
            shutil.copyfileobj(file, copy)
        try:
            description, network = load_network(received)
        except ModelError as error:
            raise ModelError(str(error).replace(str(received), file_name)) from None
        name = free_name(usable_name(file_name.removesuffix(SUFFIX), "model"), _is_taken)
        # Written anew: only what was understood and checked comes in.
        write_model(_target(name), replace(description, name=name), network.state_dict())
    return _target(name)


@permissions.operators_only
def publish_run(run_model: Path, run: str) -> Path:
    """Put the best model of a run so far among the models, under the run's name or a similar one that is free."""
    name = free_name(run, lambda taken: _target(taken).exists())
    return publish(run_model, paths.models_folder(), name)


def publish(model: Path, models_folder: Path, name: str) -> Path:
    """Copy a run's model to the models folder under `name`, atomically; the app finds it there."""
    target = models_folder / f"{name}{SUFFIX}"
    with atomic_file(target) as temporary:
        shutil.copyfile(model, temporary)
    return target


def _target(name: str) -> Path:
    return paths.models_folder() / f"{name}{SUFFIX}"


def _is_taken(name: str) -> bool:
    return _target(name).exists() or _is_of_another_run(name, "")


def _is_of_another_run(name: str, run: str) -> bool:
    """Whether a run will publish, or go on and publish anew, under a name that a model of `run` is to get."""
    return name != run and (paths.runs_folder() / name).exists()


def _check_changeable(model: Model, how: str) -> None:
    if model.shipped:
        raise StorageError(f"model {model.name} came with Extexify and can't be {how}: download and upload a copy")
    if busy := jobs.running([f"models/{model.name}"]):
        raise StorageError(f"model {model.name} can't be {how} while “{busy[0].title}” is running")


def _library_lock() -> AbstractContextManager[None]:
    """The right to rename, delete and add: one at a time, so that a name that is free stays so until it is used."""
    return writer_lock(paths.models_folder() / "library", "the list of models in", wait=_PATIENCE)


def _model(path: Path, serving: Path | None) -> Model | None:
    from extexify.model.file import ModelError

    try:
        status = path.stat()
    except FileNotFoundError:  # deleted since the listing
        return None
    description, problem = None, ""
    try:
        description = _description(path, (status.st_mtime_ns, status.st_size, status.st_ino))
    except ModelError as error:
        problem = str(error)
    return Model(
        path=path,
        shipped=path.resolve().parent == paths.SHIPPED_MODELS,
        serves=path == serving,
        date=status.st_mtime,
        size=status.st_size,
        description=description,
        problem=problem,
    )


@lru_cache(maxsize=2048)
def _description(path: Path, version: tuple[int, int, int]) -> ModelDescription:
    from extexify.model.file import read_description

    return read_description(path)


def _text(value: object, name: str) -> str:
    """An entry of an object in a file that anybody may have written, as text that a page can show."""
    entry = value.get(name) if isinstance(value, dict) else None
    return in_one_line(entry) if isinstance(entry, str) else ""
