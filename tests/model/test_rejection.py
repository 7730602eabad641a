"""Doubt: scribbles are no symbols, and a model says so of few real drawings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.drawing.raster import PRESETS, rasterize
from extexify.drawing.strokes import Drawing, Drawings
from extexify.model.classifier import Prediction
from extexify.model.rejection import (
    FALSE_REJECTION_RATE,
    SUMMED_CLASSES,
    certainty,
    fit_rejection_threshold,
    is_rejected,
)
from extexify.training.scribbles import KINDS, SIDE, scribbles


def test_the_few_most_probable_count() -> None:
    even = np.full((1, 40), 1 / 40)
    sure = np.eye(40)[:1]
    assert certainty(np.vstack([even, sure])) == pytest.approx([SUMMED_CLASSES / 40, 1.0])
    assert certainty(np.full((1, 3), 1 / 3)) == pytest.approx([1.0])


@given(st.integers(0, 2**32 - 1), st.integers(200, 400))
def test_a_model_doubts_few_of_what_it_was_fitted_on(seed: int, count: int) -> None:
    logits = np.random.default_rng(seed).normal(0, 3, (count, 50))
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    doubted = (certainty(probabilities) < fit_rejection_threshold(probabilities) - 5e-4).mean()
    assert doubted <= FALSE_REJECTION_RATE + 1 / count


def test_predictions_are_doubtful_when_they_are_less_certain_than_asked() -> None:
    predictions = [Prediction(f"k{number}", "", 0.05) for number in range(20)]
    assert is_rejected(predictions, threshold=0.6)
    assert not is_rejected(predictions, threshold=0.4)
    assert not is_rejected([Prediction("k", "", 0.01)], threshold=0.0)


class TestScribbles:
    @given(st.integers(0, 2**32 - 1), st.integers(1, 12))
    def test_are_good_drawings_of_many_turns(self, seed: int, count: int) -> None:
        drawings = scribbles(count, np.random.default_rng(seed))
        assert len(drawings) == count
        assert drawings.is_whole()
        assert np.isfinite(drawings.points).all()
        for drawing in drawings:
            assert sum(len(stroke) for stroke in drawing) >= 8
            assert 0.2 * SIDE < np.ptp(np.concatenate(drawing), axis=0).max() < 2 * SIDE

    def test_are_a_function_of_the_generator(self) -> None:
        first, again = (scribbles(9, np.random.default_rng(3)) for _ in range(2))
        np.testing.assert_array_equal(first.points, again.points)

    @pytest.mark.parametrize("kind", KINDS)
    def test_of_every_kind_have_much_ink_or_many_strokes(self, kind: Callable[[np.random.Generator], Drawing]) -> None:
        rng = np.random.default_rng(0)
        drawings = Drawings.pack([kind(rng) for _ in range(20)])
        ink = rasterize(drawings, PRESETS["default"]).mean((1, 2)) / 255
        strokes = np.diff(drawings.sample_ends, prepend=0)
        assert ((ink > 0.07) | (strokes >= 8)).mean() > 0.9
