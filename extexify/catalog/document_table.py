"""The table with which ``web/document.js`` reads documents: what `extexify.catalog.document` asks of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from extexify.catalog.document import FULL_FONTS, OTHER_VERSION, UNLOADED
from extexify.catalog.keys import Symbol
from extexify.catalog.packages import (
    LOADING_OPTIONS,
    clashes,
    loads_by_file,
    printed_by,
    provided_commands,
    same_character,
)
from extexify.catalog.search import package_rank
from extexify.catalog.symbols import aliases_of, load_catalog, symbol_for, symbols_by_rank


def document_table(keys: Iterable[str] = ()) -> dict[str, Any]:
    """The table as a JSON object, with the catalogue's symbols and those of further keys.

    packages: those of the catalogue. loads: by the file of a package or class, those that it loads. loading_options:
    by class, options that load the package of that name. full_fonts, weights: constants. clashes: two packages, sorted,
    and the sentence about them. printed_by: sets of packages, which symbols name by their numbers. catalogue, others:
    symbols (see `_group`), numbered in this order; of those with one command, the one that needs least comes first.
    aliases: each with its symbol's number and the package that defines it, those of symbols that need least first.
    """
    others = [symbol_for(key) for key in dict.fromkeys(keys) if key not in load_catalog()]
    groups, other_groups = _grouped(load_catalog().values()), _grouped(others)
    numbers = {symbol.key: number for number, symbol in enumerate(symbol for group in groups for symbol in group)}
    sets: dict[frozenset[str], int] = {}
    return {
        "packages": sorted(provided_commands()),
        "loads": loads_by_file(),
        "loading_options": LOADING_OPTIONS,
        "full_fonts": FULL_FONTS,
        "weights": {"unloaded": UNLOADED, "other_version": OTHER_VERSION},
        "clashes": [[*pair, sentence] for pair, sentence in clashes().items()],
        "catalogue": [_group(group, numbers, sets) for group in groups],
        "others": [_group(group, numbers, sets) for group in other_groups],
        "printed_by": [sorted(found) for found in sets],
        "aliases": [
            [alias.alias, numbers[symbol.key], alias.package]
            for symbol in symbols_by_rank()
            for alias in aliases_of(symbol.key)
            if alias.package
        ],
    }


def _grouped(symbols: Iterable[Symbol]) -> list[list[Symbol]]:
    """Symbols by the beginning of their keys, preamble lines, and whether their command says the rest of their key; in
    the order of `symbols_by_rank` as far as symbols with one command are concerned."""
    groups: dict[tuple[int, str, str, bool], list[Symbol]] = {}
    for symbol in symbols:
        name = package_rank(symbol.package), _prefix(symbol), symbol.usepackage, _is_derived(symbol)
        groups.setdefault(name, []).append(symbol)
    return [groups[name] for name in sorted(groups)]


def _group(symbols: Sequence[Symbol], numbers: Mapping[str, int], sets: dict[frozenset[str], int]) -> dict[str, Any]:
    """A group as JSON.

    Keys are `prefix` and the command with each backslash as ``_``, or else given as `keys`. `printed_by` has for each
    symbol the number of its set in `sets`, to which new ones are added; it is left out if plain LaTeX prints them.
    `same` has the number of the symbol of unicode-math for its character, or null.
    """
    first = symbols[0]
    group: dict[str, Any] = {"package": first.package, "preamble": first.usepackage}
    if _is_derived(first):
        group["prefix"] = _prefix(first)
    else:
        group["keys"] = [symbol.key for symbol in symbols]
    group["commands"] = [symbol.command for symbol in symbols]
    if first.usepackage:
        group["printed_by"] = [sets.setdefault(printed_by(symbol), len(sets)) for symbol in symbols]
    same = [same_character(symbol) for symbol in symbols]
    group["same"] = [numbers[symbol.key] if symbol else None for symbol in same]
    return group


def _prefix(symbol: Symbol) -> str:
    return f"{symbol.package}-{symbol.fontenc}-"


def _is_derived(symbol: Symbol) -> bool:
    """Whether the command says the rest of the key."""
    return symbol.key == _prefix(symbol) + symbol.command.replace("\\", "_")
