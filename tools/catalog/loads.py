r"""Which packages load which, and which print another package's symbol by the same command; asked of LaTeX.

    python -m tools.catalog.loads

writes ``extexify/catalog/data/packages.json``. Asked are the catalogue's packages and the files of ``asked.txt``:
classes and packages that many documents load, and those that load some of the catalogue's.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from extexify.catalog.document import catalogue_packages
from extexify.catalog.keys import OPENTYPE
from extexify.catalog.symbols import load_catalog
from tools.catalog.files import DATA, TOOLS

FURTHER = ("amsfonts", "fontspec")
"""Packages without a symbol of their own in the catalogue: the first has a part of amssymb's, the other tells that a
document needs XeLaTeX or LuaLaTeX."""

TIMEOUT = 60
"""Seconds after which TeX is in an endless loop."""

_DOCUMENT = r"""
\documentclass%(document_class)s
%(preamble)s
\nofiles \listfiles
\begin{document}
\newwrite\told
\immediate\openout\told=told.txt
\makeatletter
\immediate\write\told{\@filelist}
\makeatother
%(questions)s
\immediate\closeout\told
\csname @@end\endcsname
\end{document}
"""

# Of a robust command, also the meaning of the one inside, whose name ends in a space.
_MEANING = r"\expandafter\meaning\csname %s\endcsname"
_QUESTION = rf"\immediate\write\told{{%s:{_MEANING}{_MEANING % '%s '}}}"

# Where \mathbb has digits and lower-case letters; AMS's font, which the others take or imitate, has capitals only.
_ALL_DOUBLE_STRUCK = ("stix2", "unicode-math")
_SMALL_DOUBLE_STRUCK = re.compile(r"\\mathbb\{[0-9a-z]\}")

_WORD = re.compile(r"\\([A-Za-z]+)")


def main() -> None:
    """Ask LaTeX, and write the file."""
    tracked = frozenset({*catalogue_packages(), *FURTHER})
    asked = (TOOLS / "asked.txt").read_text("utf-8").split()
    loads: dict[str, list[str]] = {}
    for file in sorted({*asked, *(f"{name}.sty" for name in tracked)}):
        found = loaded_files(file)
        if found is None:
            print(f"{file} can't be loaded", file=sys.stderr)
        else:
            loads[file] = sorted(name for name in tracked if f"{name}.sty" in found and f"{name}.sty" != file)
    # A package that LaTeX loads with errors, as unicode-math with this engine, loads what it loads with its own.
    loads = {
        file: sorted({*names, *(other for name in names for other in loads[f"{name}.sty"])})
        for file, names in loads.items()
    }
    words = sorted({word for symbol in load_catalog().values() for word in _WORD.findall(symbol.command)})
    plain = {engine: meanings("", words, engine) for engine in ("latex", "lualatex")}
    defined = {name: provided(name, words, plain) for name in sorted(tracked)}
    provides = {name: without_known(name, commands, loads, defined) for name, commands in defined.items()}
    lines = [f'"{part}": {{\n{_lines(content)}\n}}' for part, content in (("loads", loads), ("provides", provides))]
    (DATA / "packages.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _lines(content: Mapping[str, Sequence[str]]) -> str:
    """The entries of a JSON object, one a line."""
    return ",\n".join(f"{json.dumps(name)}: {json.dumps(values)}" for name, values in content.items())


def engines_of(package: str) -> tuple[str, ...]:
    """The engines that may load a package, the first of which is its own."""
    symbols = load_catalog().values()
    opentype = package == "fontspec" or any(one.package == package and one.fontenc == OPENTYPE for one in symbols)
    return ("lualatex",) if opentype else ("latex", "lualatex")


def loaded_files(file: str) -> list[str] | None:
    """The files that a document with a package or class loads; None if LaTeX can't compile it."""
    name, _, kind = file.rpartition(".")
    is_class = kind == "cls"
    for engine in engines_of(name):
        told = ask(f"{{{name if is_class else 'article'}}}", "" if is_class else rf"\usepackage{{{name}}}", "", engine)
        if told and file in (files := told[0].replace(" ", "").split(",")):
            return files
    return None


def provided(package: str, words: Iterable[str], plain: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The commands that a package defines and of which the catalogue has symbols, but none of this package."""
    symbols = load_catalog().values()
    lines = next((symbol.usepackage for symbol in symbols if symbol.package == package and symbol.usepackage), "")
    engine = engines_of(package)[0]
    preamble = re.sub(r"\n.*", "", lines) or rf"\usepackage{{{package}}}"
    now = meanings(preamble, words, engine)
    own = {symbol.command for symbol in symbols if symbol.package == package}
    found = set()
    for symbol in symbols:
        used = _WORD.findall(symbol.command)
        if not used or symbol.command in own or not symbol.usepackage or not all(now.get(word) for word in used):
            continue
        changed = any(now[word] != plain[engine].get(word) for word in used)
        if changed and ("#1" not in now[used[0]] or "{" in symbol.command):
            found.add(symbol.command)
    return sorted(found)


def without_known(
    package: str, commands: Sequence[str], loads: Mapping[str, Sequence[str]], defined: Mapping[str, Sequence[str]]
) -> list[str]:
    """The commands without those that LaTeX itself or a package that this one loads prints a symbol by, and without
    double-struck letters that its font lacks."""
    known = {symbol.command for symbol in load_catalog().values() if not symbol.usepackage}
    known |= {command for name in loads[f"{package}.sty"] for command in defined[name]}
    has_all = package in _ALL_DOUBLE_STRUCK
    return [one for one in commands if one not in known and (has_all or not _SMALL_DOUBLE_STRUCK.fullmatch(one))]


def meanings(preamble: str, words: Iterable[str], engine: str) -> dict[str, str]:
    """What each word means as a command in a document with a preamble; those that mean nothing are left out."""
    questions = "\n".join(_QUESTION % (word, word, word) for word in words)
    told = ask("{article}", preamble, questions, engine)
    if not told:
        raise SystemExit(f"{engine} can't load {preamble}")
    pairs = (line.partition(":") for line in told[1:])
    return {word: meaning for word, _, meaning in pairs if meaning != r"\relax\relax"}


def ask(document_class: str, preamble: str, questions: str, engine: str) -> list[str]:
    """The lines that a document writes: the files that it has loaded, and the answers to questions."""
    with tempfile.TemporaryDirectory() as folder:
        parts = {"document_class": document_class, "preamble": preamble, "questions": questions}
        (Path(folder) / "ask.tex").write_text(_DOCUMENT % parts, encoding="utf-8")
        try:
            subprocess.run(
                [engine, "-interaction=nonstopmode", "ask.tex"],
                cwd=folder, capture_output=True, stdin=subprocess.DEVNULL, timeout=TIMEOUT,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return []
        told = Path(folder) / "told.txt"
        return told.read_text("utf-8", "replace").splitlines() if told.exists() else []


if __name__ == "__main__":
    main()
