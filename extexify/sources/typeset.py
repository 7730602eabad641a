r"""Glyphs of commands, by LaTeX where it is installed: a command and its preamble lines → the printed symbol.

Command and lines are those that `extexify.catalog.own` accepts: they load packages and define symbols. LaTeX runs them
without shell escape, may read only its own files and those of an empty folder, and write only into that; programs have
limits of time, memory and size. A package that is installed on this machine is trusted as LaTeX trusts it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from extexify.access import permissions
from extexify.catalog.own import Glyph, OwnSymbolError, check_source
from extexify.core.errors import printable
from extexify.core.processes import kill_tree
from extexify.sources.base import SourceError
from extexify.sources.glyphs import outlined
from extexify.sources.open import open_source
from extexify.sources.rows import one_drawing

SECONDS = 30.0
"""Time that each program may take; the first use of a package may make its fonts."""

MEMORY, FILE_SIZE = 2 << 30, 32 << 20
"""Bytes of memory, and of each file, that each program may use."""

INSTALL = (
    "LaTeX and dvisvgm aren't installed here, which would print it: install TeX Live (on Debian: apt-get install "
    "texlive-latex-extra dvisvgm)"
)
"""What to do where `is_available` is false; the beginning of a sentence."""

_DOCUMENT = r"""\documentclass[10pt]{article}
%(preamble)s
\nofiles \tracinglostchars=2 \parindent=0pt
\begin{document}
\shipout\hbox{\vrule width1pt height1pt}%% LaTeX moves the first page to make room for its own specials
\setbox0\hbox{%(source)s}\ht0=0pt \dp0=0pt \shipout\box0
\end{document}
"""

_SVG = ("--no-fonts=1", "--no-specials", "--page=2", "--bbox=papersize", "--output=%f.svg")

_EM = 10 * 72 / 72.27  # of the document's type, in SVG's points

_COMPLAINT = re.compile(r"^(?:! (?:LaTeX Error: |Package \S+ Error: )?|(?=Missing character))(.+)$", re.MULTILINE)

_FOR_UNICODE = re.compile(r"\b(?:unicode-math|fontspec|mathspec)\b")

# Limits, then the program in place of this one: `preexec_fn` isn't safe in a process with threads.
_LIMITED = """
import os, resource, sys
seconds, memory, size = map(int, sys.argv[1:4])
for limit, value in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, size)):
    resource.setrlimit(limit, (value, value))
os.execvp(sys.argv[4], sys.argv[4:])
"""


def is_available() -> bool:
    """Whether the programs that `typeset` needs are installed."""
    return shutil.which("latex") is not None and shutil.which("dvisvgm") is not None


@permissions.operators_only
def typeset(command: str, preamble: tuple[str, ...] = (), *, text: bool = False) -> Glyph:
    """The glyph of a command in a formula, or in text, with these preamble lines.

    Raises `OwnSymbolError` for a command or lines that an own symbol can't have, without LaTeX, in a public demo, or
    with what LaTeX complains about.
    """
    check_source(command, preamble)
    if permissions.is_demo():
        raise OwnSymbolError("a public demo runs no LaTeX: give drawings of the symbol, or its glyph")
    if not is_available():
        raise OwnSymbolError(f"{INSTALL}, or give drawings of it, or its glyph")
    lines = "\n".join(preamble)
    engine = ["xelatex", "-no-pdf"] if _FOR_UNICODE.search(lines) and shutil.which("xelatex") else ["latex"]
    source = command if text else f"${command}$"
    with TemporaryDirectory(prefix="extexify-typeset-") as name:
        folder = Path(name)
        document = _DOCUMENT % {"preamble": lines, "source": source}
        (folder / "symbol.tex").write_text(document, encoding="utf-8")
        log = _run([*engine, "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "symbol.tex"], folder)
        complaint = _COMPLAINT.search(log.replace("\r", ""))
        pages = next((path for path in folder.iterdir() if path.suffix in (".dvi", ".xdv")), None)
        if complaint or pages is None:
            why = complaint[1] if complaint else "it stopped before the page was finished"
            raise OwnSymbolError(f"LaTeX can't print {command}: {_one_line(why)}")
        _run(["dvisvgm", *_SVG, pages.name], folder)
        try:
            outlines = one_drawing(open_source(str(folder / "symbol.svg")))
        except SourceError:
            raise OwnSymbolError(f"LaTeX prints nothing for {command}") from None
        return outlined([outline.astype(float) for outline in outlines], command, _EM)


def _run(command: list[str], folder: Path) -> str:
    """Run a program in a folder within its limits; returns what it printed. Raises `OwnSymbolError` if it takes too
    long."""
    limited = command
    if sys.platform != "win32":
        limits = [str(int(limit)) for limit in (SECONDS, MEMORY, FILE_SIZE)]
        limited = [sys.executable, "-I", "-S", "-c", _LIMITED, *limits, *command]
    with (folder / "printed").open("wb+") as printed:
        process = subprocess.Popen(
            limited, cwd=folder, env=_environment(folder), stdin=subprocess.DEVNULL, stdout=printed, stderr=printed
        )
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            raise OwnSymbolError(f"{command[0]} took longer than {SECONDS:.0f} s and was ended") from None
        finally:
            if process.poll() is None:
                kill_tree(psutil.Process(process.pid))
                process.wait()
        printed.seek(0)
        return printed.read(FILE_SIZE).decode("utf-8", "replace")


def _environment(folder: Path) -> dict[str, str]:
    """The variables of the programs: those that find them, and paranoid settings of TeX's files."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG") if name in os.environ}
    own = ("HOME", "TMPDIR", "TEXMFHOME", "TEXMFVAR", "TEXMFCONFIG", "TEXMFOUTPUT")
    return {
        **kept,
        **{name: str(folder) for name in own},
        "openin_any": "p",
        "openout_any": "p",
        "shell_escape": "f",
        "max_print_line": "1000",
    }


def _one_line(text: str) -> str:
    """A complaint as a part of a sentence."""
    return printable(text).strip().rstrip(".")[:200]
