"""Rejection: the certainty of predictions and its threshold. test_shipped_model.py holds the rates of a model."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.model.classifier import Prediction, softmax
from extexify.model.rejection import (
    FALSE_REJECTION_RATE,
    MAX_THRESHOLD,
    SUMMED_CLASSES,
    certainty,
    fit_rejection_threshold,
    is_rejected,
    limited_threshold,
)


def test_certainty_sums_the_ten_most_probable_classes() -> None:
    even = np.full((1, 40), 1 / 40)
    sure = np.eye(40)[:1]
    assert certainty(np.vstack([even, sure])) == pytest.approx([SUMMED_CLASSES / 40, 1.0])
    assert certainty(np.full((1, 3), 1 / 3)) == pytest.approx([1.0])


@given(st.integers(0, 2**32 - 1), st.integers(200, 400), st.sampled_from([1, 3, 10, 100]), st.sampled_from([8, 20, 50]))
def test_a_fitted_threshold_rejects_few_of_the_drawings(seed: int, count: int, scale: float, classes: int) -> None:
    logits = np.random.default_rng(seed).normal(0, scale, (count, classes)).astype(np.float32)
    certainties = certainty(softmax(logits, 1.0))
    rejected = certainties < fit_rejection_threshold(certainties, classes)
    assert rejected.mean() <= (FALSE_REJECTION_RATE if classes > SUMMED_CLASSES else 0)


def test_a_model_that_is_certain_of_every_drawing_rejects_none() -> None:
    """A threshold that was rounded up was 1 and rejected half of these, or all."""
    rng = np.random.default_rng(0)
    for classes, certainties in ((8, 1 - rng.choice([0, 1e-7], 1000)), (20, rng.uniform(0.9996, 1 - 1e-7, 1000))):
        assert not (certainties < fit_rejection_threshold(certainties, classes)).any()


def test_thresholds_of_earlier_files_are_limited() -> None:
    assert limited_threshold(1.0, SUMMED_CLASSES) == limited_threshold(0.0, 1000) == 0
    assert limited_threshold(1.0, 20) == MAX_THRESHOLD
    assert limited_threshold(0.74, 1000) == 0.74


def test_predictions_less_certain_than_the_threshold_are_rejected() -> None:
    predictions = [Prediction(f"k{number}", "", 0.05) for number in range(20)]
    assert is_rejected(predictions, threshold=0.6)
    assert not is_rejected(predictions, threshold=0.4)
    assert not is_rejected([Prediction("k", "", 0.01)], threshold=0.0)
