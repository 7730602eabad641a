"""Typst's names for characters, asked of the Typst compiler itself (the pip package ``typst``)."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import typst

# Every symbol of the module `sym`, written out with all its variants.
_ASK_NAMES = "#metadata(dictionary(sym).pairs().map(pair => (pair.at(0), repr(pair.at(1))))) <names>"

# What each alphabet's command is called in a Typst formula.
_ALPHABETS = {"mathcal": "cal", "mathscr": "scr", "mathfrak": "frak", "mathds": "bb", "mathbb": "bb"}

_VARIATION_SELECTORS = re.compile("[\ufe00-\ufe0f]")


@dataclass(frozen=True)
class TypstExpressions:
    names: dict[str, str]

    def for_character(self, character: str) -> str | None:
        """What to type in a formula for this character: the name without its ``sym.``."""
        return self.names.get(_VARIATION_SELECTORS.sub("", character))

    def for_alphabet(self, command: str) -> str | None:
        r"""``cal(A)`` for ``\\mathcal{A}``, None for a command that is no letter of an alphabet."""
        found = re.fullmatch(r"\\(math\w+)\{(\w)\}", command)
        return f"{_ALPHABETS[found[1]]}({found[2]})" if found else None


@cache
def typst_expressions() -> TypstExpressions:
    answer = dict(json.loads(_query(_ASK_NAMES, "<names>")))
    candidates: dict[str, list[str]] = {}
    for name, written in answer.items():
        for variant, character in _variants(written):
            full = f"{name}.{variant}" if variant else name
            candidates.setdefault(_VARIATION_SELECTORS.sub("", character), []).append(full)
    # Several names may give one character: the one with the fewest parts, then the shortest.
    names = {
        character: min(names, key=lambda name: (name.count("."), len(name), name))
        for character, names in candidates.items()
    }
    return TypstExpressions(names)


def _variants(written: str) -> list[tuple[str, str]]:
    """``symbol("<", ("eq", "≤"))`` → [("", "<"), ("eq", "≤")]."""
    found = re.findall(r'\(\s*"([^"]*)",\s*"((?:[^"\\]|\\.)*)"\s*\)', written)
    bare = re.match(r'symbol\(\s*"((?:[^"\\]|\\.)*)"', written)
    pairs = ([("", bare[1])] if bare else []) + found
    return [(variant, re.sub(r"\\u\{(\w+)\}", lambda code: chr(int(code[1], 16)), text)) for variant, text in pairs]


def _query(source: str, selector: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "names.typ"
        path.write_text(source, encoding="utf-8")
        return str(typst.query(path, selector, field="value", one=True))
