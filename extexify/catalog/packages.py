"""The packages of LaTeX as the catalogue knows them: which load which, and which print a symbol by which command.

Which load others, and which print another package's symbol by the same command, is in ``data/packages.json``, which
``tools/catalog/loads.py`` writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import combinations
from typing import Any

from extexify.catalog.keys import Symbol
from extexify.catalog.lookalikes import drawn_alike, prints_alike
from extexify.catalog.symbols import aliases_of, load_catalog, read_data, symbols_by_rank

UNICODE_MATH = "unicode-math"

LOADING_OPTIONS = dict.fromkeys(("revtex4-1", "revtex4-2"), ("amsfonts", "amsmath", "amssymb"))
"""Options of classes that load the package of that name, as each class declares them by ``\\DeclareOption``."""

SHOWN_CLASHES = 3
"""Commands that the sentence about a clash names."""


def loads_by_file() -> Mapping[str, Sequence[str]]:
    """By the file of a package or class: the packages of the catalogue that it loads, also by way of others."""
    loads: Mapping[str, Sequence[str]] = _package_data()["loads"]
    return loads


@cache
def provided_commands() -> Mapping[str, frozenset[str]]:
    """By package: the commands by which it prints a symbol that the catalogue has under another package."""
    return {package: frozenset(commands) for package, commands in _package_data()["provides"].items()}


@cache
def _package_data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = read_data("packages.json")
    return data


@cache
def command_versions() -> Mapping[str, Mapping[str, str]]:
    """By command, and by the package that defines it: the key of the symbol that it prints there."""
    versions: dict[str, dict[str, str]] = defaultdict(dict)
    for symbol in load_catalog().values():
        if symbol.usepackage:
            versions[symbol.command][symbol.package] = symbol.key
    return versions


@lru_cache(maxsize=1 << 15)
def printed_by(symbol: Symbol) -> frozenset[str]:
    """The packages with which the symbol's command prints it, or a symbol that people draw alike, besides what it needs
    itself."""
    versions, alike = command_versions().get(symbol.command, {}), drawn_alike(symbol.key)
    drawn = {package for package, version in versions.items() if version in alike}
    return frozenset(drawn.union(_providers().get(symbol.command, frozenset()) - versions.keys()))


@cache
def _providers() -> Mapping[str, set[str]]:
    """`provided_commands` the other way round: by command, the packages."""
    providers: dict[str, set[str]] = defaultdict(set)
    for package, commands in provided_commands().items():
        for command in commands:
            providers[command].add(package)
    return providers


@cache
def keys_by_command() -> Mapping[str, Sequence[str]]:
    """By command: the keys of the symbols that it prints with one package or another, those that need least first."""
    keys: dict[str, list[str]] = defaultdict(list)
    ranked = symbols_by_rank()
    for symbol in ranked:
        keys[symbol.command].append(symbol.key)
    for symbol in ranked:
        for alias in aliases_of(symbol.key):
            if alias.package:
                keys[alias.alias].append(symbol.key)
    return keys


@cache
def _unicode_math() -> Mapping[str, Symbol]:
    symbols = [symbol for symbol in load_catalog().values() if symbol.package == UNICODE_MATH]
    return {symbol.unicode: symbol for symbol in symbols if symbol.unicode}


def same_character(symbol: Symbol) -> Symbol | None:
    """The symbol of unicode-math for a symbol's character; None without one."""
    return _unicode_math().get(symbol.unicode or "")


@cache
def clashes() -> Mapping[tuple[str, str], str]:
    """By two packages, sorted, that print different symbols by the same commands: a sentence about that.

    Nothing is said of packages of which one loads the other: that is how they are meant to be.
    """
    commands: dict[tuple[str, str], list[str]] = defaultdict(list)
    for command, versions in command_versions().items():
        for one, other in combinations(sorted(versions), 2):
            if versions[other] not in prints_alike(versions[one]):
                commands[one, other].append(command)
    loads = loads_by_file()
    return {
        (one, other): _clash(one, other, sorted(found))
        for (one, other), found in sorted(commands.items())
        if one not in loads.get(f"{other}.sty", ()) and other not in loads.get(f"{one}.sty", ())
    }


def _clash(one: str, other: str, commands: Sequence[str]) -> str:
    shown = ", ".join(commands[:SHOWN_CLASHES])
    more = f" and {len(commands) - SHOWN_CLASHES:,} more" if len(commands) > SHOWN_CLASHES else ""
    return f"{one} and {other} define {shown}{more} differently: the package that is loaded later usually decides."
