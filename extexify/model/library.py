"""The list of models: the workspace's and the shipped ones, with functions that rename, delete and add them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from extexify.access import permissions
from extexify.core.errors import in_one_line
from extexify.core.names import checked_name, free_name, usable_name
from extexify.model.description import ModelDescription, ModelError
from extexify.model.file import read_description, read_model, write_model
from extexify.workspace import jobs, paths
from extexify.workspace.files import StorageError, explained, holds_files, writer_lock

_PATIENCE = 20.0  # seconds to wait for the lock; reading and writing a large model takes one or two

_Version = tuple[int, int, int]
"""Modification time in ns, size and inode of a file."""

_descriptions: dict[Path, tuple[_Version, ModelDescription]] = {}
"""Descriptions of the files that the latest list had, so that a list reads each header once."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model file.

    serves: it is the default model. date: seconds since 1970, the modification time, or of a shipped model the date in
    its description. size: bytes. description: None, with a sentence in problem, if the file is not a usable model.
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
        """See `ModelDescription.evaluated_split`."""
        return self.description.evaluated_split if self.description else ""

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Metrics as fractions by name: top1, top5, and on the test split top3 and top10."""
        return self.description.evaluated if self.description else {}

    @property
    def trained_on_all(self) -> bool:
        """Whether the model was trained on all splits, so that its dataset can't evaluate it."""
        return _text(self._training, "train_on") == "all"

    @property
    def recipe(self) -> str:
        """The name of the training recipe, or empty."""
        return _text(self._training.get("recipe"), "name")

    @property
    def dataset_hash(self) -> str:
        """The content hash of the training dataset, or empty."""
        return _text(self._training.get("dataset"), "content_hash")

    @property
    def run(self) -> str:
        """The name of the training run, or empty."""
        return _text(self._training, "run")

    def to_json(self) -> dict[str, Any]:
        """The JSON object that the command line prints."""
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
            "undrawn": len(description.undrawn) if description else 0,
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
    """All models: the workspace's, newest first, then the shipped ones. Only the files' headers are read."""
    listed = paths.available_models()
    while True:
        try:
            serving: Path | None = paths.default_model()
        except FileNotFoundError:
            serving = None
        models = [_model(path, serving) for path in listed]
        # A model that was renamed meanwhile would be missing under both names.
        before, listed = listed, paths.available_models()
        if set(listed) == set(before):
            break
    for path in list(_descriptions):  # a copy: other threads may add to it
        if path not in listed:
            _descriptions.pop(path, None)
    return [model for model in models if model is not None]


def find_model(name: str) -> Model:
    """The listed model with a name or a path. Raises `StorageError` if there is none."""
    models = list_models()
    try:
        path: Path | None = Path(name).resolve()
    except ValueError:  # a zero byte or a lone surrogate
        path = None
    for model in models:
        if model.name == name or model.path.resolve() == path:
            return model
    known = ", ".join(model.name for model in models[:8]) + (", …" if len(models) > 8 else "")
    raise StorageError(f"there is no model {name}: " + (f"there are {known}" if models else "train one first"))


def model_of_run(run: str, models: list[Model]) -> Model | None:
    """The model that a run published, also if it was renamed; None if it was deleted."""
    own = [model for model in models if not model.shipped]
    return next((model for model in own if model.run == run), None) or next(
        (model for model in own if model.name == run and not model.run), None
    )


def check_new_run(name: str) -> None:
    """Check the name of a new run, which its model will have too.

    Raises `InvalidName` for a name that can't be one, `StorageError` if a run or a model has it.
    """
    checked_name(name, "run")
    if holds_files(paths.runs_folder() / name):
        raise StorageError(f"run {name} exists already: resume it, or choose another name")
    if _target(name).exists():
        raise StorageError(f"there is a model {name} already, which would be lost: choose another name for the run")


@permissions.operators_only
def rename_model(model: Model, name: str) -> Path:
    """Rename one of the workspace's models: its file and the name in it. A chosen default model stays the default.

    Raises `InvalidName` for a name that can't be one, `StorageError` for a shipped model, a name that is taken, or a
    model that is being written, `ModelError` for a damaged file.
    """
    target = _target(checked_name(name, "model"))
    if target == model.path:
        return target
    _check_changeable(model, "renamed")
    with _library_lock():
        if target.exists():
            raise StorageError(f"there is a model {name} already: choose another name")
        if _is_of_another_run(name, model.run):
            raise StorageError(f"the model of run {name} will have that name: choose another one")
        description, content = read_model(model.path)
        was_chosen = paths.chosen_model() == model.path
        write_model(target, replace(description, name=name), content)
        os.utime(target, (model.date, model.date))  # lists sort by date
        # In this order a crash leaves two models, never none, and never a choice of a missing file.
        if was_chosen:
            paths.choose_model(target)
        _unlink(model)
    return target


