"""What a list shows of a symbol: a few words and its glyph, as the browser gets them."""

from __future__ import annotations

from typing import Any

from extexify.catalog.symbols import Symbol, glyph_svg, symbol_for

_MODES = {"math": "math mode", "text": "text mode", "both": "math and text"}


def summary(key: str) -> dict[str, Any]:
    """A symbol in short; of a key that the catalogue does not know, what the key itself says."""
    symbol = symbol_for(key)
    return {
        "key": key,
        "command": symbol.command,
        "svg": glyph_svg(key),
        "character": symbol.unicode,
        "name": symbol.unicode_name,
        "about": f"{_origin(symbol)} · {_MODES[symbol.mode]}",
        "preamble": symbol.usepackage,
    }


def _origin(symbol: Symbol) -> str:
    """What a document needs for the symbol, in a word or two; the preamble has it exactly."""
    if not symbol.usepackage:
        return "LaTeX"
    return symbol.package if symbol.package != "latex2e" else f"{symbol.fontenc} fonts"
