r"""The spacing class of every symbol of formulas, asked of TeX itself: ``python -m tools.catalog.spacing``.

LuaTeX sets each command as a formula and shows its atoms before it makes boxes of them: the class of an atom (ordinary,
operator, binary, relation, opening, closing, punctuation, inner) is what decides the space beside it. It comes from the
declaration in LaTeX or the package (``\DeclareMathSymbol{\mid}{\mathrel}{symbols}{"6A}``), also where a macro puts the
symbol together (``\cong``).
"""

from __future__ import annotations

import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from extexify.catalog.keys import OPENTYPE, Symbol
from extexify.catalog.symbols import load_catalog
from tools.catalog.files import DATA, write_lines
from tools.catalog.packages import AS_PDFTEX

_SCRIPT = r"""
local classes = {[0] = "ordinary", "operator", "operator", "operator", "binary", "relation", "opening", "closing",
  "punctuation", "inner", "ordinary", "ordinary", "ordinary"}
local ids = {noad = node.id("noad"), radical = node.id("radical"), accent = node.id("accent"),
  fraction = node.id("fraction"), fence = node.id("fence"), choice = node.id("choice")}
local formula = {}

-- Adds the classes of the atoms of a formula; kerns, glue and changes of the style have none.
local function add(head)
  for item in node.traverse(head) do
    if item.id == ids.noad then table.insert(formula, classes[item.subtype] or "unknown")
    elseif item.id == ids.radical then table.insert(formula, "ordinary")
    elseif item.id == ids.accent then table.insert(formula, "accent")
    elseif item.id == ids.fraction or item.id == ids.fence then table.insert(formula, "inner")
    elseif item.id == ids.choice then add(item.display) end
  end
end

luatexbase.add_to_callback("mlist_to_hlist", function(head, style, penalties)
  formula = {} -- the outer formula is made last
  add(head)
  return node.mlist_to_hlist(head, style, penalties)
end, "spacing")

local out = io.open("classes.txt", "w")
function begin_symbol() formula = {} end
function end_symbol(number) out:write(number, "\t", table.concat(formula, " "), "\n") out:flush() end
"""

# The end of a paragraph restarts TeX's count to a hundred errors, where it would give up.
_DOCUMENT = r"""
\documentclass[10pt]{article}
%s
\nofiles
\begin{document}
\directlua{dofile("spacing.lua")}
%s
\end{document}
"""

_SYMBOL = r"\directlua{begin_symbol()}\setbox0\hbox{$%s$}\directlua{end_symbol(%d)}\setbox1\vbox{x\par}"

TIMEOUT = 900
"""Seconds after which TeX is in an endless loop."""


def spacing_classes(symbols: Iterable[Symbol]) -> dict[str, str]:
    """The class of each symbol of formulas whose atoms have one class, by key, sorted."""
    documents: dict[tuple[str, bool], list[Symbol]] = defaultdict(list)
    for symbol in symbols:
        if symbol.mode != "text":
            documents[symbol.usepackage, symbol.fontenc == OPENTYPE].append(symbol)
    found: dict[str, str] = {}
    for (preamble, opentype), members in documents.items():
        atoms = _atoms(preamble if opentype else AS_PDFTEX + preamble, [symbol.command for symbol in members])
        for symbol, classes in zip(members, atoms, strict=True):
            if len(set(classes)) == 1:
                # An accent with its letter is spaced like the letter alone.
                is_accent = symbol.command.endswith("{}")
                found[symbol.key] = "ordinary" if classes[0] == "accent" and not is_accent else classes[0]
        print(f"{' '.join(preamble.split()) or 'LaTeX'}: {sum(map(bool, atoms))} of {len(members)}", flush=True)
    return dict(sorted(found.items()))


def _atoms(preamble: str, commands: list[str]) -> list[list[str]]:
    """The classes of the atoms of each command; none for one that LuaTeX can't set."""
    body = "\n".join(_SYMBOL % (command, number) for number, command in enumerate(commands))
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "spacing.tex"
        document.write_text(_DOCUMENT % (preamble, body), encoding="utf-8")
        document.with_suffix(".lua").write_text(_SCRIPT, encoding="utf-8")
        subprocess.run(
            ["lualatex", "-interaction=batchmode", document.name], cwd=folder, capture_output=True, timeout=TIMEOUT
        )
        written = Path(folder) / "classes.txt"
        rows = [line.partition("\t") for line in written.read_text("utf-8").splitlines()] if written.exists() else []
    atoms: list[list[str]] = [[] for _ in commands]
    for number, _, classes in rows:
        atoms[int(number)] = classes.split()
    return atoms


def write_spacing() -> None:
    """Write `spacing.json`: the class of each symbol by key."""
    write_lines(DATA / "spacing.json", spacing_classes(load_catalog().values()))


if __name__ == "__main__":
    write_spacing()
