"""What a model says of drawings, and how often it is right: batches of answers, ranks, top-k."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extexify.catalog.lookalikes import MATCHES, groups_of
from extexify.drawing.strokes import Drawings

TOP_K = (1, 3, 5, 10)
"""The k of the top-k figures."""

STORED_ANSWERS = TOP_K[-1]
"""Answers of each drawing that are kept."""


@dataclass(frozen=True, slots=True)
class EvaluationRecords:
    """Drawings (n) with their right classes and what a model says of them.

    ids int64 (n,); labels int32 (n,), the right classes; top int32 (n, 10), the most probable classes, best first;
    probabilities float32 (n, 10), theirs; where the model has fewer classes, −1 and 0 stand for the missing ones.

    The others take look-alikes for one answer, which is as probable as all its members together, in each of the
    three ways: confidence float32 (n, 3), the probability of the first answer; correct uint8 (n, 3), 1 where that is
    right; right float32 (n, 3), the probability of the right answer.
    """

    drawings: Drawings
    ids: NDArray[np.int64]
    labels: NDArray[np.int32]
    top: NDArray[np.int32]
    probabilities: NDArray[np.float32]
    confidence: NDArray[np.float32]
    correct: NDArray[np.uint8]
    right: NDArray[np.float32]


RecordSink = Callable[[EvaluationRecords], None]
"""What becomes of judged drawings beside being counted."""


def discard(judged: EvaluationRecords) -> None:
    """Keep nothing."""


@dataclass(frozen=True)
class Metrics:
    """What an evaluation found.

    n drawings were judged; top[k] is the part of them (0 to 1) with the right symbol among the first k; prints_alike
    and drawn_alike are the same, counting as right also a symbol that prints or is drawn alike (see
    `extexify.catalog.lookalikes`). unknown_keys counts drawings whose key the model doesn't know, which are outside n;
    unusable counts a source's rows that an export would leave out too.
    """

    n: int
    top: dict[int, float]
    prints_alike: dict[int, float]
    drawn_alike: dict[int, float]
    unknown_keys: int = 0
    unusable: int = 0

    def to_json(self) -> dict[str, Any]:
        """The figures as the command line prints them."""

        def named(top: dict[int, float]) -> dict[str, float]:
            return {f"top{k}": round(value, 6) for k, value in top.items()}

        return {
            "n": self.n,
            **named(self.top),
            "prints_alike": named(self.prints_alike),
            "drawn_alike": named(self.drawn_alike),
            "unknown_keys": self.unknown_keys,
            "unusable": self.unusable,
        }


class MetricsCounter:
    """Counts at which rank the right class stood, in each of the three ways to be right."""

    def __init__(self, classes: Sequence[str]) -> None:
        self._groups = [groups_of(classes, match) for match in MATCHES]
        self._counts = np.zeros((len(MATCHES), STORED_ANSWERS + 1), np.int64)
        self.unknown = 0

    def add(self, judged: EvaluationRecords) -> None:
        """Count judged drawings."""
        for counts, groups in zip(self._counts, self._groups, strict=True):
            counts += np.bincount(ranks(judged.top, judged.labels, groups), minlength=STORED_ANSWERS + 1)

    def metrics(self, unusable: int = 0) -> Metrics:
        """The figures of all drawings so far."""
        n = int(self._counts[0].sum())
        right = np.cumsum(self._counts, axis=1)
        top, prints_alike, drawn_alike = ({k: float(row[k - 1] / n) if n else 0.0 for k in TOP_K} for row in right)
        return Metrics(n, top, prints_alike, drawn_alike, self.unknown, unusable)


class Fold:
    """Sums the probabilities of look-alikes."""

    def __init__(self, groups: NDArray[np.integer]) -> None:
        """groups (classes,) as `groups_of` gives them."""
        _, self._answer = np.unique(groups, return_inverse=True)
        self._order = np.argsort(self._answer, kind="stable")
        self._starts = np.flatnonzero(np.diff(self._answer[self._order], prepend=-1))

    def first(
        self, probabilities: NDArray[np.float32], labels: NDArray[np.integer]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]]:
        """Each drawing's first answer: its probability, whether it is right, and the probability of the right answer.

        probabilities (n, classes), labels (n,) → three arrays (n,).
        """
        folded = np.add.reduceat(probabilities[:, self._order], self._starts, axis=1)
        rows, right = np.arange(len(labels)), self._answer[labels]
        first = folded.argmax(1)
        return folded[rows, first], first == right, folded[rows, right]


def top_classes(probabilities: NDArray[np.float32]) -> NDArray[np.int32]:
    """The ten most probable classes, best first: (n, classes) → (n, 10), −1 where there are fewer classes.

    Among equal probabilities the lower class number stands first, as in `Classifier.classify`.
    """
    count = probabilities.shape[1]
    # The bits of floats from 0 on are in the order of the floats. With the class number below them no two are equal,
    # and ten of a thousand are found without sorting all.
    bits = np.ascontiguousarray(probabilities).view(np.uint32).astype(np.uint64)
    ordered = (bits << np.uint64(32)) | np.arange(count - 1, -1, -1, dtype=np.uint64)
    kept = min(STORED_ANSWERS, count)
    best = np.sort(np.partition(ordered, count - kept, axis=1)[:, count - kept :], axis=1)[:, ::-1]
    top = np.full((len(probabilities), STORED_ANSWERS), -1, np.int32)
    top[:, :kept] = count - 1 - (best & np.uint64(0xFFFFFFFF)).astype(np.int64)
    return top


def ranks(top: NDArray[np.integer], labels: NDArray[np.integer], groups: NDArray[np.integer]) -> NDArray[np.int64]:
    """The rank (0 is first) of the best answer in the right class's group; 10 when it is beyond the first ten.

    top (n, 10) as `top_classes` gives it, labels (n,), groups (classes,) as `groups_of` gives them → (n,).
    """
    hits = (groups[top] == groups[labels][:, None]) & (top >= 0)
    return np.where(hits.any(1), hits.argmax(1), STORED_ANSWERS)
