"""Classes and drawings of symbols that nobody drew: starter drawings beside a dataset's real ones.

A training that has them knows every shape of the catalogue. The keys of the dataset are classes; so is one key of each
group of symbols that are drawn alike of which the dataset has none. Symbols with real drawings get starter drawings,
too, so that how a drawing is made doesn't tell whether people drew the symbol.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from extexify.catalog.lookalikes import drawn_alike
from extexify.catalog.symbols import symbols_by_rank
from extexify.core.progress import Reporter, Stage, quiet
from extexify.dataset.dataset import Dataset
from extexify.drawing.strokes import Drawing, Drawings
from extexify.sources.starter import starter_drawings, symbols_with_skeletons
from extexify.training.image_tree import ImageTree
from extexify.training.recipes import Recipe

POOL = 16
"""Starter drawings of a class that are made for a training, at most. Each epoch takes the next ones of them."""


@lru_cache(maxsize=4)
def undrawn_shapes(classes: tuple[str, ...]) -> list[str]:
    """The symbols of the catalogue to learn besides some classes, sorted: of every group that is drawn alike and has no
    member among the classes, the one that most documents can print; none without starter drawings."""
    covered = {*classes, *(other for key in classes for other in drawn_alike(key))}
    drawable = symbols_with_skeletons()
    found = []
    for symbol in symbols_by_rank():
        if symbol.key in drawable and symbol.key not in covered:
            found.append(symbol.key)
            covered.update(drawn_alike(symbol.key))
    return sorted(found)


@dataclass(frozen=True)
class Learnt:
    """The sorted classes that a training learns, and the hash of its dataset."""

    classes: tuple[str, ...]
    content_hash: str


def learnt(recipe: Recipe, dataset: Dataset | ImageTree) -> Learnt:
    """The classes that a recipe learns from a dataset: its own, and with starters every other shape."""
    classes = dataset.classes
    if isinstance(dataset, Dataset) and has_starters(recipe, dataset):
        classes = tuple(sorted({*classes, *undrawn_shapes(classes)}))
    return Learnt(classes, dataset.content_hash)


def has_starters(recipe: Recipe, dataset: Dataset) -> bool:
    """Whether a training by the recipe adds starter drawings to the dataset."""
    return bool(recipe.starters) and int((dataset.people_counts > 0).sum()) >= recipe.least_symbols


def starter_counts(recipe: Recipe, dataset: Dataset, split: str, classes: Sequence[str]) -> NDArray[np.int64]:
    """How many starter drawings of each class (classes,) a training adds in an epoch to the dataset's of a split.

    As many as make up `recipe.starters` drawings of a class with the dataset's own, and `recipe.drawn_starters` at
    least.
    """
    if not has_starters(recipe, dataset):
        return np.zeros(len(classes), np.int64)
    real = np.zeros(len(classes), np.int64)
    own, counts = np.unique(dataset.labels[dataset.indices(split)], return_counts=True)
    real[numbers_in(dataset.classes, classes)[own]] = counts
    drawable = symbols_with_skeletons()
    added = np.maximum(recipe.starters - real, np.minimum(recipe.drawn_starters, recipe.starters))
    return added * np.array([key in drawable for key in classes])


def numbers_in(keys: Sequence[str], classes: Sequence[str]) -> NDArray[np.int64]:
    """The class number of each key (n,). Raises KeyError for a key that is no class."""
    numbers = {key: number for number, key in enumerate(classes)}
    return np.array([numbers[key] for key in keys], np.int64)


class StarterDrawings:
    """Starter drawings of classes, a number of each an epoch: those of an epoch are its M rows.

    labels: int64 (M,), the class of each row, the same in every epoch.
    """

    def __init__(
        self, classes: Sequence[str], counts: NDArray[np.int64], *, seed: int = 0, report: Reporter = quiet
    ) -> None:
        """`counts` (classes,) is the number of drawings of each class an epoch; 0 for classes without a skeleton."""
        self.labels = np.repeat(np.arange(len(classes)), counts)
        pools = np.minimum(POOL, counts * POOL)
        self._first = (np.cumsum(pools) - pools)[self.labels]
        self._pool = pools[self.labels]
        self._per_epoch = counts[self.labels]
        self._number = np.arange(len(self.labels)) - (np.cumsum(counts) - counts)[self.labels]
        made: list[Drawings] = []
        stage = Stage(report, "starter drawings", total=int(pools.sum()), unit="drawings")
        for number in np.flatnonzero(counts).tolist():
            drawings: list[Drawing] = starter_drawings(classes[number], int(pools[number]), seed)
            made.append(Drawings.pack(drawings))
            stage.advance(len(drawings))
        stage.finish()
        self._drawings = Drawings.join(made)
        self._strokes = np.diff(self._drawings.sample_ends, prepend=0)

    def take(self, rows: NDArray[np.int64], epoch: int) -> Drawings:
        """The drawings of rows (n,) of an epoch, from 1."""
        return self._drawings.take(self._places(epoch)[rows])

    def strokes(self, epoch: int) -> NDArray[np.int64]:
        """The number of strokes of each drawing of an epoch (M,)."""
        return self._strokes[self._places(epoch)]

    def _places(self, epoch: int) -> NDArray[np.int64]:
        """Where the drawings of an epoch are (M,)."""
        places: NDArray[np.int64] = self._first + (self._number + (epoch - 1) * self._per_epoch) % self._pool
        return places
