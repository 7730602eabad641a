"""How people draw a symbol: a few drawings of it from a dataset, and how many there are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from extexify.dataset.dataset import Dataset
from extexify.drawing.strokes import Drawings
from extexify.sources.starter import FIRST_ID, NAME


@dataclass(frozen=True, slots=True)
class Examples:
    """Some of a dataset's drawings of a symbol, and how many it has in all.

    people counts those that people drew, synthetic the starter drawings; `drawings` are people's if there are any.
    """

    drawings: Drawings
    people: int
    synthetic: int


def examples_of(dataset: Dataset, key: str, count: int) -> Examples:
    """At most `count` drawings of a symbol, spread evenly over those that there are; the same ones every time."""
    label = dataset.classes.index(key) if key in dataset.classes else -1
    samples = np.flatnonzero(dataset.labels == label)
    # Only where there are starter drawings does a high id mark one: those of a dump may be anything.
    names = [str(source.get("source", "")) for source in dataset.manifest["sources"]]
    starters = [name.startswith(NAME) for name in names]
    synthetic = (dataset.ids[samples] >= FIRST_ID) & any(starters) | all(starters)
    shown = samples if synthetic.all() else samples[~synthetic]
    chosen = np.linspace(0, len(shown) - 1, min(count, len(shown))).round().astype(np.int64)
    return Examples(dataset.drawings.take(shown[chosen]), int((~synthetic).sum()), int(synthetic.sum()))
