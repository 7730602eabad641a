"""How often people ask for a symbol: how many drawings of it Detexify's users have made.

The counts, in ``extexify/catalog/data/frequency.json``, were counted from Detexify's published training data (Daniel
Kirsch, Open Database License 1.0) by way of the metadata of Hand-TeX's first version. A symbol that isn't counted there
is missing: unknown, not never.
"""

from __future__ import annotations

from functools import cache

from extexify.catalog.symbols import read_data


@cache
def _counts() -> dict[str, int]:
    counts: dict[str, int] = read_data("frequency.json")
    return counts


def count_of(key: str) -> int | None:
    """The number of drawings of a symbol in Detexify's full data; None where it is unknown."""
    return _counts().get(key)
