"""Ranking by usage."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from extexify.model.ranking import SHAPE, USAGE, Ranking, weights

CLASSES = ("latex2e-OT1-_emptyset", "latex2e-OT1-_sum", "MnSymbol-OT1-_Diamond", "wasysym-OT1-_clock")
PROBABILITIES = arrays(np.float32, (3, 4), elements=st.floats(0.0009765625, 1, width=32)).map(
    lambda values: values / values.sum(1, keepdims=True)
)


@given(PROBABILITIES, st.floats(0, 1))
def test_probabilities_stay_probabilities(probabilities: np.ndarray, usage: float) -> None:
    ranked = Ranking(usage=usage).apply(probabilities, CLASSES)
    np.testing.assert_allclose(ranked.sum(1), 1, rtol=1e-5)
    assert (ranked > 0).all()
    # Bayes' rule: odds are multiplied by the ratio of the weights.
    among_all, _ = weights(Ranking(usage=usage), CLASSES)
    np.testing.assert_allclose(
        ranked[:, 0] / ranked[:, 1], probabilities[:, 0] / probabilities[:, 1] * among_all[0] / among_all[1], rtol=1e-3
    )


@given(PROBABILITIES)
def test_by_shape_alone_nothing_changes(probabilities: np.ndarray) -> None:
    np.testing.assert_array_equal(SHAPE.apply(probabilities, CLASSES), probabilities)
    assert {SHAPE.weight_among_alike(key) for key in CLASSES} == {1}


def test_what_people_want_more_often_passes_what_is_a_little_more_probable() -> None:
    # An empty set that looks a little more like a clock.
    (ranked,) = USAGE.apply(np.array([[0.4, 0.05, 0.05, 0.5]], np.float32), CLASSES)
    assert ranked.argmax() == 0
    (ranked,) = USAGE.apply(np.array([[0.01, 0.0, 0.0, 0.99]], np.float32), CLASSES)
    assert ranked.argmax() == 3
