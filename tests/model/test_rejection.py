"""Rejection of drawings that are no symbols: scribbles are, nearly all real drawings aren't."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.drawing.raster import PRESETS, rasterize
from extexify.drawing.strokes import Drawing, Drawings
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
from extexify.training.scribbles import KINDS, SIDE, scribbles


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


@pytest.mark.parametrize("classes", [8, 20])
def test_a_model_that_is_sure_of_every_drawing_rejects_none(classes: int) -> None:
    """Rounded up, as earlier versions did, the threshold was 1: all drawings were rejected, or half."""
    rng = np.random.default_rng(0)
    certainties = rng.uniform(0.9996, 1 - 1e-7, 1000) if classes > SUMMED_CLASSES else 1 - rng.choice([0, 1e-7], 1000)
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
