"""Rejection: whether a drawing shows none of the model's symbols.

Many symbols look alike, so the most probable class of a good drawing may have a probability of only 0.1; but the sum of
the ten largest probabilities is close to 1. That of a scribble is not, since its probability is spread over many
classes. A drawing is rejected ("not sure" in the interface) if that sum is below the model's threshold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from extexify.model.answers import Prediction

SUMMED_CLASSES = 10
"""Number of largest probabilities that are summed."""

FALSE_REJECTION_RATE = 0.01
"""Fraction of real drawings that a fitted threshold rejects."""

MAX_THRESHOLD = 0.999
"""Upper bound of thresholds: closer to 1, the rounding of float32 would decide."""


def certainty(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """The sum of each drawing's `SUMMED_CLASSES` largest probabilities: (n, classes) → float64 (n,)."""
    summed = min(SUMMED_CLASSES, probabilities.shape[1])
    return np.partition(probabilities, -summed, axis=1)[:, -summed:].sum(1, dtype=np.float64)


def fit_rejection_threshold(certainties: NDArray[np.floating], classes: int) -> float:
    """The certainty below which `FALSE_REJECTION_RATE` of held-out drawings lie, from the certainties of all (n,).

    Rounded down to three decimals, so that no more than these are rejected, and limited as in `limited_threshold`.
    """
    quantile = float(np.quantile(certainties, FALSE_REJECTION_RATE, method="lower"))
    return limited_threshold(math.floor(1000 * quantile) / 1000, classes)


def limited_threshold(threshold: float, classes: int) -> float:
    """`threshold`, at most `MAX_THRESHOLD`; 0 (nothing is rejected) if all classes are summed, which always gives 1."""
    return min(threshold, MAX_THRESHOLD) if classes > SUMMED_CLASSES else 0.0


def is_rejected(predictions: Sequence[Prediction], threshold: float) -> bool:
    """Whether the certainty of a drawing is below `threshold`; 0 rejects nothing.

    predictions: at least the `SUMMED_CLASSES` most probable ones, most probable first, or those of all classes.
    """
    return sum(prediction.probability for prediction in predictions[:SUMMED_CLASSES]) < threshold
