"""Accuracy as a visitor of the Draw page feels it: with look-alikes folded and in the order of a ranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from extexify.catalog.frequency import estimated_count
from extexify.catalog.lookalikes import groups_of
from extexify.model.ranking import Ranking, weights

FIVE = 5


@dataclass(frozen=True, slots=True)
class PageShares:
    """Fractions of drawings, 0 to 1: whose symbol heads the first result, heads one of the first five, is in the first
    result, and is in one of the first five."""

    first_head: float
    five_heads: float
    in_first: float
    in_five: float


@dataclass(frozen=True, slots=True)
class PageMetrics:
    """uniform: each drawing counts the same. weighted: each symbol counts as often as people ask for it
    (`extexify.catalog.frequency`), its drawings equally."""

    uniform: PageShares
    weighted: PageShares

    def to_json(self) -> dict[str, dict[str, float]]:
        """The JSON object that the command line prints."""
        return {
            name: {share: round(value, 6) for share, value in shares.items()} for name, shares in asdict(self).items()
        }


@dataclass(frozen=True)
class Segments:
    """Classes sorted by group, so that `reduceat` sums over groups: answers (classes,), the number of each class's
    group; order (classes,), the classes, group by group; starts (groups,), where each begins in it."""

    answers: NDArray[np.int64]
    order: NDArray[np.int64]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, groups: NDArray[np.integer]) -> Segments:
        """The segments of groups (classes,) of `groups_of`."""
        _, answers = np.unique(groups, return_inverse=True)
        order = np.argsort(answers, kind="stable")
        return cls(answers, order, np.flatnonzero(np.diff(answers[order], prepend=-1)))

    def reduce(self, function: np.ufunc, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """A function of two, such as `np.add`, over each group's values (n, classes): (n, groups)."""
        reduced: NDArray[np.float32] = function.reduceat(values[:, self.order], self.starts, axis=1)
        return reduced


class PageCounter:
    """Counts where a ranking's results have the right symbols."""

    def __init__(self, classes: Sequence[str], ranking: Ranking) -> None:
        self._weights, self._weights_among_alike = weights(ranking, tuple(classes))
        self._results = Segments.of(groups_of(classes, "drawn"))
        self._asked = np.array([estimated_count(key) for key in classes])
        self._drawings = np.zeros(len(classes), np.int64)
        self._right = np.zeros((len(classes), 4), np.int64)

    def add(self, probabilities: NDArray[np.float32], labels: NDArray[np.integer]) -> None:
        """Count n drawings with the probabilities of all classes (n, classes) and the right classes (n,)."""
        weighted = probabilities * self._weights
        sums = self._results.reduce(np.add, weighted)
        among_alike = weighted * self._weights_among_alike
        heads = self._results.reduce(np.maximum, among_alike)
        rows, result = np.arange(len(labels)), self._results.answers[labels]
        rank = (sums > sums[rows, result][:, None]).sum(1)
        is_head = among_alike[rows, labels] >= heads[rows, result]
        found = [is_head & (rank == 0), is_head & (rank < FIVE), rank == 0, rank < FIVE]
        np.add.at(self._right, labels, np.stack(found, 1))
        np.add.at(self._drawings, labels, 1)

    def metrics(self) -> PageMetrics:
        """The metrics of all drawings so far."""
        has_some = self._drawings > 0
        drawings, right, asked = self._drawings[has_some], self._right[has_some], self._asked[has_some]
        uniform = right.sum(0) / max(drawings.sum(), 1)
        weighted = (right / drawings[:, None] * asked[:, None]).sum(0) / max(asked.sum(), 1)
        return PageMetrics(PageShares(*uniform.tolist()), PageShares(*weighted.tolist()))
