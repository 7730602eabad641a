"""Predictions → results: symbols that people draw alike are one result, since no drawing can tell them apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from extexify.catalog.lookalikes import drawn_alike
from extexify.catalog.symbols import symbol_for

RARER = 20.0
"""How many times rarer in documents a command is taken to be with each step away from plain LaTeX's formulas."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A symbol's key, its LaTeX command, and its probability, 0 to 1."""

    key: str
    command: str
    probability: float


@dataclass(frozen=True, slots=True)
class Result:
    """One answer: symbols that are drawn alike, the one that is most likely wanted first; mostly a single one."""

    members: tuple[Prediction, ...]

    @property
    def head(self) -> Prediction:
        """The one that is most likely wanted."""
        return self.members[0]

    @property
    def probability(self) -> float:
        """How probable it is that one of them is meant."""
        return sum(member.probability for member in self.members)


@cache
def commonness(key: str) -> float:
    r"""How common a symbol's command is among those that are drawn alike, as a factor: 1 for a formula's in plain
    LaTeX, 1 / RARER when it needs a package, 1 / RARER² for one of running text, and 1 / RARER³ for both.

    Models learn from data that asks for every symbol about equally often, documents don't: by Bayes' rule, what
    they say is to be multiplied by how often a symbol is used. So × is `\times` even where a model finds
    `\texttimes` a little more probable, and yet a drawing that the model is sure of stays what it is.
    """
    symbol = symbol_for(key)
    return RARER ** -(2 * (symbol.mode == "text") + bool(symbol.usepackage))


def fold_look_alikes(predictions: Iterable[Prediction]) -> list[Result]:
    """Predictions of different symbols as results, most probable first; every prediction is in exactly one.

    The members of a result are in the order of probability × `commonness`; results are by probability alone.
    To sum what a group really has, give it the predictions of all symbols.
    """
    ranked = sorted(predictions, key=lambda one: -one.probability * commonness(one.key))
    groups: dict[str, list[Prediction]] = {}
    for prediction in ranked:
        # A group goes by the first of its keys, whichever of them are there.
        name = min((prediction.key, *drawn_alike(prediction.key)))
        groups.setdefault(name, []).append(prediction)
    results = [Result(tuple(members)) for members in groups.values()]
    return sorted(results, key=lambda result: -result.probability)
