"""The model file: one `.safetensors` file with everything that classifying needs and nothing that can run code.

Its metadata has one entry, `extexify`: a JSON object with `format_version`, `name`, `architecture` (`name`, `options`),
`classes`, `raster`, `temperature`, `metrics`, `training`; optionally `sequence`, for a network that reads sequences,
and `doubt`, the rejection threshold. Weights are read and written as numpy arrays: PyTorch isn't needed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import orjson
from msgspec import Meta
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from extexify.core.errors import UserError
from extexify.core.schema import validate
from extexify.drawing.raster import RasterSettings
from extexify.drawing.resample import SequenceSettings
from extexify.model.rejection import limited_threshold
from extexify.workspace.files import atomic_file

if TYPE_CHECKING:
    from torch import Tensor

FORMAT_VERSION = 1

Weights = Mapping[str, NDArray[Any]]
"""Arrays by the names of the PyTorch network's parameters and buffers; float16, float32, or int64 for counters."""

_METADATA = "extexify"

_Name = Annotated[str, Meta(max_length=255)]
_Key = Annotated[str, Meta(min_length=1, max_length=255)]


class ModelError(UserError):
    """A file is not a usable model; the message is one sentence that names the file."""


@dataclass(frozen=True)
class ModelDescription:
    """The metadata of a model file.

    architecture, options: arguments of `networks.build`. classes: the sorted keys, in the order of the logits.
    temperature: divides the logits before the softmax. rejection_threshold: see `extexify.model.rejection`; 0 rejects
    nothing. metrics: by split, such as `{"test": {"top5": 0.95}}`; of a model that was trained on all its drawings
    under "same_recipe", those of another model of its recipe on drawings that this one did not learn from. training:
    recipe, seed, dataset and run that made the model, and the date (`2026-11-23`) of a model that is passed on.
    sequence: None for a network that reads only images.
    """

    name: str
    architecture: str
    options: dict[str, Any]
    classes: tuple[str, ...]
    raster: RasterSettings
    temperature: float = 1.0
    metrics: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    sequence: SequenceSettings | None = None
    rejection_threshold: float = 0.0

    @property
    def evaluated_split(self) -> str:
        """The entry of `metrics` that says most about new drawings; empty if there is none."""
        return next((split for split in ("test", "validation", "same_recipe") if self.metrics.get(split)), "")

    @property
    def evaluated(self) -> Mapping[str, Any]:
        """Metrics as fractions by name, those of `evaluated_split`."""
        metrics: Mapping[str, Any] = self.metrics.get(self.evaluated_split, {})
        return metrics

    def to_json(self) -> dict[str, Any]:
        """The JSON object of the file's metadata."""
        return {
            "format_version": FORMAT_VERSION,
            "name": self.name,
            "architecture": {"name": self.architecture, "options": self.options},
            "classes": list(self.classes),
            "raster": self.raster.to_json(),
            "temperature": self.temperature,
            "metrics": self.metrics,
            "training": self.training,
            **({"sequence": self.sequence.to_json()} if self.sequence else {}),
            # The name in files of all versions.
            **({"doubt": self.rejection_threshold} if self.rejection_threshold else {}),
        }


_FLOAT16 = float(np.finfo(np.float16).max)
"""The largest number that float16 holds."""


def write_model(path: Path, description: ModelDescription, weights: Mapping[str, NDArray[Any] | Tensor]) -> None:
    """Write a model file, atomically.

    weights: arrays, or a PyTorch network's `state_dict()`. Arrays of two dimensions or more are stored as float16,
    which halves the file and changes no answer, unless they have values beyond its range.
    """
    arrays = {}
    for name, value in weights.items():
        array = value if isinstance(value, np.ndarray) else value.detach().cpu().numpy()
        narrow = (
            array.ndim > 1 and np.issubdtype(array.dtype, np.floating) and not np.abs(array).max(initial=0) > _FLOAT16
        )
        arrays[name] = np.asarray(array, np.float16 if narrow else None, order="C")
    with atomic_file(path) as temporary:
        metadata = {_METADATA: json.dumps(description.to_json(), ensure_ascii=False)}
        # safetensors' own writer raises an error of its own for a full disk.
        temporary.write_bytes(save(arrays, metadata=metadata))


def read_model(path: Path) -> tuple[ModelDescription, dict[str, NDArray[Any]]]:
    """A model file's description and weights. Raises `ModelError` unless it is a whole file of this version.

    Whether the weights are those of the architecture is not checked here: `Classifier.load` does that.
    """
    return _read(path, with_weights=True)


def read_description(path: Path) -> ModelDescription:
    """A model file's description, without reading its weights. Raises `ModelError`."""
    return _read(path, with_weights=False)[0]


def _read(path: Path, *, with_weights: bool) -> tuple[ModelDescription, dict[str, NDArray[Any]]]:
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            names = file.keys() if with_weights else ()
            weights = {name: file.get_tensor(name) for name in names}
    except FileNotFoundError:
        raise ModelError(f"{path} does not exist") from None
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is not a model file, or is cut short ({error})") from None
    if _METADATA not in metadata:
        raise ModelError(f"{path} is a safetensors file, but not a model of Extexify")
    try:
        # orjson is stricter than Python's own parser: no NaN, no lone surrogate.
        return _description(path, orjson.loads(metadata[_METADATA])), weights
    except ValueError as error:
        raise ModelError(f"the description in {path} is damaged ({error})") from None


@dataclass(frozen=True)
class _Version:
    format_version: Any


@dataclass(frozen=True)
class _Architecture:
    name: str
    options: dict[str, Any]


@dataclass(frozen=True)
class _Metadata:
    name: _Name
    architecture: _Architecture
    classes: Annotated[tuple[_Key, ...], Meta(min_length=1)]
    raster: RasterSettings
    temperature: Annotated[float, Meta(ge=0.01, le=100)]
    metrics: dict[str, dict[str, Any]]
    training: dict[str, Any]
    sequence: SequenceSettings | None = None
    doubt: Annotated[float, Meta(ge=0, le=1)] | None = None


def _description(path: Path, value: object) -> ModelDescription:
    """The description that decoded metadata holds. Raises `ModelError` for another version, ValueError for damage."""
    version = validate(value, _Version).format_version
    if version != FORMAT_VERSION:
        raise ModelError(
            f"{path} has format version {version!r}, this program reads {FORMAT_VERSION}: "
            "update the program or train the model anew"
        )
    metadata = validate(value, _Metadata)
    classes = metadata.classes
    if any(key >= following for key, following in pairwise(classes)):
        raise ValueError("its class order is not a sorted list of keys")
    for split, metrics in metadata.metrics.items():
        for name, metric in metrics.items():
            if name.startswith("top") and not (isinstance(metric, int | float) and 0 <= metric <= 1):
                raise ValueError(f"{name} of {split} is not from 0 to 1")
    return ModelDescription(
        name=metadata.name,
        architecture=metadata.architecture.name,
        options=metadata.architecture.options,
        classes=shared_classes(classes),
        raster=metadata.raster,
        temperature=metadata.temperature,
        metrics=metadata.metrics,
        training=metadata.training,
        sequence=metadata.sequence,
        rejection_threshold=limited_threshold(metadata.doubt or 0.0, len(classes)),
    )


@lru_cache(maxsize=16)
def shared_classes(classes: tuple[str, ...]) -> tuple[str, ...]:
    """One tuple for equal class orders, so that many descriptions and evaluations in memory share it."""
    return classes
