r"""In which modes LaTeX prints a symbol."""

from __future__ import annotations

from extexify.catalog.keys import Mode, Symbol
from tools.catalog.latex import Printed

# Both modes take the command, but only one prints the symbol: a "-" in a formula is a minus, "|" in running text
# (OT1) a dash, and "!`" makes the exclamation mark stand on its head in text only.
_ONLY_MODE: dict[str, Mode] = {"-": "text", "--": "text", "---": "text", "!`": "text", "|": "math"}


def mode_of(symbol: Symbol, math: Printed, text: Printed) -> Mode | None:
    """The mode of a symbol that is printed in both; None if neither is sound."""
    if symbol.command in _ONLY_MODE:
        mode = _ONLY_MODE[symbol.command]
        return mode if (math if mode == "math" else text).sound else None
    if math.sound and text.sound:
        # Packages of text symbols switch fonts in a way that formulas ignore without a warning: the command prints some
        # letter there. Only the same glyph in both modes is the symbol in both.
        same = symbol.mode == "math" or math.outline.nearly_equals(text.outline)
        return "both" if same else "text"
    return "math" if math.sound else "text" if text.sound else None
