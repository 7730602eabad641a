"""The exported dataset: drawings in memory-mapped arrays, the class order, the splits.

A dataset folder has `points.npy` float32 (P, 2), `stroke_ends.npy` int64 (S,), `sample_ends.npy` int64 (N,),
`labels.npy` int32 (N,), `ids.npy` int64 (N,), `split.npy` uint8 (N,) and `manifest.json`. `extexify.dataset.export`
writes it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extexify.core.schema import SchemaError, validate
from extexify.dataset.splits import SPLITS, SplitError
from extexify.drawing.strokes import Drawings
from extexify.sources import starter
from extexify.workspace.files import StorageError, read_array, read_consistently, read_json

FORMAT_VERSION = 1

ARRAYS: dict[str, tuple[str, tuple[int, ...]]] = {
    "points": ("float32", (2,)),
    "stroke_ends": ("int64", ()),
    "sample_ends": ("int64", ()),
    "labels": ("int32", ()),
    "ids": ("int64", ()),
    "split": ("uint8", ()),
}
"""The arrays of a dataset: dtype, and the lengths of the axes after the first."""


@dataclass(frozen=True, slots=True)
class _Counts:
    samples: int
    classes: int
    train: int
    validation: int
    test: int
    duplicates: int
    renumbered: int


@dataclass(frozen=True, slots=True)
class _SourceEntry:
    source: str
    rows: int
    usable: int


@dataclass(frozen=True, slots=True)
class _SplitSettings:
    seed: int
    ratios: list[float]


@dataclass(frozen=True, slots=True)
class _LeftOut:
    reason: str
    meaning: str
    count: int
    first_ids: list[int | str | None]


@dataclass(frozen=True, slots=True)
class _Renumbered:
    id: int
    key: str
    new_id: int
    source: str


@dataclass(frozen=True, slots=True)
class _Manifest:
    """The schema of manifest.json."""

    classes: list[str]
    counts: _Counts
    class_counts: list[int]
    sources: list[_SourceEntry]
    splits: _SplitSettings
    left_out: list[_LeftOut]
    left_out_classes: list[str]
    renumbered: list[_Renumbered]
    content_hash: str
    mended: list[_LeftOut] = field(default_factory=list)


@dataclass(frozen=True)
class Dataset:
    """An exported dataset of N samples.

    drawings has the points; labels int32 (N,) index `classes`; ids int64 (N,); split uint8 (N,): 0 train, 1 validation,
    2 test. All arrays are read-only memory maps.
    """

    path: Path
    drawings: Drawings
    labels: NDArray[np.int32]
    ids: NDArray[np.int64]
    split: NDArray[np.uint8]
    classes: tuple[str, ...]
    manifest: dict[str, Any]

    @classmethod
    def open(cls, path: Path) -> Dataset:
        """Open a dataset folder. Raises `StorageError`, which says what to do, if it is missing or damaged."""
        return read_consistently(path, cls._read)

    @classmethod
    def _read(cls, path: Path) -> Dataset:
        if not (path / "manifest.json").exists():
            raise StorageError(f"there is no dataset in {path}: make one with `python -m extexify export`")
        manifest = read_json(path / "manifest.json")
        classes = _checked_classes(path, manifest)
        arrays = {name: read_array(path / f"{name}.npy", *kind) for name, kind in ARRAYS.items()}
        drawings = Drawings(arrays["points"], arrays["stroke_ends"], arrays["sample_ends"])  # type: ignore[arg-type]
        _check_arrays(path, arrays, drawings, len(classes))
        return cls(path, drawings, arrays["labels"], arrays["ids"], arrays["split"], classes, manifest)  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self.labels)

    def indices(self, split: str) -> NDArray[np.int64]:
        """Indices of the samples of a split, int64 (n,).

        `split` is "train", "validation", "test", several of them joined by "+", or "all". Raises `SplitError` for any
        other name.
        """
        if split == "all":
            return np.arange(len(self))
        names = split.split("+")
        for name in names:
            if name not in SPLITS:
                raise SplitError(f"no split {name!r}: there are {', '.join(SPLITS)} and all")
        return np.flatnonzero(np.isin(self.split, [SPLITS.index(name) for name in names]))

    @property
    def content_hash(self) -> str:
        """Hash of the class order and all arrays."""
        return str(self.manifest["content_hash"])

    @cached_property
    def class_counts(self) -> NDArray[np.int64]:
        """Number of samples of each class in each split: int64 (classes, 3)."""
        counts = np.zeros((len(self.classes), 3), np.int64)
        np.add.at(counts, (self.labels, self.split), 1)
        return counts

    @cached_property
    def people_counts(self) -> NDArray[np.int64]:
        """Number of samples of each class that people drew, without starter drawings: int64 (classes,)."""
        by_people = ~self.are_synthetic(np.arange(len(self)))
        return np.bincount(self.labels[by_people], minlength=len(self.classes))

    def are_synthetic(self, samples: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether samples, by their indices (n,), are starter drawings: bool (n,)."""
        # A high id identifies a starter drawing only if the dataset has a starter source: a dump may have any ids.
        names = [str(source.get("source", "")) for source in self.manifest["sources"]]
        starters = [name.startswith(starter.NAME) for name in names]
        synthetic: NDArray[np.bool_] = (self.ids[samples] >= starter.MIN_STARTER_ID) & any(starters) | all(starters)
        return synthetic


