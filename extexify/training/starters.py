"""Classes and drawings of symbols that nobody drew: starter drawings beside a dataset's real ones.

A training that has them knows every shape of the catalogue. The keys of the dataset are classes; so are Detexify's,
which people look for most, and of each group of symbols that are drawn alike and have none among these, one key.
Symbols with real drawings get starter drawings, too, so that how a drawing is made doesn't tell whether people drew the
symbol. Symbols that are another one mirrored or turned get that one's real drawings besides (`borrowed`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from extexify.catalog.lookalikes import drawn_alike
from extexify.catalog.symbols import detexify_keys, load_catalog, symbol_for, symbols_by_rank
from extexify.core.progress import Reporter, Stage, quiet
from extexify.dataset.dataset import Dataset
from extexify.drawing.strokes import Drawing, Drawings
from extexify.sources.starter import starter_drawings, symbols_with_skeletons
from extexify.training.image_tree import ImageTree
from extexify.training.recipes import Recipe

POOL = 16
"""Starter drawings of a class that are made for a training, at most. Each epoch takes the next ones of them."""

LEAST_SHARE = 0.01
"""What `log_drawn_shares` assumes at least of a package."""


@lru_cache(maxsize=4)
def undrawn_shapes(classes: tuple[str, ...]) -> list[str]:
    """The symbols of the catalogue to learn besides some classes, sorted; none without starter drawings.

    Those of Detexify, and of every other group that is drawn alike the one that most documents can print.
    """
    drawable = symbols_with_skeletons()
    found = [key for key in detexify_keys() if key in drawable and key not in classes]
    known = (*classes, *found)
    covered = {*known, *(other for key in known for other in drawn_alike(key))}
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

    `recipe.starters` of a class without drawings in the dataset; of the others `recipe.drawn_starters`, or more where
    they have fewer than `recipe.starters` with these.
    """
    if not has_starters(recipe, dataset):
        return np.zeros(len(classes), np.int64)
    real = np.zeros(len(classes), np.int64)
    own, counts = np.unique(dataset.labels[dataset.indices(split)], return_counts=True)
    real[numbers_in(dataset.classes, classes)[own]] = counts
    drawable = symbols_with_skeletons()
    added = np.where(real > 0, np.maximum(recipe.starters - real, recipe.drawn_starters), recipe.starters)
    return added * np.array([key in drawable for key in classes])


def log_drawn_shares(classes: Sequence[str], drawn: Sequence[int]) -> NDArray[np.float64]:
    """The logarithm of the share of its package's symbols that people drew, for each class (classes,), from the numbers
    of those of them with real drawings.

    Of two symbols without a drawing, the one whose package has many symbols with drawings is the more likely to be
    looked for. At least that of `LEAST_SHARE`.
    """
    packages = Counter(symbol.package for symbol in load_catalog().values())
    found = Counter(symbol_for(classes[number]).package for number in drawn)
    shares = {package: min(found[package] / count, 1) for package, count in packages.items()}
    return np.array([math.log(max(shares.get(symbol_for(key).package, 0), LEAST_SHARE)) for key in classes])


def numbers_in(keys: Sequence[str], classes: Sequence[str]) -> NDArray[np.int64]:
    """The class number of each key (n,). Raises KeyError for a key that is no class."""
    numbers = {key: number for number, key in enumerate(classes)}
    return np.array([numbers[key] for key in keys], np.int64)


class StarterDrawings:
    """Starter drawings of classes, and drawings borrowed for them, a number of each an epoch: those of an epoch are its
    M rows.

    labels: int64 (M,), the class of each row, the same in every epoch.
    """

    def __init__(
        self,
        classes: Sequence[str],
        counts: NDArray[np.int64],
        borrowed: Mapping[int, Sequence[Drawing]] | None = None,
        *,
        borrowed_count: int = 0,
        seed: int = 0,
        report: Reporter = quiet,
    ) -> None:
        """`counts` (classes,) is the number of drawings of each class an epoch; 0 for classes without a skeleton.

        Of the classes numbered in `borrowed` there are `borrowed_count` more, and these drawings among them.
        """
        borrowed = borrowed or {}
        more = np.zeros(len(counts), np.int64)
        more[list(borrowed)] = [len(drawings) for drawings in borrowed.values()]
        counts = counts + borrowed_count * (more > 0)
        self.labels = np.repeat(np.arange(len(classes)), counts)
        pools = np.minimum(POOL, counts * POOL) + more
        self._first = (np.cumsum(pools) - pools)[self.labels]
        self._pool = pools[self.labels]
        self._per_epoch = counts[self.labels]
        self._number = np.arange(len(self.labels)) - (np.cumsum(counts) - counts)[self.labels]
        made: list[Drawings] = []
        stage = Stage(report, "starter drawings", total=int(pools.sum()), unit="drawings")
        for number in np.flatnonzero(counts).tolist():
            drawings = starter_drawings(classes[number], int(pools[number] - more[number]), seed)
            if number in borrowed:
                drawings += borrowed[number]
                order = np.random.default_rng([seed, number]).permutation(len(drawings))
                drawings = [drawings[place] for place in order.tolist()]
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
