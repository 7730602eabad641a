"""Stored evaluations: every evaluated drawing with the model's first ten answers, in memory-mapped arrays.

An evaluation folder has, for N drawings, `ids.npy` int64 (N,) · `labels.npy` int32 (N,) · `top.npy` int32 (N, 10) ·
`probabilities.npy` float32 (N, 10) · `confidence.npy` float32 (N, 3) · `correct.npy` uint8 (N, 3) · `right.npy` float32
(N, 3), see `extexify.evaluation.metrics.EvaluationRecords` · `points.npy`, `stroke_ends.npy` and `sample_ends.npy`, the
drawings as in a dataset · `manifest.json`: format version, class order (the model's), metrics (`figures`), context
(`about`), and time.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from extexify.access import permissions
from extexify.catalog.lookalikes import MATCHES
from extexify.core.errors import UserError
from extexify.core.schema import validate
from extexify.drawing.strokes import Drawing, Drawings
from extexify.evaluation.metrics import STORED_ANSWERS, EvaluationRecords, Metrics, RecordSink
from extexify.evaluation.page_metrics import PageMetrics
from extexify.model.description import shared_classes
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

CROSS_VALIDATION = "cross-validation"
"""`EvaluationContext.split` of an evaluation of a whole dataset by several networks, none of which learned from the
drawings that it was evaluated on."""

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


_COLUMNS = ("ids", "labels", "top", "probabilities", "confidence", "correct", "right")


class EvaluationError(UserError):
    """There is nothing to evaluate; the message is one sentence."""


@dataclass(frozen=True)
class EvaluationContext:
    """Which model was evaluated on which data.

    model: its name. file: the path of its file, digest: that file's `file_digest`, temperature: the model's, all at the
    time of the evaluation. split: of a dataset, or `CROSS_VALIDATION`, which has no model
    file; empty for sources. data: the dataset's content hash, or the sources.
    """

    model: str
    file: str
    digest: str
    temperature: float
    split: str
    data: tuple[str, ...]


@dataclass(frozen=True)
class EvaluationSummary:
    """The manifest of a stored evaluation. metrics: the object of `Metrics.to_json`; page: its part of that name, which
    evaluations of earlier versions lack."""

    path: Path
    when: datetime
    context: EvaluationContext
    metrics: dict[str, Any]
    classes: tuple[str, ...]
    page: PageMetrics | None = None


@dataclass(frozen=True)
class Evaluation:
    """A stored evaluation, opened. The arrays of its records are read-only memory maps."""

    summary: EvaluationSummary
    records: EvaluationRecords

    @classmethod
    @permissions.operators_only
    def open(cls, path: Path) -> Evaluation:
        """Open an evaluation folder. Raises `StorageError` unless it is a whole evaluation of this version."""
        return read_consistently(path, cls._read)

    @classmethod
    def _read(cls, path: Path) -> Evaluation:
        summary = read_summary(path)
        arrays: dict[str, Any] = {name: read_array(path / f"{name}.npy", *kind) for name, kind in ARRAYS.items()}
        drawings = Drawings(arrays.pop("points"), arrays.pop("stroke_ends"), arrays.pop("sample_ends"))
        records = EvaluationRecords(drawings=drawings, **arrays)
        if not _fits(records, len(summary.classes)):
            raise StorageError(f"the arrays in {path} do not fit together; evaluate anew")
        return cls(summary, records)

    def __len__(self) -> int:
        return len(self.records.labels)

    def label(self, row: int) -> str:
        """The key that a drawing is labelled with."""
        return self.classes[self.records.labels[row]]

    def drawing(self, row: int) -> Drawing:
        """A copy of a drawing."""
        return [np.array(stroke) for stroke in self.records.drawings[row]]

    @property
    def classes(self) -> tuple[str, ...]:
        """The model's class order, to which all class numbers refer."""
        return self.summary.classes


