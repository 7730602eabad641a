"""The order of answers: what a drawing shows, and what people usually mean by it.

A network learns from about as many drawings of every symbol, but people want some symbols hundreds of times as often as
others. By Bayes' rule, the probability that a symbol is wanted is proportional to the network's probability times how
often it is wanted at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from extexify.catalog.frequency import estimated_count
from extexify.catalog.symbols import symbol_for


@dataclass(frozen=True, slots=True)
class Ranking:
    """How much usage counts beside a drawing.

    usage: the power of a symbol's count (`estimated_count`) by which its probability is multiplied. Among look-alikes,
    of which the drawing says little, further the factor `condition` for each of two conditions, that a symbol needs a
    package and that math mode doesn't have it.
    """

    usage: float = 0.0
    condition: float = 1.0

    def weight(self, key: str) -> float:
        """The factor of a symbol's probability among all symbols."""
        return estimated_count(key) ** self.usage

    def apply(self, probabilities: NDArray[np.float32], classes: tuple[str, ...]) -> NDArray[np.float32]:
        """The probabilities (n, classes) that symbols are wanted, from the network's (n, classes)."""
        if not self.usage:
            return probabilities
        weighted = probabilities * weights(self, classes)[0]
        normalized: NDArray[np.float32] = weighted / weighted.sum(1, keepdims=True)
        return normalized

    def weight_among_alike(self, key: str) -> float:
        """The further factor of a symbol among its look-alikes."""
        symbol = symbol_for(key)
        conditions = bool(symbol.usepackage) + (symbol.mode == "text")
        return self.condition**conditions


USAGE = Ranking(usage=0.45, condition=0.95)
"""By usage: fitted on validation drawings (`python -m benchmarks.ranking`, docs/recipe.md)."""

SHAPE = Ranking()
"""By the drawing alone."""

PRIORS = {"usage": USAGE, "none": SHAPE}
"""The rankings that can be chosen, by the name of their prior over symbols."""


@lru_cache(maxsize=64)
def weights(ranking: Ranking, keys: tuple[str, ...]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """`weight` and `weight_among_alike` of keys, float32 (n,) each."""
    among_all = np.array([ranking.weight(key) for key in keys], np.float32)
    return among_all, np.array([ranking.weight_among_alike(key) for key in keys], np.float32)
