"""What tells symbols that look alike apart: mode, package, spacing, meaning, how common they are."""

from __future__ import annotations

from functools import cache
from typing import Any

from extexify.catalog.frequency import count_of
from extexify.catalog.output import forms
from extexify.catalog.symbols import origin, read_data, symbol_for, symbol_summary

_LEVELS = ((1000, "very common"), (200, "common"), (50, "less common"), (1, "rare"))
"""Least number of drawings by Detexify's users, and the word for it: 51, 195, 339 and 512 symbols."""


@cache
def _spacing() -> dict[str, str]:
    classes: dict[str, str] = read_data("spacing.json")
    return classes


@cache
def _meanings() -> dict[str, str]:
    meanings: dict[str, str] = read_data("meanings.json")
    return meanings


@cache
def _meanings_by_command() -> dict[tuple[str, str | None], str]:
    """The meanings of commands with a spacing class, which packages define again."""
    return {(symbol_for(key).command, spacing_class(key)): meaning for key, meaning in _meanings().items()}


def spacing_class(key: str) -> str | None:
    r"""How TeX spaces the symbol in a formula: ordinary, operator, binary, relation, opening, closing, punctuation,
    inner or accent; None for a symbol of text, and where it is unknown.

    It was asked of LuaTeX (``tools/catalog/spacing.py``), with LaTeX's and the packages' own declarations.
    """
    return _spacing().get(key)


def meaning_of(key: str) -> str | None:
    """What the symbol mostly means; None where nobody wrote it down.

    A package's command has the meaning of LaTeX's or amssymb's of the same name if it is spaced alike.
    """
    if meaning := _meanings().get(key):
        return meaning
    spacing = spacing_class(key)
    return _meanings_by_command().get((symbol_for(key).command, spacing)) if spacing else None


def commonness_word(key: str) -> str | None:
    """How often people ask for the symbol, in a word; None where it is unknown."""
    count = count_of(key)
    return None if count is None else next(word for least, word in _LEVELS if count >= least)


def detailed_summary(key: str, *, glyph: bool = True) -> dict[str, Any]:
    """`symbol_summary` with the symbol's forms in other formats, and what tells it from those that look alike.

    "facts" has spacing, meaning and how common it is, those that are known.
    """
    symbol = symbol_for(key)
    facts = {"spacing": spacing_class(key), "meaning": meaning_of(key), "common": commonness_word(key)}
    return {
        **symbol_summary(key, glyph=glyph),
        "forms": forms(symbol),
        "mode": symbol.mode,
        "origin": origin(symbol),
        "facts": {name: fact for name, fact in facts.items() if fact},
    }
