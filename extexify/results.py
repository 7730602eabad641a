"""Predictions → results: symbols that people draw alike are one result, since no drawing can tell them apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from extexify.catalog import drawn_alike

if TYPE_CHECKING:
    from extexify.classifier import Prediction


@dataclass(frozen=True, slots=True)
class Result:
    """One answer: symbols that are drawn alike, most probable first; mostly a single one."""

    members: tuple[Prediction, ...]

    @property
    def head(self) -> Prediction:
        """The most probable of them."""
        return self.members[0]

    @property
    def probability(self) -> float:
        """How probable it is that one of them is meant."""
        return sum(member.probability for member in self.members)


def fold_look_alikes(predictions: Iterable[Prediction]) -> list[Result]:
    """Predictions of different symbols as results, most probable first; every prediction is in exactly one.

    To sum what a group really has, give it the predictions of all symbols.
    """
    ranked = sorted(predictions, key=lambda prediction: -prediction.probability)
    groups: dict[str, list[Prediction]] = {}
    for prediction in ranked:
        # A group goes by the first of its keys, whichever of them are there.
        name = min((prediction.key, *drawn_alike(prediction.key)))
        groups.setdefault(name, []).append(prediction)
    results = [Result(tuple(members)) for members in groups.values()]
    return sorted(results, key=lambda result: -result.probability)
