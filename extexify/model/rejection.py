"""Doubt: whether a drawing shows any symbol at all.

Among a thousand symbols, many of them drawn alike, the right one of a good drawing may have a tenth of the
probability; but the few that look like it have nearly all of it. A scribble's probability is spread over many.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from extexify.model.classifier import Prediction

SUMMED_CLASSES = 10
"""So many of the most probable symbols are looked at."""

FALSE_REJECTION_RATE = 0.01
"""The part of real drawings that a model may doubt."""


def certainty(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """What the few most probable classes have together (n,), of probabilities (n, classes)."""
    few = min(SUMMED_CLASSES, probabilities.shape[1])
    return np.partition(probabilities, -few, axis=1)[:, -few:].sum(1, dtype=np.float64)


def fit_rejection_threshold(probabilities: NDArray[np.floating]) -> float:
    """The certainty that a hundredth of held-out drawings stay below, given their probabilities (n, classes)."""
    return round(float(np.quantile(certainty(probabilities), FALSE_REJECTION_RATE)), 3)


def is_rejected(predictions: Sequence[Prediction], threshold: float) -> bool:
    """Whether predictions, the most probable first and at least `SUMMED_CLASSES`, are less certain than `threshold`."""
    return sum(prediction.probability for prediction in predictions[:SUMMED_CLASSES]) < threshold
