"""Look-alikes: symbols that print alike, or that people draw alike."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from extexify.catalog.symbols import read_data

Relation = Literal["prints", "drawn"]

Match = Literal["exact", "prints", "drawn"]
"""How an answer is compared with the label: the same symbol, one that prints alike, or one that is drawn alike."""

MATCHES: tuple[Match, ...] = ("exact", "prints", "drawn")
"""All matches, from the strictest to the loosest. Arrays with an axis of length 3 use this order."""


@cache
def look_alike_groups(relation: Relation) -> tuple[tuple[str, ...], ...]:
    """The groups of keys that look alike, each of two keys or more.

    A key is in at most one group of a relation. Symbols that print alike are drawn alike too: every group of
    "prints" is a subset of a group of "drawn". Raises ValueError for another relation.
    """
    if relation not in ("prints", "drawn"):
        raise ValueError(f"The look-alike relation is 'prints' or 'drawn', not {relation!r}.")
    # Groups of "drawn", each of its groups of "prints".
    drawn: list[list[list[str]]] = read_data("lookalikes.json")
    if relation == "drawn":
        return tuple(tuple(sorted(chain(*group))) for group in drawn)
    return tuple(sorted(tuple(part) for group in drawn for part in group if len(part) > 1))


@cache
def _groups_by_key(relation: Relation) -> dict[str, tuple[str, ...]]:
    return {key: group for group in look_alike_groups(relation) for key in group}


def prints_alike(key: str) -> tuple[str, ...]:
    """The other keys whose symbols print the same or nearly the same."""
    return tuple(other for other in _groups_by_key("prints").get(key, ()) if other != key)


def drawn_alike(key: str) -> tuple[str, ...]:
    """The other keys that people draw the same way; includes those of ``prints_alike``."""
    return tuple(other for other in _groups_by_key("drawn").get(key, ()) if other != key)


def groups_of(classes: Sequence[str], match: Match) -> NDArray[np.int64]:
    """The group number of each class, int64 (classes,): the lowest class number of its look-alike group.

    For "exact", and for a class without look-alikes among `classes`, that is the class's own number.
    """
    groups = np.arange(len(classes))
    if match == "exact":
        return groups
    numbers = {key: number for number, key in enumerate(classes)}
    for group in look_alike_groups(match):
        members = [numbers[key] for key in group if key in numbers]
        groups[members] = min(members, default=0)
    return groups
