"""Typst's names for characters, from the Typst compiler (the pip package ``typst``)."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import typst

# Every symbol of the module `sym`, written out with all its variants.
_ASK_NAMES = "#metadata(dictionary(sym).pairs().map(pair => (pair.at(0), repr(pair.at(1))))) <names>"

# What each alphabet's command is called in a Typst formula.
_ALPHABETS = {
    "mathcal": "cal", "mathscr": "scr", "mathfrak": "frak", "mathds": "bb", "mathbb": "bb", "mathbbm": "bb",
    "mathbf": "bold", "mathsf": "sans", "mathtt": "mono", "mathit": "italic",
}  # fmt: skip

_VARIATION_SELECTORS = re.compile("[\ufe00-\ufe0f]")


@dataclass(frozen=True)
class TypstExpressions:
    names: dict[str, str]

    def for_character(self, character: str) -> str | None:
        """What to type in a formula for this character: the name without its ``sym.``."""
        return self.names.get(_VARIATION_SELECTORS.sub("", character))

    def for_alphabet(self, command: str) -> str | None:
        r"""``cal(A)`` for ``\\mathcal{A}``, or None for other commands."""
        found = re.fullmatch(r"\\(math\w+)\{(\w)\}", command)
        return f"{_ALPHABETS[found[1]]}({found[2]})" if found and found[1] in _ALPHABETS else None


@cache
def typst_expressions() -> TypstExpressions:
    answer = dict(json.loads(_query(_ASK_NAMES, "<names>")))
    spelled = [
        (f"{name}.{variant}" if variant else name, character)
        for name, written in answer.items()
        for variant, character in _variants(written)
    ]
    outdated = _outdated([name for name, _ in spelled])
    candidates: dict[str, list[str]] = {}
    for name, character in spelled:
        if not any(f"{name}.".startswith(f"{old}.") for old in outdated):
            candidates.setdefault(_VARIATION_SELECTORS.sub("", character), []).append(name)
    # Several names may give one character: the one with the fewest parts, then the shortest.
    names = {
        character: min(names, key=lambda name: (name.count("."), len(name), name))
        for character, names in candidates.items()
    }
    return TypstExpressions(names)


def _outdated(names: list[str]) -> set[str]:
    """Deprecated names: Typst accepts them with a warning."""
    with _typst_file("\n\n".join(f"#sym.{name}" for name in names)) as path:
        _, warnings = typst.compile_with_warnings(path)
    return {found[1] for warning in warnings if (found := re.match(r"`([\w.]+)` is deprecated", warning.message))}


def refused(expressions: Iterable[str]) -> str | None:
    """Typst's error or warning for these formulas, or None."""
    with _typst_file("\n\n".join(f"$ {expression} $" for expression in expressions)) as path:
        try:
            _, warnings = typst.compile_with_warnings(path)
        except typst.TypstError as error:
            return str(error)
    return warnings[0].message if warnings else None


def _variants(written: str) -> list[tuple[str, str]]:
    """``symbol("<", ("eq", "≤"))`` → [("", "<"), ("eq", "≤")]."""
    found = re.findall(r'\(\s*"([^"]*)",\s*"((?:[^"\\]|\\.)*)"\s*\)', written)
    bare = re.match(r'symbol\(\s*"((?:[^"\\]|\\.)*)"', written)
    pairs = ([("", bare[1])] if bare else []) + found
    return [(variant, _unescaped(text)) for variant, text in pairs]


def _unescaped(text: str) -> str:
    return re.sub(r"\\u\{(\w+)\}|\\(.)", lambda found: found[2] or chr(int(found[1], 16)), text)


def _query(source: str, selector: str) -> str:
    with _typst_file(source) as path:
        return str(typst.query(path, selector, field="value", one=True))


@contextmanager
def _typst_file(source: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalog.typ"
        path.write_text(source, encoding="utf-8")
        yield str(path)
