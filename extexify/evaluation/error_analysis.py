"""Where a model goes wrong: confused pairs, figures by symbol, and how honest its probabilities are.

All of it is arithmetic on the arrays of a kept evaluation: 35,000 drawings take a few hundredths of a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extexify.catalog.lookalikes import MATCHES, Match, groups_of
from extexify.evaluation.calibration import ReliabilityDiagram, reliability_diagram
from extexify.evaluation.metrics import STORED_ANSWERS, TOP_K, EvaluationRecords, ranks
from extexify.evaluation.records import Evaluation


@dataclass(frozen=True, slots=True)
class Confusion:
    """Drawings of one symbol that were taken for another: class numbers, how many, and of how many in all."""

    label: int
    taken_for: int
    count: int
    drawings: int


@dataclass(frozen=True)
class ClassTable:
    """Figures of each class (C,), by class number.

    drawings int64; top[k] float64 (0 to 1); probability float64, the mean one of the right answer; both NaN for a class
    without drawings. taken_for int64 is the most frequent wrong first answer and times int64 how often it came;
    −1 and 0 where there is none.
    """

    drawings: NDArray[np.int64]
    top: dict[int, NDArray[np.float64]]
    probability: NDArray[np.float64]
    taken_for: NDArray[np.int64]
    times: NDArray[np.int64]

    def worst_first(self) -> NDArray[np.int64]:
        """The classes that have drawings: by top-1, then by top-5, then those with more drawings first."""
        judged = np.flatnonzero(self.drawings)
        order = np.lexsort((-self.drawings[judged], self.top[5][judged], self.top[1][judged]))
        return judged[order]


def correct_answers(evaluation: Evaluation, match: Match = "exact") -> NDArray[np.bool_]:
    """Whether each drawing's first answer is right, (N,), counted by `match`."""
    judged = evaluation.records
    groups = groups_of(evaluation.classes, match)
    right: NDArray[np.bool_] = groups[judged.top[:, 0]] == groups[judged.labels]
    return right


def confusions(evaluation: Evaluation, match: Match = "exact") -> list[Confusion]:
    """All pairs of classes of which the first was taken for the second, the most frequent first."""
    labels, first, wrong = evaluation.records.labels, evaluation.records.top[:, 0], ~correct_answers(evaluation, match)
    drawings = np.bincount(labels, minlength=len(evaluation.classes))
    pairs, counts = _pairs(labels[wrong], first[wrong], len(evaluation.classes))
    # Of equally frequent ones, those stand first that are a larger part of their class.
    order = np.lexsort((pairs[:, 1], drawings[pairs[:, 0]], -counts))
    return [
        Confusion(int(label), int(taken_for), int(count), int(drawings[label]))
        for (label, taken_for), count in zip(pairs[order], counts[order], strict=True)
    ]


def confused_drawings(evaluation: Evaluation, label: int, taken_for: int) -> NDArray[np.int64]:
    """The drawings of a class whose first answer was another one, the surest first."""
    judged = evaluation.records
    rows = np.flatnonzero((judged.labels == label) & (judged.top[:, 0] == taken_for))
    return _surest_first(judged, rows)


def class_drawings(
    evaluation: Evaluation, label: int, match: Match = "exact"
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The drawings of a class whose first answer is wrong, and those where it is right; each the surest first."""
    rows = np.flatnonzero(evaluation.records.labels == label)
    right = correct_answers(evaluation, match)[rows]
    return _surest_first(evaluation.records, rows[~right]), _surest_first(evaluation.records, rows[right])


def class_table(evaluation: Evaluation, match: Match = "exact") -> ClassTable:
    """Figures by class."""
    judged, classes = evaluation.records, len(evaluation.classes)
    drawings = np.bincount(judged.labels, minlength=classes)
    rank = ranks(judged.top, judged.labels, groups_of(evaluation.classes, match))
    table = np.zeros((classes, STORED_ANSWERS + 1))
    np.add.at(table, (judged.labels, rank), 1)
    with np.errstate(invalid="ignore"):
        right = np.cumsum(table, axis=1) / drawings[:, None]
        probability = np.bincount(judged.labels, judged.right[:, MATCHES.index(match)], classes) / drawings
    taken_for, times = np.full(classes, -1), np.zeros(classes, np.int64)
    wrong = ~correct_answers(evaluation, match)
    pairs, counts = _pairs(judged.labels[wrong], judged.top[wrong, 0], classes)
    rising = np.lexsort((-pairs[:, 1], counts))  # the last one that is written to a place stays there
    taken_for[pairs[rising, 0]], times[pairs[rising, 0]] = pairs[rising, 1], counts[rising]
    return ClassTable(drawings, {k: right[:, k - 1] for k in TOP_K}, probability, taken_for, times)


def evaluation_reliability(evaluation: Evaluation, match: Match = "exact") -> ReliabilityDiagram:
    """The model's probabilities against how often it is right; look-alikes are one answer, as on the Draw page."""
    judged, number = evaluation.records, MATCHES.index(match)
    return reliability_diagram(judged.confidence[:, number], judged.correct[:, number], judged.right[:, number])


def _pairs(
    labels: NDArray[np.integer], answers: NDArray[np.integer], classes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The distinct pairs (m, 2) of label and answer, and how often each comes (m,)."""
    codes, counts = np.unique(labels.astype(np.int64) * classes + answers, return_counts=True)
    return np.stack(np.divmod(codes, classes), 1), counts


def _surest_first(judged: EvaluationRecords, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Drawings in the order of how probable their first answers are: sure ones that are wrong may be mislabelled."""
    return rows[np.argsort(-judged.probabilities[rows, 0], kind="stable")]
