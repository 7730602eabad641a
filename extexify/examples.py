"""How people draw a symbol: a few drawings of it from a dataset, and how many there are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from extexify.dataset import Dataset
from extexify.strokes import Drawings


@dataclass(frozen=True, slots=True)
class Examples:
    """Some of the drawings of a symbol; total counts all that the dataset has of it."""

    drawings: Drawings
    total: int


def examples_of(dataset: Dataset, key: str, count: int) -> Examples:
    """At most `count` drawings of a symbol, spread evenly over those that there are; the same ones every time."""
    label = dataset.classes.index(key) if key in dataset.classes else -1
    samples = np.flatnonzero(dataset.labels == label)
    chosen = np.linspace(0, len(samples) - 1, min(count, len(samples))).round().astype(np.int64)
    return Examples(dataset.drawings.take(samples[chosen]), len(samples))
