r"""The commands that a package defines, asked of TeX itself.

LuaTeX lists all control sequences of a document with the package and of one without: whatever is new, or means
something else, is the package's. Which of these print a symbol is found by printing them (`tools.catalog.latex`).
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from extexify.catalog.keys import Mode
from tools.catalog.packages import AS_PDFTEX, LATEX, Package
from tools.catalog.unicode_tables import text_of

_SCRIPT = r"""
local function meaning(name)
  local found = token.create(name)
  if not found or found.cmdname == "undefined_cs" then return "" end
  -- A macro's mode is its address.
  local value = string.match(found.cmdname, "call$") and "" or tostring(found.mode)
  return found.cmdname .. " " .. value .. " " .. (token.get_meaning(name) or "")
end

local out = io.open("commands.txt", "w")
for _, name in ipairs(tex.hashtokens()) do
  if string.match(name, "^%a+$") then
    -- Of a robust command, also the one inside, whose name ends in a space.
    out:write(name, "\t", (string.gsub(meaning(name) .. " " .. meaning(name .. " "), "%c", " ")), "\n")
  end
end
out:close()
"""

_DOCUMENT = r"""
\documentclass[10pt]{article}
%s
\begin{document}
\directlua{dofile("commands.lua")}
\end{document}
"""

_LATEX_TABLES = ("fontmath.ltx", "ot1enc.def", "t1enc.def", "omsenc.def", "omlenc.def", "ts1enc.def")
"""Files with the declarations of LaTeX's own symbols."""


_DEFINITION = re.compile(r"\\(?:Declare\w+|[gex]?def|let|(?:re)?newcommand|chardef|mathchardef)\*?\s*\{?(\\[A-Za-z]+)")
"""A definition of a command in these files."""


@dataclass(frozen=True, slots=True)
class Declared:
    r"""A command that a package defines. meaning: TeX's, and that of the command inside a robust one."""

    command: str
    meaning: str

    @property
    def takes_argument(self) -> bool:
        """Whether the command reads something after it."""
        return "#1" in self.meaning or "@ifnextchar" in self.meaning

    @property
    def is_accent(self) -> bool:
        """Whether it sets something over or under its argument."""
        return bool(re.search(r"\\(?:mathaccent|Umathaccent|DeclareTextAccent|radical|Uradical)", self.meaning))

    @property
    def mode(self) -> Mode | None:
        """The mode in which it prints, if its definition tells: a character of a math font, or what is put into one."""
        if self.meaning.startswith(("math_given", "xmath_given", "other_char")):
            return "math"
        return "both" if r"->\ensuremath" in self.meaning else None


def declared(package: Package) -> list[Declared]:
    """The commands of letters that a package defines, sorted. SystemExit if TeX can't load it."""
    as_printed = AS_PDFTEX if package.engine == "latex" else ""
    plain = _commands(as_printed + package.loads)
    if package.name == LATEX:
        # Most of LaTeX's own commands set a document; those of its tables of fonts are symbols.
        symbols = {name for table in _LATEX_TABLES for name in _DEFINITION.findall(text_of(table))}
        found = {command: meaning for command, meaning in plain.items() if command in symbols}
    else:
        loaded = _commands(as_printed + package.lines)
        found = {command: meaning for command, meaning in loaded.items() if meaning != plain.get(command)}
    return [Declared(*item) for item in sorted(found.items()) if "only in preamble" not in item[1]]


@cache
def _commands(lines: str) -> dict[str, str]:
    """The commands of a document with these preamble lines, and their meanings."""
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "commands.tex"
        document.write_text(_DOCUMENT % lines, encoding="utf-8")
        document.with_suffix(".lua").write_text(_SCRIPT, encoding="utf-8")
        subprocess.run(
            ["lualatex", "-interaction=nonstopmode", document.name], cwd=folder, capture_output=True, timeout=600
        )
        written = Path(folder) / "commands.txt"
        if not written.exists():
            log = document.with_suffix(".log").read_text("utf-8", "replace")
            raise SystemExit(f"LuaLaTeX can't load {lines}: {log[-500:]}")
        rows = (line.partition("\t") for line in written.read_text("utf-8", "replace").splitlines())
        # TeX also lists names that were only looked up: they mean nothing.
        return {f"\\{name}": meaning for name, _, meaning in rows if meaning.strip()}
