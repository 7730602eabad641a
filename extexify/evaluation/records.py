"""An evaluation that is kept: every judged drawing with the model's first ten answers, in memory-mapped arrays.

An evaluation folder holds, for N drawings, `ids.npy` int64 (N,) · `labels.npy` int32 (N,), their right classes ·
`top.npy` int32 (N, 10) and `probabilities.npy` float32 (N, 10), the first answers · `confidence.npy` float32 (N, 3),
`correct.npy` uint8 (N, 3) and `right.npy` float32 (N, 3), see `extexify.evaluation.metrics.EvaluationRecords` ·
`points.npy`,
`stroke_ends.npy` and `sample_ends.npy`, the drawings as in a dataset · `manifest.json`: format version, class order
(the model's), figures, and what was judged by what, and when.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extexify.access import permissions
from extexify.catalog.lookalikes import MATCHES
from extexify.core.errors import UserError
from extexify.core.schema import check_form, moment
from extexify.drawing.strokes import Drawings
from extexify.evaluation.metrics import STORED_ANSWERS, TOP_K, EvaluationRecords, Metrics, RecordSink
from extexify.workspace.files import (
    ArrayWriter,
    StorageError,
    atomic_folder,
    read_array,
    read_consistently,
    read_json,
    write_json,
    writer_lock,
)

FORMAT_VERSION = 1

ARRAYS: dict[str, tuple[str, tuple[int, ...]]] = {
    "ids": ("int64", ()),
    "labels": ("int32", ()),
    "top": ("int32", (STORED_ANSWERS,)),
    "probabilities": ("float32", (STORED_ANSWERS,)),
    "confidence": ("float32", (len(MATCHES),)),
    "correct": ("uint8", (len(MATCHES),)),
    "right": ("float32", (len(MATCHES),)),
    "points": ("float32", (2,)),
    "stroke_ends": ("int64", ()),
    "sample_ends": ("int64", ()),
}
"""The arrays of an evaluation: dtype, and the lengths of the axes after the first."""


_TOPS = {f"top{k}": float for k in TOP_K}

_MANIFEST = {
    "when": str,
    "about": {"model": str, "file": str, "digest": str, "temperature": float, "split": str, "data": [str]},
    "figures": {"n": int, **_TOPS, "prints_alike": _TOPS, "drawn_alike": _TOPS, "unknown_keys": int, "unusable": int},
    "classes": [str],
}

_COLUMNS = ("ids", "labels", "top", "probabilities", "confidence", "correct", "right")


class EvaluationError(UserError, ValueError):
    """An evaluation with nothing to keep; the message is one sentence."""


@dataclass(frozen=True)
class EvaluationContext:
    """What was judged by what.

    model is its name, file the path of its file, digest that file's content (see `file_digest`), temperature its
    temperature then. split is a dataset's, empty for sources; data names the dataset's content or the sources.
    """

    model: str
    file: str
    digest: str
    temperature: float
    split: str
    data: tuple[str, ...]


@dataclass(frozen=True)
class EvaluationSummary:
    """What the manifest of a kept evaluation says; figures as `Metrics.to_json` gives them."""

    path: Path
    when: datetime
    context: EvaluationContext
    metrics: dict[str, Any]
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Evaluation:
    """A kept evaluation, opened; the arrays are read-only memory maps (see `metrics.EvaluationRecords`)."""

    summary: EvaluationSummary
    records: EvaluationRecords

    @classmethod
    @permissions.operators_only
    def open(cls, path: Path) -> Evaluation:
        """Open an evaluation folder. Raises `StorageError`, saying what to do, unless it is a whole one."""
        return read_consistently(path, cls._read)

    @classmethod
    def _read(cls, path: Path) -> Evaluation:
        summary = read_summary(path)
        arrays: dict[str, Any] = {name: read_array(path / f"{name}.npy", *kind) for name, kind in ARRAYS.items()}
        drawings = Drawings(arrays.pop("points"), arrays.pop("stroke_ends"), arrays.pop("sample_ends"))
        judged = EvaluationRecords(drawings=drawings, **arrays)
        if not _fits(judged, len(summary.classes)):
            raise StorageError(f"the arrays in {path} do not fit together; evaluate anew")
        return cls(summary, judged)

    def __len__(self) -> int:
        return len(self.records.labels)

    @property
    def classes(self) -> tuple[str, ...]:
        """The model's class order, which all class numbers mean."""
        return self.summary.classes


