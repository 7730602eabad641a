r"""The commands that a package defines, asked of TeX itself.

LuaTeX lists all control sequences before and after the package is loaded: whatever is new, or means something else than
before, is the package's. Which of these print a symbol is found by printing them (`tools.catalog.latex`).
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tools.catalog.packages import LATEX, Package
from tools.catalog.unicode_tables import text_of

_SCRIPT = r"""
local function meaning(name)
  local found = token.create(name)
  if not found or found.cmdname == "undefined_cs" then return "" end
  -- A macro's mode is its address.
  local value = string.match(found.cmdname, "call$") and "" or tostring(found.mode)
  return found.cmdname .. " " .. value .. " " .. (token.get_meaning(name) or "")
end

local function both(name) return meaning(name) .. " " .. meaning(name .. " ") end

local before = {}
function remember_commands()
  for _, name in ipairs(tex.hashtokens()) do before[name] = both(name) end
end

function write_commands()
  local out = io.open("commands.txt", "w")
  for _, name in ipairs(tex.hashtokens()) do
    if string.match(name, "^%a+$") and both(name) ~= before[name] then
      out:write(name, "\t", (string.gsub(both(name), "%c", " ")), "\n")
    end
  end
  out:close()
end
"""

_DOCUMENT = r"""
\documentclass[10pt]{article}
\directlua{dofile("commands.lua") %(remember)s}
%(lines)s
\begin{document}
\directlua{write_commands()}
\end{document}
"""


_LATEX_TABLES = ("fontmath.ltx", "ot1enc.def", "t1enc.def", "omsenc.def", "omlenc.def", "ts1enc.def")
"""Files with the declarations of LaTeX's own symbols."""


@dataclass(frozen=True, slots=True)
class Declared:
    r"""A command that a package defines. meaning: TeX's, and that of the command inside a robust one."""

    command: str
    meaning: str

    @property
    def takes_argument(self) -> bool:
        """Whether the command reads something after it."""
        return "#1" in self.meaning

    @property
    def is_accent(self) -> bool:
        """Whether it sets something over or under its argument."""
        return bool(re.search(r"\\(?:mathaccent|Umathaccent|DeclareTextAccent|radical|Uradical)", self.meaning))


def declared(package: Package) -> list[Declared]:
    """The commands of letters that a package defines, sorted. SystemExit if TeX can't load it."""
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "commands.tex"
        # Of LaTeX itself all commands are its own.
        remember = "" if package.name == LATEX else "remember_commands()"
        document.write_text(_DOCUMENT % {"lines": package.lines, "remember": remember}, encoding="utf-8")
        document.with_suffix(".lua").write_text(_SCRIPT, encoding="utf-8")
        subprocess.run(
            ["lualatex", "-interaction=nonstopmode", document.name], cwd=folder, capture_output=True, timeout=600
        )
        written = Path(folder) / "commands.txt"
        if not written.exists():
            log = document.with_suffix(".log").read_text("utf-8", "replace")
            raise SystemExit(f"LuaLaTeX can't load {package.name}: {log[-500:]}")
        lines = written.read_text("utf-8", "replace").splitlines()
    found = (line.partition("\t") for line in sorted(lines))
    commands = [Declared(f"\\{name}", meaning) for name, _, meaning in found if "only in preamble" not in meaning]
    if package.name == LATEX:
        # Most of LaTeX's own commands set a document; those of its tables of fonts are symbols.
        symbols = {name for table in _LATEX_TABLES for name in re.findall(r"\\[A-Za-z]+", text_of(table))}
        commands = [command for command in commands if command.command in symbols]
    return commands
