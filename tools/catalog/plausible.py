r"""Unicode names of packages' symbols, which only their commands suggest, checked by what they print.

Packages use one command for different symbols: ``\Box`` is a square, ``\Sun`` an astronomical sign or a face. A command
that unicode-math has, too, stands for the same character where it prints alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from extexify.catalog.keys import OPENTYPE, Symbol
from extexify.catalog.symbols import all_glyphs
from tools.catalog.printed_shapes import Shapes

FARTHEST = 4.5
"""Pixels of 48 up to which a glyph may differ from unicode-math's."""


def with_plausible_names(symbols: Mapping[str, Symbol], sure: set[str]) -> dict[str, Symbol]:
    """The symbols, those of keys that aren't `sure` without the Unicode and Typst names of other shapes."""
    # Where unicode-math prints a character as LaTeX does, the catalogue has it as LaTeX's.
    theirs = {symbol.unicode: symbol.key for symbol in symbols.values() if symbol.unicode and symbol.key in sure}
    theirs |= {
        symbol.unicode: symbol.key for symbol in symbols.values() if symbol.unicode and symbol.fontenc == OPENTYPE
    }
    doubtful = [
        symbol
        for symbol in symbols.values()
        if symbol.unicode and symbol.key not in sure and symbol.fontenc != OPENTYPE
    ]
    others = {theirs[symbol.unicode] for symbol in doubtful if symbol.unicode in theirs}
    place = {key: number for number, key in enumerate([*(symbol.key for symbol in doubtful), *sorted(others)])}
    glyphs = all_glyphs()
    shapes = Shapes([glyphs[key] for key in place])
    checked = dict(symbols)
    for symbol in doubtful:
        if other := theirs.get(symbol.unicode or ""):
            alike = bool(shapes.distances(place[symbol.key], np.array([place[other]])).ink[0] <= FARTHEST)
        else:
            # Text symbols, which unicode-math doesn't print, have names of their own.
            alike = symbol.mode != "math"
        if not alike:
            checked[symbol.key] = dataclasses.replace(symbol, unicode=None, unicode_name=None, typst=None)
    return checked