@permissions.operators_only
def save_evaluation(
    out: Path, context: EvaluationContext, classes: tuple[str, ...], evaluate: Callable[[RecordSink], Metrics]
) -> Metrics:
    """Have `evaluate` judge drawings, and keep in the folder `out`, in one step, whatever it passes on.

    Memory doesn't grow with the drawings. Raises `EvaluationError` when there is none that the model knows,
    `StorageError` when `out` can't be written, and whatever `evaluate` raises; `out` is as it was then.
    """
    with writer_lock(out, "the evaluation"), atomic_folder(out) as folder, ExitStack() as files:
        writers = {
            name: files.enter_context(ArrayWriter(folder / f"{name}.npy", *kind)) for name, kind in ARRAYS.items()
        }

        def keep(judged: EvaluationRecords) -> None:
            packed = judged.drawings
            # Ends count from the start of the folder's own arrays.
            writers["sample_ends"].append(packed.sample_ends + writers["stroke_ends"].rows)
            writers["stroke_ends"].append(packed.stroke_ends + writers["points"].rows)
            writers["points"].append(packed.points)
            for name in _COLUMNS:
                writers[name].append(getattr(judged, name))

        figures = evaluate(keep)
        if not figures.n:
            unknown = figures.unknown_keys
            raise EvaluationError(
                f"{context.model} knows none of the {unknown:,} drawings' symbols: there is nothing to evaluate"
            )
        manifest = {
            "format_version": FORMAT_VERSION,
            "when": datetime.now().astimezone().replace(microsecond=0).isoformat(),
            "about": asdict(context),
            "figures": figures.to_json(),
            "classes": classes,
        }
        write_json(folder / "manifest.json", manifest)
    return figures


@permissions.operators_only
def list_evaluations(folder: Path) -> list[EvaluationSummary]:
    """The evaluations in a folder, newest first; anything else in it is passed over."""
    found = []
    for path in folder.glob("[!.]*/manifest.json"):
        with suppress(StorageError):
            if path.parent.name.isprintable():  # a name that no page can show or be asked for
                found.append(read_summary(path.parent))
    return sorted(found, key=lambda summary: (summary.when, summary.path.name), reverse=True)


def read_summary(path: Path) -> EvaluationSummary:
    """What an evaluation's manifest says. Raises `StorageError` when it is missing, damaged or of another version."""
    try:
        status = (path / "manifest.json").stat()
    except OSError:
        raise StorageError(f"{path / 'manifest.json'} does not exist") from None
    return _read_summary(path, (status.st_mtime_ns, status.st_size, status.st_ino))


# A page asks for all of them at every click, and each names all classes.
@lru_cache(maxsize=256)
def _read_summary(path: Path, version: tuple[int, int, int]) -> EvaluationSummary:
    manifest: Any = read_json(path / "manifest.json")
    try:
        if manifest["format_version"] != FORMAT_VERSION:
            raise StorageError(
                f"the evaluation in {path} has format version {manifest['format_version']!r}, this program reads "
                f"{FORMAT_VERSION}: evaluate anew"
            )
        check_form(manifest, _MANIFEST)
        about, classes = manifest["about"], tuple(manifest["classes"])
        if not classes or not all(classes):
            raise ValueError("its class order")
        return EvaluationSummary(
            path=path,
            when=moment(manifest["when"]),
            context=EvaluationContext(**{**about, "data": tuple(about["data"])}),
            metrics=manifest["figures"],
            classes=_one_copy(classes),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(f"{path / 'manifest.json'} is damaged ({error}); evaluate anew") from None


@lru_cache(maxsize=16)
def _one_copy(classes: tuple[str, ...]) -> tuple[str, ...]:
    """The first of equal class orders: evaluations of one model share it."""
    return classes


def file_digest(path: Path) -> str:
    """Tells a file's content from any other: 32 hexadecimal digits. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _fits(judged: EvaluationRecords, classes: int) -> bool:
    """Whether lengths, ends and class numbers agree, so that no index ever points outside."""
    columns: list[NDArray[Any]] = [getattr(judged, name) for name in _COLUMNS]
    return (
        judged.drawings.is_whole()
        and all(len(column) == len(judged.drawings) for column in columns)
        and 0 <= int(judged.labels.min()) <= int(judged.labels.max()) < classes
        and -1 <= int(judged.top.min()) <= int(judged.top.max()) < classes
        and int(judged.correct.max()) <= 1
        and all(_are_parts(column) for column in (judged.probabilities, judged.confidence, judged.right))
    )


def _are_parts(values: NDArray[np.float32]) -> bool:
    """Whether all lie from 0 to 1, give or take what float32 rounds; NaN doesn't."""
    return bool(values.min() >= 0 and values.max() <= 1.001)