@permissions.operators_only
def save_evaluation(
    out: Path,
    context: EvaluationContext | Callable[[], EvaluationContext],
    classes: tuple[str, ...],
    evaluate: Callable[[RecordSink], Metrics],
) -> Metrics:
    """Call `evaluate` with a sink that stores all records in the folder `out`, atomically; returns its metrics.

    `context` may be a function that is called after `evaluate`, which may write the model's file. Memory doesn't grow
    with the drawings. Raises `EvaluationError` if no drawing's symbol is among the model's,
    `StorageError` if `out` can't be written, and the errors of `evaluate`; `out` is then unchanged.
    """
    with writer_lock(out, "the evaluation"), atomic_folder(out) as folder, ExitStack() as files:
        writers = {
            name: files.enter_context(ArrayWriter(folder / f"{name}.npy", *kind)) for name, kind in ARRAYS.items()
        }

        def store(records: EvaluationRecords) -> None:
            drawings = records.drawings
            # Ends in the file count from its start, not from the start of the batch.
            writers["sample_ends"].append(drawings.sample_ends + writers["stroke_ends"].rows)
            writers["stroke_ends"].append(drawings.stroke_ends + writers["points"].rows)
            writers["points"].append(drawings.points)
            for name in _COLUMNS:
                writers[name].append(getattr(records, name))

        metrics = evaluate(store)
        about = context() if callable(context) else context
        if not metrics.n:
            raise EvaluationError(
                f"{about.model} has none of the {metrics.unknown_keys:,} drawings' symbols: nothing to evaluate"
            )
        manifest = {
            "format_version": FORMAT_VERSION,
            "when": datetime.now().astimezone().replace(microsecond=0).isoformat(),
            "about": asdict(about),
            "figures": metrics.to_json(),
            "classes": classes,
        }
        write_json(folder / "manifest.json", manifest)
    return metrics


def new_name() -> str:
    """A name for the folder of a new evaluation: the time, and random digits for those of the same second."""
    return f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"


@permissions.operators_only
def list_evaluations(folder: Path) -> list[EvaluationSummary]:
    """The evaluations in a folder, newest first. Anything else in it is ignored."""
    found = []
    for path in folder.glob("[!.]*/manifest.json"):
        with suppress(StorageError):
            if path.parent.name.isprintable():  # pages couldn't show or open it
                found.append(read_summary(path.parent))
    return sorted(found, key=lambda summary: (summary.when, summary.path.name), reverse=True)


def read_summary(path: Path) -> EvaluationSummary:
    """The manifest of an evaluation folder. Raises `StorageError` if it is missing, damaged or of another version."""
    try:
        status = (path / "manifest.json").stat()
    except OSError:
        raise StorageError(f"{path / 'manifest.json'} does not exist") from None
    return _read_summary(path, (status.st_mtime_ns, status.st_size, status.st_ino))


@dataclass(frozen=True)
class _TopK:
    top1: float
    top3: float
    top5: float
    top10: float


@dataclass(frozen=True)
class _Metrics(_TopK):
    n: int
    prints_alike: _TopK
    drawn_alike: _TopK
    unknown_keys: int
    unusable: int
    page: PageMetrics | None = None


@dataclass(frozen=True)
class _Manifest:
    format_version: int
    when: datetime
    about: EvaluationContext
    figures: _Metrics
    classes: Annotated[tuple[Annotated[str, Meta(min_length=1)], ...], Meta(min_length=1)]


# A page reads all summaries at every click.
@lru_cache(maxsize=256)
def _read_summary(path: Path, version: tuple[int, int, int]) -> EvaluationSummary:
    file = path / "manifest.json"
    value: Any = read_json(file)
    version_found = value.get("format_version") if isinstance(value, dict) else None
    try:
        if version_found not in (None, FORMAT_VERSION):
            raise StorageError(
                f"the evaluation in {path} has format version {version_found!r}, this program reads {FORMAT_VERSION}: "
                "evaluate anew"
            )
        manifest = validate(value, _Manifest)
    except ValueError as error:
        raise StorageError(f"{file} is damaged ({error}); evaluate anew") from None
    return EvaluationSummary(
        path=path,
        when=manifest.when,
        context=manifest.about,
        metrics=value["figures"],
        classes=shared_classes(manifest.classes),
        page=manifest.figures.page,
    )


def file_digest(path: Path) -> str:
    """A hash of a file's content, 32 hexadecimal digits. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _fits(records: EvaluationRecords, classes: int) -> bool:
    """Whether lengths, ends and class numbers agree, so that no index is out of range, and probabilities are ones."""
    columns: list[NDArray[Any]] = [getattr(records, name) for name in _COLUMNS]
    return (
        records.drawings.is_whole()
        and all(len(column) == len(records.drawings) for column in columns)
        and 0 <= int(records.labels.min()) <= int(records.labels.max()) < classes
        and -1 <= int(records.top.min()) <= int(records.top.max()) < classes
        and int(records.correct.max()) <= 1
        and all(_are_probabilities(column) for column in (records.probabilities, records.confidence, records.right))
    )


def _are_probabilities(values: NDArray[np.float32]) -> bool:
    """Whether all values are from 0 to 1, with a margin for float32 sums; False for NaN."""
    return bool(values.min() >= 0 and values.max() <= 1.001)
