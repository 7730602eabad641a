"""Requests for drawings: which symbol a person is asked to draw next.

Symbols that print alike are one shape: they look the same to whoever draws them, so that they have their drawings in
common, and are asked for once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from zlib import crc32

from extexify.catalog.lookalikes import prints_alike


def next_request(
    keys: Sequence[str],
    drawings: Mapping[str, int],
    asked: Sequence[str] = (),
    *,
    errors: Mapping[str, float] | None = None,
    seed: int = 0,
) -> str | None:
    """The key of the symbol to ask for; None without keys.

    keys: the symbols to choose from; of those that print alike the first one is asked for. drawings: the number that
    people made, by key, also of symbols outside `keys`; a missing key has none. asked: the keys that were asked for
    since the visit began, in order, whether they were drawn or not. errors: fractions of wrong answers by key (see
    `extexify.evaluation.error_analysis.error_rates`).

    A shape is asked for again only after all others of `keys`, and never twice in a row unless there is no other.
    Otherwise the shape with the highest error is first, then the one with the fewest drawings. Among equals the seed
    decides, so that visitors at the same time get different ones; the same arguments give the same key.
    """
    shapes: dict[str, str] = {}
    for key in keys:
        shapes.setdefault(_shape_of(key), key)
    counts: dict[str, int] = {}
    for key, count in drawings.items():
        shape = _shape_of(key)
        counts[shape] = counts.get(shape, 0) + count
    worst: dict[str, float] = {}
    for key, error in (errors or {}).items():
        shape = _shape_of(key)
        worst[shape] = max(worst.get(shape, 0.0), error)
    turns = Counter(map(_shape_of, asked))
    last = _shape_of(asked[-1]) if asked else None

    def rank(shape: str) -> tuple[bool, int, float, int, int]:
        tie = crc32(shape.encode("utf-8", "replace"), seed)
        return shape == last, turns.get(shape, 0), -worst.get(shape, 0.0), counts.get(shape, 0), tie

    return shapes[min(shapes, key=rank)] if shapes else None


def drawings_of_shape(key: str, drawings: Mapping[str, int]) -> int:
    """The number of drawings of a symbol and of those that print alike."""
    return sum(drawings.get(one, 0) for one in (key, *prints_alike(key)))


@lru_cache(maxsize=1 << 16)
def _shape_of(key: str) -> str:
    """The key that stands for all that print like this one."""
    return min((key, *prints_alike(key)))
