"""Are probabilities honest? Of the answers that a model is 80 % sure of, 80 % should be right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15
"""Bins of equal width, as Guo et al. use them."""


@dataclass(frozen=True)
class Reliability:
    """A model's confidence in its first answers against how often these are right.

    edges float64 (B + 1,) divide 0 to 1; counts int64 (B,) are the answers in each bin; confidence and accuracy
    float64 (B,) are their mean probability and the part that is right (NaN in an empty bin). ece is the expected
    calibration error, the mean distance of the two over all answers; nll the mean negative log-likelihood of the right
    answer (Guo et al., “On Calibration of Modern Neural Networks”, ICML 2017).
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    ece: float
    nll: float


def reliability(
    first: NDArray[np.floating], correct: NDArray[np.generic], right: NDArray[np.floating], bins: int = BINS
) -> Reliability:
    """Compare confidence with accuracy.

    first (n,) is the probability of each drawing's first answer, correct (n,) whether that is right (1 or 0), right
    (n,) the probability of the right answer. Raises ValueError when n is 0.
    """
    if not len(first):
        raise ValueError("no answers to compare with their probabilities")
    edges = np.linspace(0, 1, bins + 1)
    # A bin holds its upper edge: (0, 1/B], …, so that a certainty of exactly 1 is in the last one.
    place = np.clip(np.ceil(np.asarray(first, np.float64) * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(place, first, bins) / counts
        accuracy = np.bincount(place, correct, bins) / counts
    gaps = np.nan_to_num(np.abs(confidence - accuracy))
    return Reliability(
        edges, counts, confidence, accuracy, ece=float((gaps * counts).sum() / len(first)), nll=_nll(right)
    )


def _nll(right: NDArray[np.floating]) -> float:
    # A probability that float32 rounds to 0 is at most its smallest number.
    return float(-np.log(np.maximum(right, np.finfo(np.float32).tiny, dtype=np.float64)).mean())
