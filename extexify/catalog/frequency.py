"""How often people ask for a symbol: how many drawings of it Detexify's users have made.

The counts, in ``extexify/catalog/data/frequency.json``, were counted from Detexify's published training data (Daniel
Kirsch, Open Database License 1.0) by way of the metadata of Hand-TeX's first version. A symbol that isn't counted there
is missing: unknown, not never.
"""

from __future__ import annotations

import math
from collections import defaultdict
from functools import cache

from extexify.catalog.keys import OWN
from extexify.catalog.symbols import read_data, symbol_for

_PRIOR_COUNT, _PRIOR_WEIGHT = 10.0, 20
"""What is assumed of a symbol of which nothing is known, and how many counts that weighs as much as. A tenth of the
symbols that are counted have less; Detexify's list has what its author thought of first."""

_OWN_COUNT = 300.0
"""What is assumed of a user's own symbol: whoever adds one wants it. Plain LaTeX's math symbols have 289 on average."""


@cache
def _counts() -> dict[str, int]:
    counts: dict[str, int] = read_data("frequency.json")
    return counts


def count_of(key: str) -> int | None:
    """The number of drawings of a symbol in Detexify's full data; None where it is unknown."""
    return _counts().get(key)


def estimated_count(key: str) -> float:
    """`count_of`, or where it is unknown what the symbol's package and mode suggest.

    That is the geometric mean of the counts of their symbols and of `_PRIOR_WEIGHT` times `_PRIOR_COUNT`; `_OWN_COUNT`
    for a user's own symbol.
    """
    known = count_of(key)
    if known is not None:
        return float(known)
    if key.startswith(f"{OWN}-"):
        return _OWN_COUNT
    symbol = symbol_for(key)
    return _typical_counts().get((symbol.package, symbol.mode), _PRIOR_COUNT)


@cache
def _typical_counts() -> dict[tuple[str, str], float]:
    """The estimated count of a symbol, by package and mode."""
    logarithms: dict[tuple[str, str], list[float]] = defaultdict(list)
    for key, count in _counts().items():
        symbol = symbol_for(key)
        logarithms[symbol.package, symbol.mode].append(math.log(count))
    prior = _PRIOR_WEIGHT * math.log(_PRIOR_COUNT)
    return {kind: math.exp((sum(found) + prior) / (len(found) + _PRIOR_WEIGHT)) for kind, found in logarithms.items()}
