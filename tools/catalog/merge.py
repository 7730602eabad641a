r"""The whole catalogue: the symbols of Detexify's keys, then those that each package adds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from extexify.catalog.keys import Symbol
from tools.catalog.found import Found
from tools.catalog.outlines import Outline
from tools.catalog.packages import Package


@dataclass
class Merged:
    """The symbols and their outlines by key; other names of them, as (alias, key, package).

    coverage: for each package, its name, how many commands it defines, how many symbols it adds, how many of its
    commands are catalogued under another name or package, and how many are left out, by reason.
    """

    symbols: dict[str, Symbol] = field(default_factory=dict)
    outlines: dict[str, Outline] = field(default_factory=dict)
    aliases: list[tuple[str, str, str]] = field(default_factory=list)
    coverage: list[tuple[str, int, int, int, Mapping[str, int]]] = field(default_factory=list)


def merge(
    symbols: Mapping[str, Symbol],
    outlines: Mapping[str, Outline],
    found: Iterable[tuple[Package, Found]],
    aliases: Collection[tuple[str, str, str]],
) -> Merged:
    """Add what packages print to the symbols of Detexify's keys.

    A command that an earlier package prints the same way is not added, nor one that is listed among `aliases` (alias,
    command, package) and prints like the command that it is another name of.
    """
    merged = Merged(dict(symbols), dict(outlines))
    by_command: dict[str, list[str]] = defaultdict(list)
    for key, symbol in symbols.items():
        by_command[symbol.command].append(key)
    meant = {alias: command for alias, command, _ in aliases}
    listed = {(alias, package) for alias, _, package in aliases}
    for package, one in found:
        added, known = 0, len(one.aliases)
        key_of: dict[str, str] = {}
        for symbol in one.symbols:
            outline = one.outlines[symbol.key]
            names = (symbol.command, meant.get(symbol.command, symbol.command))
            known_keys = [key for name in dict.fromkeys(names) for key in by_command[name]]
            same = [key for key in known_keys if merged.outlines[key].nearly_equals(outline)]
            # The command itself may come later in this package.
            itself = one.outlines.get(package.key(names[1])) if names[1] != names[0] else None
            if symbol.key in merged.symbols or same:
                key_of[symbol.command] = symbol.key if symbol.key in merged.symbols else same[0]
                known += 1
            elif (symbol.command, package.name) in listed or (itself and itself.nearly_equals(outline)):
                known += 1
            else:
                merged.symbols[symbol.key], merged.outlines[symbol.key] = symbol, outline
                by_command[symbol.command].append(symbol.key)
                key_of[symbol.command] = symbol.key
                added += 1
        merged.aliases += [
            (alias, key_of[command], package.name) for alias, command in one.aliases.items() if command in key_of
        ]
        counts = {reason: len(commands) for reason, commands in sorted(one.left_out.items())}
        merged.coverage.append((package.name, one.defined, added, known, counts))
    return merged
