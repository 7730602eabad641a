r"""LaTeX command → Unicode, from the tables of LaTeX and its packages.

- unicode-math's ``unicode-math-table.tex``: mathematical symbols, the alphabets among them; and the commands that the
  package defines as equal to these (``\bigcirc``);
- hyperref's ``puenc.def`` and ``psdextra.def``: what PDF bookmarks show for text and mathematical commands;
- the LaTeX kernel's ``tuenc.def``: text symbols, textcomp's among them;
- tipauni and xunicode: phonetic symbols.
"""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

from extexify.catalog.symbols import Symbol

_ALPHABETS = {
    "mathcal": "mscr", "mathscr": "mscr", "mathfrak": "mfrak", "mathds": "Bbb", "mathbb": "Bbb", "mathbbm": "Bbb",
    "mathbf": "mbf", "mathsf": "msans", "mathtt": "mtt", "mathit": "mit",
    "EuScript": "mscr",
}  # fmt: skip

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@cache
def text_of(name: str) -> str:
    """The content of a file that TeX finds by its name. SystemExit if it finds none."""
    path = subprocess.run(["kpsewhich", name], capture_output=True, text=True, check=False).stdout.strip()
    if not path:
        raise SystemExit(f"TeX does not find {name}: install the Debian packages that tools/catalog/README.md names.")
    return Path(path).read_text(encoding="utf-8", errors="replace")


@cache
def unicode_math() -> dict[str, str]:
    found = re.findall(r'\\UnicodeMathSymbol\{"([0-9A-F]+)\}\{(\\\w+)\s*\}', text_of("unicode-math-table.tex"))
    table = {command: chr(int(code, 16)) for code, command in found}
    for alias, command in re.findall(r"\\protected\\def(\\\w+)\{(\\\w+)\}", text_of("unicode-math-xetex.sty")):
        if command in table:
            table[alias] = table[command]
    return table


def in_unicode_math(symbol: Symbol) -> str | None:
    """The character that unicode-math prints for a symbol; None if it has no such command."""
    name = symbol.command.removeprefix("\\")
    table = unicode_math()
    alphabet = re.fullmatch(r"(math\w+|EuScript)\{(\w)\}", name)
    if alphabet and alphabet[1] in _ALPHABETS:
        letter = _DIGITS[int(alphabet[2])] if alphabet[2].isdigit() else alphabet[2]
        return table.get(f"\\{_ALPHABETS[alphabet[1]]}{letter}")
    if symbol.package == "upgreek":
        name = name[2:].capitalize() if name.startswith("Up") else name[2:]
    return table.get(f"\\mup{name}") or table.get(symbol.command)


@cache
def hyperref() -> dict[str, str]:
    r"""Commands in PDF bookmarks, by their own names (``\alpha``) and hyperref's (``\textalpha``)."""
    table = {}
    for command, body in re.findall(r"\\DeclareTextCommand\{(\\[A-Za-z]+)\}\{PU\}\{([^%\n]*)\}%", text_of("puenc.def")):
        # UTF-16 in bytes: \8H is the high byte 0H, \9OOO one written in octal; the low byte follows in octal.
        units = re.findall(r"\\(?:8([0-7])|9([0-7]{3}))\\([0-7]{3})", body)
        if units and re.fullmatch(r"(?:\\[89]?[0-7]+)+", body):
            table[command] = bytes(
                byte for short, long, low in units for byte in (int(short or long, 8), int(low, 8))
            ).decode("utf-16-be")
    for alias, command in re.findall(r"\\let(\\[A-Za-z]+)(\\[A-Za-z]+)", text_of("psdextra.def")):
        if command in table:
            table[alias] = table[command]
    return table


@cache
def kernel_text() -> dict[str, str]:
    found = re.findall(r'\\DeclareUnicodeSymbol\{(\\\w+)\}\s*\{"([0-9A-Fa-f]+)\}', text_of("tuenc.def"))
    return {command: chr(int(code, 16)) for command, code in found}


@cache
def phonetic() -> dict[str, str]:
    found = re.findall(r"\\DeclareUTFcharacter\[\\UTFencname\]\{x([0-9A-F]+)\}\{(\\\w+)\}", text_of("xunicode.sty"))
    table = {command: chr(int(code, 16)) for code, command in found}
    tipauni = re.findall(r'\\DeclareTextSymbol\{(\\\w+)\}\{TU\}\{"([0-9A-Fa-f]+)\}', text_of("tipauni.sty"))
    table.update((command, chr(int(code, 16))) for command, code in tipauni)
    return table
