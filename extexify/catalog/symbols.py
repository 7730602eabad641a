r"""The symbols: what to type, which package, how it prints, what looks like it.

    >>> from extexify.catalog.symbols import search, symbol_for
    >>> symbol_for("amssymb-OT1-_mathfrak{C}").command
    '\\mathfrak{C}'

The data lies beside the code, in ``extexify/catalog/data``, and is made by ``tools/catalog``; each file is read when
first asked for. No function here raises for a key that the catalogue does not know: it answers with what the key says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any

from extexify.catalog.keys import Mode, Symbol, derive_symbol
from extexify.catalog.search import SearchIndex

__all__ = [
    "Mode",
    "Symbol",
    "glyph_svg",
    "load_catalog",
    "search",
    "symbol_for",
]

# Thousandths of an em, the unit of the glyphs: how far above and below its baseline every picture reaches, so that
# pictures in a row share a baseline and a scale, and the margin around ink that reaches further.
_ABOVE, _BELOW, _MARGIN = 780, 260, 50
# Narrow ink is centred in a picture at least this wide.
_MIN_WIDTH = 500


_DATA = Path(__file__).with_name("data")


def read_data(name: str) -> Any:
    """The content of a JSON file of `catalog/data`."""
    return json.loads((_DATA / name).read_text(encoding="utf-8"))


@cache
def load_catalog() -> Mapping[str, Symbol]:
    """Every symbol by its key, in the order of the keys. Read-only, loaded once."""
    return MappingProxyType({entry["key"]: Symbol(**entry) for entry in read_data("symbols.json")})


def symbol_for(key: str) -> Symbol:
    """The symbol of a key; for a key that the catalogue does not know, what the key itself says. Never raises."""
    return load_catalog().get(key) or derive_symbol(key)


@cache
def _index() -> SearchIndex:
    return SearchIndex(load_catalog().values())


def search(query: str, limit: int = 50) -> list[Symbol]:
    """Symbols matching a command, package, Unicode character or name, or Typst name; best first.

    Forgiving: with or without the backslash, in any case, the start or the middle of a word, a small typo. Of several
    words, all must match. An empty query gives an empty list.
    """
    return _index().search(query, limit)


@cache
def _glyphs() -> dict[str, dict[str, Any]]:
    glyphs: dict[str, dict[str, Any]] = read_data("glyphs.json")
    return glyphs


def glyph_svg(key: str, *, title: str | None = None) -> str | None:
    """The symbol as LaTeX prints it: an SVG in the text's colour and size; None for a key without a glyph.

    All glyphs have one scale: the picture measures itself in em, and its baseline is the text's. To fit a box
    instead, override ``width`` and ``height`` by CSS. ``title`` becomes the picture's accessible name; without one
    it is hidden from screen readers, as fits a picture beside its own command.
    """
    glyph = _glyphs().get(key)
    if glyph is None:
        return None
    left, top, right, bottom = glyph["box"]
    width = max(right - left + 2 * _MARGIN, _MIN_WIDTH)
    x = (left + right - width) / 2
    y = min(-_ABOVE, top - _MARGIN)
    height = max(_BELOW, bottom + _MARGIN) - y
    paths = [f'<path d="{d}"/>' for d in glyph["ink"]]
    paths += [f'<path opacity=".35" d="{d}"/>' for d in glyph.get("placeholder", ())]
    label = f'role="img" aria-label="{escape(title)}"' if title else 'aria-hidden="true"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {label} fill="currentColor" viewBox="{x:g} {y} {width} {height}" '
        f'width="{width / 1000:g}em" height="{height / 1000:g}em" '
        f'style="vertical-align:{-(height + y) / 1000:g}em">{"".join(paths)}</svg>'
    )
