r"""The symbols of packages: every command that one of `packages.PACKAGES` defines and that prints a symbol.

python -m tools.catalog.found --found DIR [PACKAGE …]
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from extexify.catalog.keys import Mode, Symbol, command_from_key, derive_symbol, is_harmless
from tools.catalog.declared import Declared, declared
from tools.catalog.files import named_keys
from tools.catalog.latex import NO_INK, Printed, Request, print_symbols
from tools.catalog.modes import mode_of
from tools.catalog.outlines import Outline
from tools.catalog.outlines import Path as OutlinePath
from tools.catalog.packages import ALPHABETS, LATEX, LEFT_OUT, PACKAGES, Package

WIDEST = 3_000
"""Units (thousandths of the type size) of the widest and highest symbol; what is larger is text, a picture or a part of
a delimiter."""

MOST_PATHS = 12
"""Paths of the outline of a symbol; what has more is text."""

_LARGER = re.compile(r"\\(?:Opn|Cls|Bnd|NdBar)\w*[A-T]")
"""Delimiters of logix, which has each in twenty sizes."""

_EXTENSIBLE = re.compile(r"\\(?:x|over|under|wide)[a-z]+")

_TEXT = re.compile(
    r"operator@font|qopname|operatorname|@arabic|@Roman|@roman|@alph|@Alph|->[\w .,:;-]*[A-Za-z]{2}[\w .,:;-]*(?: |$)"
)
"""Meanings of commands that print words and numbers."""


@dataclass
class Found:
    """The symbols that a package prints, and their outlines by key.

    defined: how many commands the package defines. aliases: those that it defines as another one of its commands, by
    which. left_out: those that are no symbols, by reason.
    """

    package: str
    defined: int = 0
    symbols: list[Symbol] = field(default_factory=list)
    outlines: dict[str, Outline] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    left_out: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def read(cls, file: Path) -> Found:
        """What `write` has written."""
        stored = json.loads(file.read_text(encoding="utf-8"))
        outlines = {key: Outline(*map(_paths, outline)) for key, outline in stored["outlines"].items()}
        symbols = [Symbol(**symbol) for symbol in stored["symbols"]]
        left_out = defaultdict(list, stored["left_out"])
        return cls(stored["package"], stored["defined"], symbols, outlines, stored["aliases"], left_out)

    def write(self, file: Path) -> None:
        stored = {
            "package": self.package,
            "defined": self.defined,
            "symbols": [dataclasses.asdict(symbol) for symbol in self.symbols],
            "outlines": {key: (outline.ink, outline.placeholder) for key, outline in self.outlines.items()},
            "aliases": self.aliases,
            "left_out": self.left_out,
        }
        file.write_text(json.dumps(stored), encoding="utf-8")


def find(package: Package) -> Found:
    """The symbols of a package, in the order of their commands."""
    found = Found(package.name)
    commands = [
        f"\\{alphabet}{{{letter}}}" for alphabet, letters in ALPHABETS.get(package.name, ()) for letter in letters
    ]
    first: dict[str, str] = {}
    modes: dict[str, Mode] = {}
    # What a key of Detexify's data names isn't made an alias.
    named = {command_from_key(key) for key in named_keys()}
    everything = declared(package)
    names = {defined.command for defined in everything}
    for defined in sorted(everything, key=lambda each: (each.command not in named, each.command)):
        found.defined += 1
        source = _source(defined, found.left_out)
        if source is None:
            continue
        if _LARGER.fullmatch(source) and source[:-1] in names:
            found.left_out["a size of another command's symbol"].append(source)
            continue
        if (source.startswith("\\end") and f"\\{source[4:]}" in names) or f"\\end{source[1:]}" in names:
            found.left_out["an environment"].append(source)
            continue
        if first.setdefault(defined.meaning, source) != source and defined.command not in named:
            found.aliases[source] = first[defined.meaning]
        else:
            commands.append(source)
            if defined.mode:
                modes[source] = defined.mode
    _print(package, sorted(commands), modes, found)
    symbols = {symbol.command for symbol in found.symbols}
    for alias in [alias for alias, command in found.aliases.items() if command not in symbols]:
        found.left_out["equals a command that is left out"].append(alias)
        del found.aliases[alias]
    return found


def _print(package: Package, commands: list[str], modes: Mapping[str, Mode], found: Found, font: str = "") -> None:
    """Add to `found` the commands that print a symbol, with the package's further line for those that else don't.

    modes: of some commands, in which they print if they do.
    """
    lines = "\n".join(line for line in (package.lines, font) if line)

    def printed(some: Sequence[str], mode: Literal["math", "text"]) -> dict[str, Printed]:
        results = print_symbols(Request(command, lines, mode, package.engine) for command in some)
        return {request.command: result for request, result in results.items()}

    in_math = printed(commands, "math")
    in_text = printed([command for command in commands if command not in modes or not in_math[command].sound], "text")
    without = []
    for command in commands:
        math, text = in_math[command], in_text.get(command, Printed())
        key = package.key(command)
        # Plain LaTeX needs no preamble line.
        symbol = dataclasses.replace(derive_symbol(key), usepackage="" if package.name == LATEX else lines)
        mode = mode_of(symbol, math, text) if command in in_text else modes[command]
        glyph = text if mode == "text" else math
        if mode is None and font == "" != package.font:
            without.append(command)
        elif mode is None:
            nothing = NO_INK in math.complaints + text.complaints
            found.left_out["prints nothing" if nothing else "LaTeX refuses it without an argument"].append(command)
        elif mode == "math" and package.text:
            found.left_out["prints another letter in a formula, and nothing in text"].append(command)
        elif _is_too_large(glyph.outline):
            found.left_out["prints more than a symbol"].append(command)
        else:
            found.symbols.append(dataclasses.replace(symbol, mode=mode))
            found.outlines[key] = glyph.outline
    if without:
        _print(package, without, modes, found, package.font)


def found_in(folder: Path, package: Package) -> Found:
    """The symbols of a package from a folder's file, which is written if it isn't there."""
    file = folder / f"{package.name}.json"
    if not file.exists():
        found = find(package)
        folder.mkdir(parents=True, exist_ok=True)
        found.write(file)
    return Found.read(file)


def _paths(stored: list[list[list[Any]]]) -> list[OutlinePath]:
    return [tuple((kind, tuple(map(tuple, points))) for kind, points in path) for path in stored]


def _source(command: Declared, left_out: defaultdict[str, list[str]]) -> str | None:
    """What to print for a command; None, counted, for one that is no symbol by its definition."""
    name = command.command
    if name in LEFT_OUT or not is_harmless(name):
        reason = "left out by hand" if name in LEFT_OUT else "loads, defines or writes something"
    elif re.fullmatch(r"\\sym\w+", name) and command.meaning.startswith("char_given"):
        reason = "the number of a font"
    elif _TEXT.search(command.meaning):
        reason = "prints words"
    elif command.is_accent or (_EXTENSIBLE.fullmatch(name) and command.takes_argument):
        return f"{name}{{}}"
    elif command.takes_argument:
        reason = "takes an argument"
    else:
        return name
    left_out[reason].append(name)
    return None


def _is_too_large(outline: Outline) -> bool:
    left, top, right, bottom = outline.box()
    return max(right - left, bottom - top) > WIDEST or len(outline.ink) > MOST_PATHS


def main() -> None:
    """Print the table of what packages define, what of it are symbols, and why the rest isn't."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help="default: all of packages.py")
    parser.add_argument("--found", type=Path, required=True, help="folder with what was found before, and for the rest")
    parser.add_argument("--commands", action="store_true", help="also print the commands")
    options = parser.parse_args()
    known = {package.name: package for package in PACKAGES}
    if unknown := [name for name in options.packages if name not in known]:
        parser.error(f"no package {unknown[0]}: there are {', '.join(known)}")
    print("| package | commands | symbols | left out |\n| --- | ---: | ---: | --- |")
    for name in options.packages or known:
        found = found_in(options.found, known[name])
        reasons = ", ".join(f"{len(commands)} {reason}" for reason, commands in sorted(found.left_out.items()))
        print(f"| {name} | {found.defined:,} | {len(found.symbols):,} | {reasons} |", flush=True)
        if options.commands:
            print("symbols:", *(symbol.command for symbol in found.symbols))
            for reason, commands in found.left_out.items():
                print(f"{reason}:", *commands)


if __name__ == "__main__":
    main()
