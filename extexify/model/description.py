"""The description of a model: the JSON object in the metadata of a model file, and of a run's best weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import orjson
from msgspec import Meta

from extexify.core.errors import UserError
from extexify.core.schema import validate
from extexify.drawing.raster import RasterSettings
from extexify.drawing.resample import SequenceSettings
from extexify.model.rejection import limited_threshold

FORMAT_VERSION = 2
"""Version of the descriptions that are written; those of version 1 differ in the name of one entry, and are read."""

METADATA = "extexify"
"""Name of the metadata entry that holds the description."""

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
    sequence: None for a network that reads only images. undrawn: numbers of the classes that were learnt without real
    drawings, from starter drawings alone, in rising order.
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
    undrawn: tuple[int, ...] = ()

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
            **({"rejection_threshold": self.rejection_threshold} if self.rejection_threshold else {}),
            **({"undrawn": list(self.undrawn)} if self.undrawn else {}),
        }


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
    rejection_threshold: Annotated[float, Meta(ge=0, le=1)] | None = None
    undrawn: tuple[Annotated[int, Meta(ge=0)], ...] = ()


def parse_description(path: Path, metadata: str | bytes) -> ModelDescription:
    """The description in the metadata of a file. Raises `ModelError`, which names the file, unless it is valid."""
    try:
        # orjson is stricter than Python's own parser: no NaN, no lone surrogate.
        return _description(path, orjson.loads(metadata))
    except ValueError as error:
        raise ModelError(f"the description in {path} is damaged ({error})") from None


def _description(path: Path, value: object) -> ModelDescription:
    """The description that decoded metadata holds. Raises `ModelError` for another version, ValueError for damage."""
    version = validate(value, _Version).format_version
    if version == 1 and isinstance(value, dict) and "doubt" in value:
        value = {**value, "rejection_threshold": value["doubt"]}
    elif version not in (1, FORMAT_VERSION):
        raise ModelError(
            f"{path} has format version {version!r}, this program reads {FORMAT_VERSION}: "
            "update the program or train the model anew"
        )
    metadata = validate(value, _Metadata)
    classes = metadata.classes
    if any(key >= following for key, following in pairwise(classes)):
        raise ValueError("its class order is not a sorted list of keys")
    undrawn = metadata.undrawn
    if any(one >= following for one, following in pairwise((*undrawn, len(classes)))):
        raise ValueError("its classes without real drawings are not a rising list of class numbers")
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
        rejection_threshold=limited_threshold(metadata.rejection_threshold or 0.0, len(classes)),
        undrawn=undrawn,
    )


@lru_cache(maxsize=16)
def shared_classes(classes: tuple[str, ...]) -> tuple[str, ...]:
    """One tuple for equal class orders, so that many descriptions and evaluations in memory share it."""
    return classes
