"""Suggestions of mislabelled drawings, from a model's answers to drawings that it didn't learn from.

Confident learning (Northcutt, Jiang & Chuang, “Confident Learning: Estimating Uncertainty in Dataset Labels”, JAIR
2021): a drawing is taken for mislabelled if another symbol than its label is as probable as that symbol usually is for
its own drawings, and at least as probable as not. Symbols that are drawn alike count as one: a drawing doesn't tell
which of them was meant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from extexify.catalog.lookalikes import MATCHES, groups_of
from extexify.evaluation.records import Evaluation

LEAST_PROBABILITY = 0.5
"""Least probability of a suggested symbol. Of the 200 most certain suggestions for the shipped model's test drawings,
42 of the 127 more probable ones were right, of the others 3."""

_DRAWN = MATCHES.index("drawn")


@dataclass(frozen=True, slots=True)
class LabelError:
    """A drawing that probably shows another symbol: its row in the evaluation, the number of the class that it looks
    like, that class's probability with its look-alikes, and the label's, each 0 to 1."""

    row: int
    suggested: int
    probability: float
    label_probability: float


def label_errors(evaluation: Evaluation) -> list[LabelError]:
    """The drawings that are probably mislabelled, the most certain first: by the difference of the two probabilities.

    Only the first ten answers of a drawing are stored, so a symbol beyond them is not suggested.
    """
    records = evaluation.records
    groups = groups_of(evaluation.classes, "drawn")
    labels = groups[records.labels]
    of_label = np.asarray(records.right[:, _DRAWN])
    # The mean probability of a symbol over the drawings with that label; without any, nothing is as probable.
    drawings = np.bincount(labels, minlength=len(groups))
    sums = np.bincount(labels, of_label, minlength=len(groups))
    usual = np.where(drawings > 0, sums / np.maximum(drawings, 1), np.inf)

    answers = np.where(records.top >= 0, groups[records.top], -1)
    of_group = np.where(answers[:, :, None] == answers[:, None, :], records.probabilities[:, None, :], 0).sum(2)
    is_other = (answers >= 0) & (answers != labels[:, None])
    suspected = is_other & (of_group >= np.maximum(usual[answers], LEAST_PROBABILITY))
    of_suspected = np.where(suspected, of_group, 0)
    first = of_suspected.argmax(1)  # of a group's answers, the most probable class
    probability = of_suspected[np.arange(len(first)), first]
    # A label that is itself as probable as usual, and more so, stands.
    rows = np.flatnonzero((probability > 0) & ((of_label < usual[labels]) | (of_label < probability)))
    order = rows[np.argsort(of_label[rows] - probability[rows], kind="stable")]
    return [
        LabelError(int(row), int(records.top[row, first[row]]), float(probability[row]), float(of_label[row]))
        for row in order
    ]
