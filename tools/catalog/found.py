r"""The symbols of packages: every command that one of `packages.PACKAGES` defines and that prints a symbol.

python -m tools.catalog.found [PACKAGE …]
"""

from __future__ import annotations

import argparse
import dataclasses
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from extexify.catalog.keys import Symbol, is_harmless
from tools.catalog.declared import Declared, declared
from tools.catalog.latex import NO_INK, Printed, Request, print_symbols
from tools.catalog.modes import mode_of
from tools.catalog.outlines import Outline
from tools.catalog.packages import ALPHABETS, LEFT_OUT, PACKAGES, Package

WIDEST = 3_000
"""Units (thousandths of the type size) of the widest symbol; what is wider is text or a picture."""

MOST_PATHS = 12
"""Paths of the outline of a symbol; what has more is text."""

_EXTENSIBLE = re.compile(r"\\(?:x|over|under|wide)[a-z]+")

_TEXT = re.compile(
    r"operator@font|qopname|operatorname|@arabic|@Roman|@roman|@alph|@Alph|->[\w .,:;-]*[A-Za-z]{2}[\w .,:;-]*(?: |$)"
)
"""Meanings of commands that print words and numbers."""


@dataclass
class Coverage:
    """How many commands a package defines, and how many of them are no symbols, by reason."""

    package: str
    defined: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def symbols_of(package: Package, coverage: Coverage) -> Iterable[tuple[Symbol, Printed]]:
    """The symbols that a package prints, in the order of their commands."""
    commands = [
        f"\\{alphabet}{{{letter}}}" for alphabet, letters in ALPHABETS.get(package.name, ()) for letter in letters
    ]
    for defined in declared(package):
        coverage.defined += 1
        if source := _source(defined, coverage):
            commands.append(source)
    requests = {
        (command, mode): Request(command, package.lines, mode, package.engine)
        for command in commands
        for mode in ("math", "text")
    }
    printed = print_symbols(requests.values())
    for command in sorted(commands):
        math, text = (printed[requests[command, mode]] for mode in ("math", "text"))
        symbol = Symbol(
            key=f"{package.name}-{package.fontenc}-{command.replace(chr(92), '_')}",
            command=command,
            package=package.name,
            fontenc=package.fontenc,
            usepackage=package.preamble,
            mode="math",
        )
        mode = mode_of(symbol, math, text)
        if mode is None:
            complaints = math.complaints + text.complaints
            coverage.left_out["prints nothing" if NO_INK in complaints else "LaTeX refuses it without an argument"] += 1
            continue
        glyph = text if mode == "text" else math
        if _is_text(glyph.outline):
            coverage.left_out["prints more than a symbol"] += 1
            continue
        yield dataclasses.replace(symbol, mode=mode), glyph


def _source(command: Declared, coverage: Coverage) -> str | None:
    """What to print for a command; None, counted, for one that is no symbol by its definition."""
    name = command.command
    if name in LEFT_OUT or not is_harmless(name):
        coverage.left_out["left out by hand" if name in LEFT_OUT else "loads, defines or writes something"] += 1
    elif re.fullmatch(r"\\sym\w+", name) and command.meaning.startswith("char_given"):
        coverage.left_out["the number of a font"] += 1
    elif _TEXT.search(command.meaning):
        coverage.left_out["prints words"] += 1
    elif command.is_accent or (_EXTENSIBLE.fullmatch(name) and command.takes_argument):
        return f"{name}{{}}"
    elif command.takes_argument:
        coverage.left_out["takes an argument"] += 1
    else:
        return name
    return None


def _is_text(outline: Outline) -> bool:
    left, _, right, _ = outline.box()
    return right - left > WIDEST or len(outline.ink) > MOST_PATHS


def main() -> None:
    """Print the table of what packages define, what of it are symbols, and why the rest isn't."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help="default: all of packages.py")
    parser.add_argument("--commands", action="store_true", help="also print the commands of the symbols")
    options = parser.parse_args()
    known = {package.name: package for package in PACKAGES}
    if unknown := [name for name in options.packages if name not in known]:
        parser.error(f"no package {unknown[0]}: there are {', '.join(known)}")
    print("| package | commands | symbols | left out |\n| --- | ---: | ---: | --- |")
    for name in options.packages or known:
        coverage = Coverage(name)
        symbols = [symbol for symbol, _ in symbols_of(known[name], coverage)]
        reasons = ", ".join(f"{count} {reason}" for reason, count in coverage.left_out.most_common())
        print(f"| {name} | {coverage.defined:,} | {len(symbols):,} | {reasons} |", flush=True)
        if options.commands:
            print(" ".join(symbol.command for symbol in symbols))


if __name__ == "__main__":
    main()
