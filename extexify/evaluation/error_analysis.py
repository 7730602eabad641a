"""Error analysis of a stored evaluation: confused pairs, metrics by class, and calibration.

Computed from the evaluation's arrays; 35,000 drawings take a few hundredths of a second.
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
    """A confused pair of classes, by number: count of the drawings of `label` have `taken_for` as the first answer."""

    label: int
    taken_for: int
    count: int
    drawings: int


@dataclass(frozen=True)
class ClassTable:
    """Metrics of each class: arrays (C,) by class number.

    drawings: int64. top[k]: float64, top-k accuracy, and probability: float64, the mean probability of the right
    answer; NaN for a class without drawings. taken_for: int64, the most frequent wrong first answer, and times: int64,
    its count; −1 and 0 if there is none.
    """

    drawings: NDArray[np.int64]
    top: dict[int, NDArray[np.float64]]
    probability: NDArray[np.float64]
    taken_for: NDArray[np.int64]
    times: NDArray[np.int64]

    def worst_first(self) -> NDArray[np.int64]:
        """Numbers of the classes with drawings, by rising top-1, then by rising top-5, then by falling drawings."""
        numbers = np.flatnonzero(self.drawings)
        order = np.lexsort((-self.drawings[numbers], self.top[5][numbers], self.top[1][numbers]))
        return numbers[order]


def correct_answers(evaluation: Evaluation, match: Match = "exact") -> NDArray[np.bool_]:
    """Whether each drawing's first answer matches its label: bool (N,)."""
    records = evaluation.records
    groups = groups_of(evaluation.classes, match)
    right: NDArray[np.bool_] = groups[records.top[:, 0]] == groups[records.labels]
    return right


def confusions(evaluation: Evaluation, match: Match = "exact") -> list[Confusion]:
    """All confused pairs of classes, the most frequent first."""
    labels, first, wrong = evaluation.records.labels, evaluation.records.top[:, 0], ~correct_answers(evaluation, match)
    drawings = np.bincount(labels, minlength=len(evaluation.classes))
    pairs, counts = _pairs(labels[wrong], first[wrong], len(evaluation.classes))
    # Of equally frequent pairs, the one that is the larger fraction of its class is first.
    order = np.lexsort((pairs[:, 1], drawings[pairs[:, 0]], -counts))
    return [
        Confusion(int(label), int(taken_for), int(count), int(drawings[label]))
        for (label, taken_for), count in zip(pairs[order], counts[order], strict=True)
    ]


def confused_drawings(evaluation: Evaluation, label: int, taken_for: int) -> NDArray[np.int64]:
    """Rows of the drawings of a class with `taken_for` as the first answer, the most confident first."""
    records = evaluation.records
    rows = np.flatnonzero((records.labels == label) & (records.top[:, 0] == taken_for))
    return _by_confidence(records, rows)


def class_drawings(
    evaluation: Evaluation, label: int, match: Match = "exact"
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the drawings of a class with a wrong, and with a right first answer; each the most confident first."""
    rows = np.flatnonzero(evaluation.records.labels == label)
    right = correct_answers(evaluation, match)[rows]
    return _by_confidence(evaluation.records, rows[~right]), _by_confidence(evaluation.records, rows[right])


def class_table(evaluation: Evaluation, match: Match = "exact") -> ClassTable:
    """Metrics by class."""
    records, classes = evaluation.records, len(evaluation.classes)
    drawings = np.bincount(records.labels, minlength=classes)
    rank = ranks(records.top, records.labels, groups_of(evaluation.classes, match))
    table = np.zeros((classes, STORED_ANSWERS + 1))
    np.add.at(table, (records.labels, rank), 1)
    with np.errstate(invalid="ignore"):
        right = np.cumsum(table, axis=1) / drawings[:, None]
        probability = np.bincount(records.labels, records.right[:, MATCHES.index(match)], classes) / drawings
    taken_for, times = np.full(classes, -1), np.zeros(classes, np.int64)
    wrong = ~correct_answers(evaluation, match)
    pairs, counts = _pairs(records.labels[wrong], records.top[wrong, 0], classes)
    rising = np.lexsort((-pairs[:, 1], counts))  # the last value assigned to an index stays
    taken_for[pairs[rising, 0]], times[pairs[rising, 0]] = pairs[rising, 1], counts[rising]
    return ClassTable(drawings, {k: right[:, k - 1] for k in TOP_K}, probability, taken_for, times)


def error_rates(evaluation: Evaluation, match: Match = "exact") -> dict[str, float]:
    """The fraction of wrong first answers, 0 to 1, by key, of each class with drawings.

    Estimated by Laplace's rule of succession, (wrong + 1) / (drawings + 2): a single wrong drawing is weaker evidence
    than nine wrong ones of ten.
    """
    labels, classes = evaluation.records.labels, evaluation.classes
    drawings = np.bincount(labels, minlength=len(classes))
    wrong = np.bincount(labels[~correct_answers(evaluation, match)], minlength=len(classes))
    return {classes[number]: float((wrong[number] + 1) / (drawings[number] + 2)) for number in np.flatnonzero(drawings)}


def evaluation_reliability(evaluation: Evaluation, match: Match = "exact") -> ReliabilityDiagram:
    """The reliability diagram of an evaluation's first answers; symbols that match each other are one answer."""
    records, number = evaluation.records, MATCHES.index(match)
    return reliability_diagram(records.confidence[:, number], records.correct[:, number], records.right[:, number])


def _pairs(
    labels: NDArray[np.integer], answers: NDArray[np.integer], classes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The distinct pairs (m, 2) of label and answer, and their counts (m,)."""
    codes, counts = np.unique(labels.astype(np.int64) * classes + answers, return_counts=True)
    return np.stack(np.divmod(codes, classes), 1), counts


def _by_confidence(records: EvaluationRecords, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows sorted by the probability of their first answers, largest first: confident errors may be wrong labels."""
    return rows[np.argsort(-records.probabilities[rows, 0], kind="stable")]
