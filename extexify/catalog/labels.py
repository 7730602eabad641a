r"""Labels of other collections → keys: LaTeX commands (``\sum``, ``\le``) and characters (``∑``)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from extexify.catalog.own import find_own
from extexify.catalog.search import COMMON
from extexify.catalog.symbols import aliases_of, load_catalog, symbols_by_rank


def key_of_label(label: str) -> str | None:
    r"""The key that a label stands for, None for a label that the catalogue doesn't know.

    A label is a key, a command with its backslash, an alias that is such a command, or a character beyond ASCII; it may
    stand between dollar signs. ASCII characters are no labels of symbols: most collections have the letter by ``A``.
    """
    if label in load_catalog():
        return label
    return _keys().get(label.strip("$ "))


def unknown_labels(keys: Iterable[str]) -> list[str]:
    """Those of the keys that neither the catalogue nor the user's own symbols have."""
    return [key for key in keys if key not in load_catalog() and find_own(key) is None]


@cache
def _keys() -> dict[str, str]:
    keys: dict[str, str] = {}
    symbols = symbols_by_rank()
    # What common packages mean by a command comes before another package's symbol, and characters come last; among
    # equals, the symbol that needs no package.
    commands = [(symbol.command, symbol.package, symbol.key) for symbol in symbols if symbol.command.startswith("\\")]
    aliases = [
        (alias.alias, alias.package, symbol.key)
        for symbol in symbols
        for alias in aliases_of(symbol.key)
        if alias.package
    ]
    for command, _, key in sorted([*commands, *aliases], key=lambda line: line[1] not in COMMON):
        keys.setdefault(command, key)
    for symbol in symbols:
        if symbol.unicode and not symbol.unicode.isascii():
            keys.setdefault(symbol.unicode, symbol.key)
    return keys
