"""Look-alikes: symbols that print alike, or that people draw alike."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from extexify.catalog.symbols import read_data

EXACT, PRINTS, DRAWN = "exact", "prints", "drawn"
WAYS = (EXACT, PRINTS, DRAWN)
"""Three ways to be right: the very symbol, one that prints alike, one that is drawn alike; the order of axes of 3."""


@cache
def look_alike_groups(relation: str) -> tuple[tuple[str, ...], ...]:
    """The groups of keys that look alike, each of two keys or more; ``relation`` is "prints" or "drawn".

    No key is in two groups of a relation. Symbols that print alike are drawn alike too, so every group of "prints"
    lies within one of "drawn". Raises ValueError for another relation.
    """
    if relation not in ("prints", "drawn"):
        raise ValueError(f"The look-alike relation is 'prints' or 'drawn', not {relation!r}.")
    groups = read_data("lookalikes.json")
    return tuple(tuple(group["keys"]) for group in groups if group["relation"] == relation)


@cache
def _group_of(relation: str) -> dict[str, tuple[str, ...]]:
    return {key: group for group in look_alike_groups(relation) for key in group}


def prints_alike(key: str) -> tuple[str, ...]:
    """The other keys whose symbols print the same, or nearly so; mostly none."""
    return tuple(other for other in _group_of("prints").get(key, ()) if other != key)


def drawn_alike(key: str) -> tuple[str, ...]:
    """The other keys that people draw the same way, those of ``prints_alike`` among them."""
    return tuple(other for other in _group_of("drawn").get(key, ()) if other != key)


def groups_of(classes: Sequence[str], way: str) -> NDArray[np.int64]:
    """The number of each class's look-alike group, (classes,); a class without look-alikes is its own group."""
    groups = np.arange(len(classes))
    if way == EXACT:
        return groups
    number = {key: index for index, key in enumerate(classes)}
    for keys in look_alike_groups(way):
        known = [number[key] for key in keys if key in number]
        groups[known] = min(known, default=0)
    return groups