def content_hash(path: Path, classes: tuple[str, ...]) -> str:
    """Hash of the class order and every array file of a dataset folder."""
    digest = hashlib.blake2b("\n".join(classes).encode(), digest_size=16)
    for name in ARRAYS:
        with (path / f"{name}.npy").open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


def _checked_classes(path: Path, manifest: object) -> tuple[str, ...]:
    """The class order of a manifest. Raises `StorageError` unless the manifest is valid and of this format version."""
    if not isinstance(manifest, dict) or "format_version" not in manifest:
        raise StorageError(f"{path / 'manifest.json'} is not the manifest of a dataset; export it anew")
    if manifest["format_version"] != FORMAT_VERSION:
        raise StorageError(
            f"the dataset in {path} has format version {manifest['format_version']!r}, this program reads "
            f"{FORMAT_VERSION}: export it anew"
        )
    try:
        classes = validate(manifest, _Manifest).classes
    except SchemaError as error:
        raise StorageError(f"{path / 'manifest.json'} is damaged ({error}); export the dataset anew") from None
    if not classes or not all(classes) or classes != sorted(set(classes)):
        raise StorageError(f"{path / 'manifest.json'} is damaged (its class order); export the dataset anew")
    return tuple(classes)


def _check_arrays(path: Path, arrays: dict[str, NDArray[Any]], drawings: Drawings, classes: int) -> None:
    """Raise `StorageError` unless all lengths agree and all ends and labels are within their ranges."""
    samples = len(drawings)
    same_length = all(len(arrays[name]) == samples for name in ("labels", "ids", "split"))
    if (
        not same_length
        or not drawings.is_whole()
        or arrays["labels"].min() < 0
        or arrays["labels"].max() >= classes
        or arrays["split"].max() >= len(SPLITS)
    ):
        raise StorageError(f"the arrays in {path} do not fit together; export the dataset anew")


@dataclass(frozen=True, slots=True)
class Examples:
    """Some of a dataset's drawings of a symbol, and how many it has.

    `people` is the number of drawings made by people, `synthetic` that of starter drawings; `drawings` are made by
    people if there are any.
    """

    drawings: Drawings
    people: int
    synthetic: int


def examples_of(dataset: Dataset, key: str, count: int) -> Examples:
    """At most `count` drawings of a symbol, evenly spaced in the dataset; the same ones on every call."""
    label = dataset.classes.index(key) if key in dataset.classes else -1
    samples = np.flatnonzero(dataset.labels == label)
    synthetic = dataset.are_synthetic(samples)
    shown = samples if synthetic.all() else samples[~synthetic]
    chosen = np.linspace(0, len(shown) - 1, min(count, len(shown))).round().astype(np.int64)
    return Examples(dataset.drawings.take(shown[chosen]), int((~synthetic).sum()), int(synthetic.sum()))
