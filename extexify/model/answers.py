"""Answers to a drawing: predictions, and results, which join the predictions of symbols that people draw alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from extexify.catalog.lookalikes import drawn_alike
from extexify.catalog.output import forms
from extexify.catalog.symbols import symbol_for, symbols_by_rank
from extexify.model.ranking import USAGE, Ranking

if TYPE_CHECKING:
    from extexify.catalog.document import Document


@dataclass(frozen=True, slots=True)
class Prediction:
    """A symbol's key, its LaTeX command, and its probability, 0 to 1."""

    key: str
    command: str
    probability: float


def symbol_object(key: str) -> dict[str, Any]:
    """A symbol as JSON: key, command, package, mode, Unicode character, Typst name (None without one), other forms."""
    symbol = symbol_for(key)
    fields = {name: getattr(symbol, name) for name in ("key", "command", "package", "mode", "unicode", "typst")}
    return {**fields, "forms": forms(symbol)}


@dataclass(frozen=True, slots=True)
class Result:
    """Predictions of symbols that are drawn alike, usually one; the one that is most likely wanted is first."""

    members: tuple[Prediction, ...]
    order: tuple[str, ...] = ()
    """The keys of all symbols in another order than the usual one."""

    def in_order(self, keys: Sequence[str]) -> Result:
        """The result with its `keys` in another order."""
        return replace(self, order=tuple(keys))

    @property
    def head(self) -> Prediction:
        """The prediction that is most likely wanted; of one of `others` with the probability 0."""
        first = self.keys[0]
        found = next((member for member in self.members if member.key == first), None)
        return found or Prediction(first, symbol_for(first).command, 0.0)

    @property
    def probability(self) -> float:
        """The sum of the members' probabilities."""
        return sum(member.probability for member in self.members)

    @property
    def others(self) -> tuple[str, ...]:
        """Keys of the catalogue's other symbols that are drawn alike: the model has no class of their own for them."""
        members = {member.key for member in self.members}
        return tuple(key for key in drawn_like(self.members[0].key) if key not in members)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the members, then `others`, unless there is another order."""
        return self.order or (*(member.key for member in self.members), *self.others)

    def to_json(self) -> dict[str, Any]:
        """The first symbol, the probability of all, and all of them as `members`, each with its own: 0 for `others`."""
        probabilities = {member.key: member.probability for member in self.members}
        members = [{**symbol_object(key), "probability": probabilities.get(key, 0.0)} for key in self.keys]
        return {**members[0], "probability": self.probability, "members": members}


@dataclass(frozen=True, slots=True)
class Answers:
    """A model's answers to a drawing: results, most probable first, and whether it is sure that one is right."""

    results: tuple[Result, ...]
    is_sure: bool


@cache
def _group_name(key: str) -> str:
    """The smallest key of a symbol's group, which identifies it, also if that key isn't among the predictions."""
    return min((key, *drawn_alike(key)))


@cache
def drawn_like(key: str) -> tuple[str, ...]:
    """The other symbols that are drawn like one, those that are wanted most first."""
    rank = _ranks()

    def order(other: str) -> tuple[float, int]:
        return -USAGE.weight(other) * USAGE.weight_among_alike(other), rank[other]

    return tuple(sorted(drawn_alike(key), key=order))


@cache
def _ranks() -> dict[str, int]:
    return {symbol.key: number for number, symbol in enumerate(symbols_by_rank())}


def in_document(results: Iterable[Result], document: Document | None) -> list[Result]:
    """The results with the look-alikes that a document can print before the others; unchanged without one."""
    if document is None:
        return list(results)
    return [result.in_order(document.ordered(result.keys)) for result in results]


def fold_look_alikes(predictions: Iterable[Prediction], ranking: Ranking = USAGE) -> list[Result]:
    """Group predictions of different symbols into results, most probable first; each prediction is in exactly one.

    Members of a result are sorted by probability × `ranking.weight_among_alike`, results by probability. A result's
    probability is that of the whole group only if the predictions of all its symbols are given.
    """

    def order(prediction: Prediction) -> float:
        return -prediction.probability * ranking.weight_among_alike(prediction.key)

    ranked = sorted(predictions, key=order)
    groups: dict[str, list[Prediction]] = {}
    for prediction in ranked:
        groups.setdefault(_group_name(prediction.key), []).append(prediction)
    results = [Result(tuple(members)) for members in groups.values()]
    return sorted(results, key=lambda result: -result.probability)
