"""The exported dataset: drawings in memory-mapped arrays, the class order, the splits.

A dataset folder holds `points.npy` float32 (P, 2), `stroke_ends.npy` int64 (S,), `sample_ends.npy`
int64 (N,), `labels.npy` int32 (N,), `ids.npy` int64 (N,), `split.npy` uint8 (N,) and `manifest.json`.
`extexify.dataset.export` writes it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extexify.core.schema import check_form
from extexify.dataset.splits import SPLITS, SplitError
from extexify.drawing.strokes import Drawings
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

_MANIFEST = {
    "classes": [str],
    "counts": dict.fromkeys(("samples", "classes", *SPLITS, "duplicates", "renumbered"), int),
    "class_counts": [int],
    "sources": [{"source": str, "rows": int, "usable": int}],
    "splits": {"seed": int, "ratios": [float]},
    "left_out": [{"reason": str, "meaning": str, "count": int, "first_ids": [(int, str, NoneType)]}],
    "left_out_classes": [str],
    "renumbered": [{"id": int, "key": str, "new_id": int, "source": str}],
    "content_hash": str,
}


@dataclass(frozen=True)
class Dataset:
    """An exported dataset, opened.

    drawings holds the points; labels int32 (N,) index `classes`; ids int64 (N,); split uint8 (N,):
    0 train, 1 validation, 2 test. All arrays are read-only memory maps.
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
        """Open a dataset folder. Raises `StorageError`, saying what to do, unless it is a whole one."""
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
        """The samples of a split: "train", "validation", "test", several joined by "+", or "all".

        Raises `SplitError` for another name.
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
        """Identifies what the dataset holds: classes and all arrays."""
        return str(self.manifest["content_hash"])

    @cached_property
    def class_counts(self) -> NDArray[np.int64]:
        """Drawings of each class in each split: int64 (classes, 3)."""
        counts = np.zeros((len(self.classes), 3), np.int64)
        np.add.at(counts, (self.labels, self.split), 1)
        return counts


def content_hash(path: Path, classes: tuple[str, ...]) -> str:
    """Hash the class order and every array of a dataset folder, a piece at a time."""
    digest = hashlib.blake2b("\n".join(classes).encode(), digest_size=16)
    for name in ARRAYS:
        with (path / f"{name}.npy").open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    return digest.hexdigest()


def _checked_classes(path: Path, manifest: object) -> tuple[str, ...]:
    """The class order of a manifest. Raises `StorageError` unless the manifest has the form of this version."""
    if not isinstance(manifest, dict) or "format_version" not in manifest:
        raise StorageError(f"{path / 'manifest.json'} is not the manifest of a dataset; export it anew")
    if manifest["format_version"] != FORMAT_VERSION:
        raise StorageError(
            f"the dataset in {path} has format version {manifest['format_version']!r}, this program reads "
            f"{FORMAT_VERSION}: export it anew"
        )
    try:
        check_form(manifest, _MANIFEST)
    except ValueError as error:
        raise StorageError(f"{path / 'manifest.json'} is damaged ({error}); export the dataset anew") from None
    classes = manifest["classes"]
    if not classes or not all(classes) or classes != sorted(set(classes)):
        raise StorageError(f"{path / 'manifest.json'} is damaged (its class order); export the dataset anew")
    return tuple(classes)


def _check_arrays(path: Path, arrays: dict[str, NDArray[Any]], drawings: Drawings, classes: int) -> None:
    """Raise `StorageError` unless lengths, ends and labels agree, so that no index ever points outside."""
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
