"""Metrics of an evaluation: evaluation records, ranks, and top-k accuracy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extexify.catalog.lookalikes import MATCHES, groups_of
from extexify.drawing.strokes import Drawings
from extexify.evaluation.page_metrics import PageMetrics, Segments

TOP_K = (1, 3, 5, 10)
"""The k of the top-k metrics."""

STORED_ANSWERS = TOP_K[-1]
"""Number of answers that are stored of each drawing."""


@dataclass(frozen=True, slots=True)
class EvaluationRecords:
    """n drawings with their labels and a model's answers.

    ids: int64 (n,). labels: int32 (n,), class numbers. top: int32 (n, 10), the most probable classes, best first.
    probabilities: float32 (n, 10), theirs. A model of fewer classes leaves −1 and 0 in the rest.

    The other arrays have a column for each of `MATCHES`; the symbols that match each other count as one answer, with
    the sum of their probabilities. confidence: float32 (n, 3), the probability of the first answer. correct: uint8
    (n, 3), 1 if it is right. right: float32 (n, 3), the probability of the right answer.
    """

    drawings: Drawings
    ids: NDArray[np.int64]
    labels: NDArray[np.int32]
    top: NDArray[np.int32]
    probabilities: NDArray[np.float32]
    confidence: NDArray[np.float32]
    correct: NDArray[np.uint8]
    right: NDArray[np.float32]


def evaluation_records(
    drawings: Drawings,
    ids: NDArray[np.int64],
    labels: NDArray[np.int32],
    probabilities: NDArray[np.float32],
    groups: Sequence[NDArray[np.integer]],
) -> EvaluationRecords:
    """The records of n drawings with their ids and labels (n,), from the probabilities of all classes (n, classes).

    groups: those of `groups_of` for each of `MATCHES`.
    """
    top = top_classes(probabilities)
    firsts = [first_answers(probabilities, labels, of_match) for of_match in groups]
    confidence, correct, right = (np.stack(columns, 1) for columns in zip(*firsts, strict=True))
    return EvaluationRecords(
        drawings=drawings,
        ids=ids,
        labels=labels,
        top=top,
        probabilities=np.where(top >= 0, np.take_along_axis(probabilities, top, 1), np.float32(0)),
        confidence=confidence.astype(np.float32),
        correct=correct.astype(np.uint8),
        right=right.astype(np.float32),
    )


RecordSink = Callable[[EvaluationRecords], None]
"""Receives the records of each batch of an evaluation."""


def discard(records: EvaluationRecords) -> None:
    """The `RecordSink` that stores nothing."""


@dataclass(frozen=True)
class Metrics:
    """Top-k accuracy.

    n: evaluated drawings. top[k]: fraction of them (0 to 1) with the right symbol among the first k answers.
    prints_alike, drawn_alike: the same with the other two of `MATCHES`. unknown_keys: drawings outside n, because the
    model has no class for their key. unusable: rows of a source that an export would leave out too. page: what the Draw
    page shows; None where only images were evaluated.
    """

    n: int
    top: dict[int, float]
    prints_alike: dict[int, float]
    drawn_alike: dict[int, float]
    unknown_keys: int = 0
    unusable: int = 0
    page: PageMetrics | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON object that the command line prints."""

        def named(top: dict[int, float]) -> dict[str, float]:
            return {f"top{k}": round(value, 6) for k, value in top.items()}

        return {
            "n": self.n,
            **named(self.top),
            "prints_alike": named(self.prints_alike),
            "drawn_alike": named(self.drawn_alike),
            "unknown_keys": self.unknown_keys,
            "unusable": self.unusable,
            **({"page": self.page.to_json()} if self.page else {}),
        }


class MetricsCounter:
    """Counts the ranks of the right answers, for each of `MATCHES`."""

    def __init__(self, classes: Sequence[str]) -> None:
        self._groups = [groups_of(classes, match) for match in MATCHES]
        self._counts = np.zeros((len(MATCHES), STORED_ANSWERS + 1), np.int64)
        self.unknown_keys = 0

    def add(self, top: NDArray[np.integer], labels: NDArray[np.integer]) -> None:
        """Count n more: `top` (n, 10) of `top_classes`, and the right classes `labels` (n,)."""
        for counts, groups in zip(self._counts, self._groups, strict=True):
            counts += np.bincount(ranks(top, labels, groups), minlength=STORED_ANSWERS + 1)

    def metrics(self, unusable: int = 0) -> Metrics:
        """The metrics of all records so far."""
        n = int(self._counts[0].sum())
        right = np.cumsum(self._counts, axis=1)
        top, prints_alike, drawn_alike = ({k: float(row[k - 1] / n) if n else 0.0 for k in TOP_K} for row in right)
        return Metrics(n, top, prints_alike, drawn_alike, self.unknown_keys, unusable)


def first_answers(
    probabilities: NDArray[np.float32], labels: NDArray[np.integer], groups: NDArray[np.integer]
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]]:
    """The first answers if the classes of a group are one answer, with the sum of their probabilities.

    probabilities: (n, classes), labels: (n,), groups: (classes,) of `groups_of`. Returns three arrays (n,): the first
    answer's probability, whether it is right, and the right answer's probability.
    """
    segments = Segments.of(groups)
    sums = segments.reduce(np.add, probabilities)
    rows, right, first = np.arange(len(labels)), segments.answers[labels], sums.argmax(1)
    return sums[rows, first], first == right, sums[rows, right]


def top_classes(probabilities: NDArray[np.float32]) -> NDArray[np.int32]:
    """The ten most probable classes, best first: (n, classes) → (n, 10), −1 where there are fewer classes.

    Of equal probabilities the lower class number is first, as in `Classifier.classify`.
    """
    count = probabilities.shape[1]
    # The bits of non-negative floats sort like the floats. With the class number appended no two are equal, and a
    # partition finds the first ten without sorting all.
    bits = np.ascontiguousarray(probabilities).view(np.uint32).astype(np.uint64)
    ordered = (bits << np.uint64(32)) | np.arange(count - 1, -1, -1, dtype=np.uint64)
    stored = min(STORED_ANSWERS, count)
    best = np.sort(np.partition(ordered, count - stored, axis=1)[:, count - stored :], axis=1)[:, ::-1]
    top = np.full((len(probabilities), STORED_ANSWERS), -1, np.int32)
    top[:, :stored] = count - 1 - (best & np.uint64(0xFFFFFFFF)).astype(np.int64)
    return top


def ranks(top: NDArray[np.integer], labels: NDArray[np.integer], groups: NDArray[np.integer]) -> NDArray[np.int64]:
    """The rank, from 0, of the best answer in the label's group; 10 if none of the ten is.

    top: (n, 10) of `top_classes`, labels: (n,), groups: (classes,) of `groups_of`. Returns (n,).
    """
    hits = (groups[top] == groups[labels][:, None]) & (top >= 0)
    return np.where(hits.any(1), hits.argmax(1), STORED_ANSWERS)