@permissions.operators_only
def delete_model(model: Model) -> None:
    """Delete one of the workspace's models. Raises `StorageError` for a shipped one or one that is being written."""
    _check_changeable(model, "deleted")
    with _library_lock(), explained(model.path):
        _unlink(model)


@permissions.operators_only
def add_model(file: BinaryIO, file_name: str) -> Path:
    """Add a model file to the workspace under its name, or a similar one that is free.

    Raises `ModelError` unless its name ends in `.onnx` and it is a whole model, which is checked by loading it.
    """
    # onnxruntime takes a third of a second to import.
    from extexify.model.classifier import Classifier

    if file_name.endswith(paths.OLD_SUFFIX):
        raise ModelError(
            f"{file_name} is of an earlier version: make a new file of it with `python -m extexify convert {file_name}`"
        )
    if not file_name.endswith(paths.MODEL_SUFFIX):
        raise ModelError(f"{file_name} is no model: model files end in {paths.MODEL_SUFFIX}")
    with (
        _library_lock(),
        explained(paths.models_folder() / file_name),
        tempfile.TemporaryDirectory(dir=paths.models_folder(), prefix=".") as away,
    ):
        received = Path(away) / f"upload{paths.MODEL_SUFFIX}"
        with received.open("wb") as copy:
            shutil.copyfileobj(file, copy)
        try:
            description, content = read_model(received)
            Classifier.load(received)
        except ModelError as error:
            raise ModelError(str(error).replace(str(received), file_name)) from None
        name = free_name(usable_name(file_name.removesuffix(paths.MODEL_SUFFIX), "model"), _is_taken)
        write_model(_target(name), replace(description, name=name), content)
    return _target(name)


def name_for_run(run: str) -> str:
    """The name under which a run's best epoch so far can be published: the run's, or a similar one that is free."""
    return free_name(run, lambda taken: _target(taken).exists())


def _target(name: str) -> Path:
    return paths.models_folder() / f"{name}{paths.MODEL_SUFFIX}"


def _unlink(model: Model) -> None:
    """Delete a model's file, and that of an earlier version that it was made of."""
    model.path.unlink(missing_ok=True)
    model.path.with_suffix(paths.OLD_SUFFIX).unlink(missing_ok=True)


def _is_taken(name: str) -> bool:
    return _target(name).exists() or _is_of_another_run(name, "")


def _is_of_another_run(name: str, run: str) -> bool:
    """Whether there is a run with this name other than `run`: it will publish its model under its name."""
    return name != run and (paths.runs_folder() / name).exists()


def _check_changeable(model: Model, how: str) -> None:
    if model.shipped:
        raise StorageError(f"model {model.name} came with Extexify and can't be {how}: download and upload a copy")
    if busy := jobs.running([f"models/{model.name}"]):
        raise StorageError(f"model {model.name} can't be {how} while “{busy[0].title}” is running")


def _library_lock() -> AbstractContextManager[None]:
    """The lock for renaming, deleting and adding, so that a name that is free stays free until it is used."""
    return writer_lock(paths.models_folder() / "library", "the list of models in", wait=_PATIENCE)


def _model(path: Path, serving: Path | None) -> Model | None:
    """The model of a file; None if the file is gone."""
    description, problem = None, ""
    try:
        status = path.stat()
        description = _description(path, (status.st_mtime_ns, status.st_size, status.st_ino))
    except FileNotFoundError:
        return None
    except ModelError as error:
        if not path.exists():
            return None
        problem = str(error)
    shipped = path.resolve().parent == paths.SHIPPED_MODELS
    return Model(
        path=path,
        shipped=shipped,
        serves=path == serving,
        # A shipped file's time is that of the checkout or installation.
        date=(_own_date(description) if shipped and description else None) or status.st_mtime,
        size=status.st_size,
        description=description,
        problem=problem,
    )


def _description(path: Path, version: _Version) -> ModelDescription:
    known = _descriptions.get(path)
    if known and known[0] == version:
        return known[1]
    description = read_description(path)
    _descriptions[path] = version, description
    return description


def _own_date(description: ModelDescription) -> float | None:
    """The date in a description, in seconds since 1970; None without one."""
    try:
        return datetime.fromisoformat(_text(description.training, "date")).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _text(value: object, name: str) -> str:
    """An entry of an object in unchecked JSON, as one printable line; empty if it is not text."""
    entry = value.get(name) if isinstance(value, dict) else None
    return in_one_line(entry) if isinstance(entry, str) else ""
