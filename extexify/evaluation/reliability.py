"""Are probabilities honest? Of the answers that a model is 80 % sure of, 80 % should be right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15
"""Bins of equal width, as Guo et al. use them."""


@dataclass(frozen=True)
class ReliabilityDiagram:
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


class ReliabilityCounter:
    """Compares confidence with accuracy, answers by answers: what it holds doesn't grow with them."""

    def __init__(self, bins: int = BINS) -> None:
        self._counts = np.zeros(bins, np.int64)
        self._confidence, self._correct = np.zeros(bins), np.zeros(bins)
        self._loss = 0.0

    def add(self, first: NDArray[np.floating], correct: NDArray[np.generic], right: NDArray[np.floating]) -> None:
        """Count n answers: first (n,) is the probability of each drawing's first answer, correct (n,) whether that is
        right (1 or 0), right (n,) the probability of the right answer."""
        bins = len(self._counts)
        # A bin holds its upper edge: (0, 1/B], …, so that a certainty of exactly 1 is in the last one.
        place = np.clip(np.ceil(np.asarray(first, np.float64) * bins).astype(np.int64) - 1, 0, bins - 1)
        self._counts += np.bincount(place, minlength=bins)
        self._confidence += np.bincount(place, first, bins)
        self._correct += np.bincount(place, correct, bins)
        # A probability that float32 rounds to 0 is at most its smallest number.
        self._loss -= float(np.log(np.maximum(right, np.finfo(np.float32).tiny, dtype=np.float64)).sum())

    def diagram(self) -> ReliabilityDiagram:
        """What came of it. Raises ValueError when nothing was counted."""
        total = int(self._counts.sum())
        if not total:
            raise ValueError("no answers to compare with their probabilities")
        with np.errstate(invalid="ignore"):
            confidence, accuracy = self._confidence / self._counts, self._correct / self._counts
        ece = float(np.abs(self._confidence - self._correct).sum() / total)
        edges = np.linspace(0, 1, len(self._counts) + 1)
        return ReliabilityDiagram(edges, self._counts.copy(), confidence, accuracy, ece=ece, nll=self._loss / total)


def reliability_diagram(
    first: NDArray[np.floating], correct: NDArray[np.generic], right: NDArray[np.floating], bins: int = BINS
) -> ReliabilityDiagram:
    """Compare confidence with accuracy; arguments as for `ReliabilityCounter.add`. Raises ValueError when n is 0."""
    counter = ReliabilityCounter(bins)
    counter.add(first, correct, right)
    return counter.diagram()
