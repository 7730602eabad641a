"""Suggestions of mislabelled drawings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extexify.catalog import lookalikes
from extexify.catalog.lookalikes import MATCHES, groups_of
from extexify.drawing.strokes import Drawings
from extexify.evaluation.label_errors import LEAST_PROBABILITY, LabelError, label_errors
from extexify.evaluation.metrics import EvaluationRecords, evaluation_records
from extexify.evaluation.records import Evaluation, EvaluationContext, EvaluationSummary
from tests.drawings import zigzag

KEYS = ("a", "b", "c", "d")


@pytest.fixture(autouse=True)
def _look_alikes(monkeypatch: pytest.MonkeyPatch) -> None:
    """a and b are drawn alike."""
    groups = {"prints": (), "drawn": (("a", "b"),)}
    monkeypatch.setattr(lookalikes, "look_alike_groups", groups.__getitem__)


def evaluation_of(labels: list[int], probabilities: list[list[float]]) -> Evaluation:
    """An evaluation that isn't stored, of drawings with these probabilities of the four keys."""
    records: EvaluationRecords = evaluation_records(
        Drawings.pack(zigzag(number) for number in range(len(labels))),
        np.arange(len(labels)),
        np.array(labels, np.int32),
        np.array(probabilities, np.float32),
        [groups_of(KEYS, match) for match in MATCHES],
    )
    context = EvaluationContext("tiny", "", "", 1.0, "test", ())
    return Evaluation(EvaluationSummary(Path(), None, context, {}, KEYS), records)  # type: ignore[arg-type]


def test_a_drawing_that_looks_like_another_symbol_is_suggested() -> None:
    found = label_errors(
        evaluation_of(
            [2, 2, 2, 3, 3],
            [[0.0, 0.0, 0.9, 0.1], [0.1, 0.0, 0.8, 0.1], [0.0, 0.0, 0.1, 0.9], [0.0, 0.0, 0.1, 0.9], [0, 0, 0.3, 0.7]],
        )
    )
    (error,) = found
    assert (error.row, error.suggested) == (2, 3)
    assert (error.probability, error.label_probability) == pytest.approx((0.9, 0.1))


def test_the_most_certain_is_first() -> None:
    rows = [[0.0, 0.0, 0.3, 0.7], [0.0, 0.0, 0.0, 1.0], *[[0.0, 0.0, 1.0, 0.0]] * 4, *[[0.0, 0.0, 0.4, 0.6]] * 3]
    found = label_errors(evaluation_of([2, 2, 2, 2, 2, 2, 3, 3, 3], rows))
    assert [error.row for error in found] == [1, 0]


def test_a_look_alike_of_the_label_is_never_suggested_and_counts_with_it() -> None:
    assert label_errors(evaluation_of([0, 0, 1, 1], [[0.1, 0.9, 0.0, 0.0]] * 2 + [[0.9, 0.1, 0.0, 0.0]] * 2)) == []
    # a and b together are as probable as their drawings usually are, though c alone is more probable than each.
    rows = [[0.3, 0.3, 0.4, 0.0], [0.3, 0.3, 0.4, 0.0], [0.0, 0.0, 1.0, 0.0]]
    assert label_errors(evaluation_of([0, 1, 2], rows)) == []


def test_a_symbol_without_drawings_of_its_own_is_never_suggested() -> None:
    assert label_errors(evaluation_of([2, 2], [[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0]])) == []


@settings(max_examples=50)
@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_it_is_confident_learning(count: int, seed: int) -> None:
    """Against the definition, drawing by drawing."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, count)
    probabilities = rng.dirichlet([0.4] * 4, count).astype(np.float32)
    group = [0, 0, 1, 2]
    sums = np.stack([probabilities[:, :2].sum(1), probabilities[:, 2], probabilities[:, 3]], 1)
    usual = [
        np.mean([sums[row, one] for row in range(count) if group[labels[row]] == one], dtype=np.float64)
        if any(group[label] == one for label in labels)
        else np.inf
        for one in range(3)
    ]
    expected = set()
    for row, label in enumerate(labels.tolist()):
        # Rounding decides what is as probable as usual where a symbol has one drawing: it is that drawing's own.
        confident = [one for one in range(3) if sums[row, one] >= usual[one] - 1e-6]
        best = max(confident, key=lambda one: sums[row, one], default=group[label])
        if best != group[label] and sums[row, best] >= LEAST_PROBABILITY:
            expected.add((row, best))
    found = label_errors(evaluation_of(labels.tolist(), probabilities.tolist()))
    assert {(error.row, group[error.suggested]) for error in found} == expected
    assert all(isinstance(error, LabelError) and 0 < error.probability <= 1.001 for error in found)
    certainty = [error.label_probability - error.probability for error in found]
    assert certainty == sorted(certainty)
