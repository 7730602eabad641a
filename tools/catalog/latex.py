r"""Printing symbols with real LaTeX: one document for each preamble, one page for each symbol.

Every page is shipped out with its baseline at a known place, so that the outlines that dvisvgm makes of the pages
share one coordinate system. The log is split at markers, so that each complaint of TeX belongs to a symbol.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from extexify.core.processes import available_cores
from tools.catalog.outlines import Outline, outline_from_svg
from tools.catalog.packages import Engine

# Pages in a document. More would take longer to print again where a request breaks its document.
_PAGES = 300

# skull.mf states no design size, so Metafont notes down 128 pt where 12 pt is meant, and dvisvgm scales by that.
OUTLINE_SCALE = {r"\skull": 12 / 128}

_COMMANDS = {"latex": ["latex"], "xelatex": ["xelatex", "-no-pdf"]}

TIMEOUT = 60
"""Seconds after which TeX is in an endless loop."""

NO_INK = "nothing was printed"

_SECTION = re.compile(r"<<<(\d+)>>>\n((?:(?!<<<).)*?)<<<end ([\d.]+)pt([\d.]+)pt([-\d.]+)pt>>>", re.DOTALL)

_COMPLAINTS = re.compile(
    r"^(?:! .*|Missing character.*|.*Warning: .*(?:invalid in math mode|undefined|not available).*)$", re.MULTILINE
)

_DOCUMENT = r"""
\documentclass[10pt]{article}
\usepackage{color}
%(preamble)s
\newcommand\placeholder[1]{\textcolor{red}{#1}}
\nofiles \tracinglostchars=2 \parindent=0pt
\begin{document}
\newcommand\printed[2]{%%
  \immediate\write-1{<<<#1>>>}%%
  \setbox0\hbox{#2\ifmmode$\fi}%% TeX puts a $ before a math symbol in text: close what it opened
  \immediate\write-1{<<<end \the\wd0 \the\ht0 \the\dp0>>>}%%
  \setbox1\vbox{x\par}%% the end of a paragraph restarts TeX's count to a hundred errors, where it would give up
  \ht0=0pt \dp0=0pt \ifvoid0 \setbox0\hbox{}\fi \shipout\box0 }
\shipout\hbox{\vrule width1pt height1pt}%% LaTeX moves the first page to make room for its own specials
%(pages)s
\end{document}
"""


@dataclass(frozen=True)
class Request:
    """A command to print with these preamble lines, in one of the two modes, by an engine."""

    command: str
    usepackage: str
    mode: Literal["math", "text"]
    engine: Engine = "latex"

    @property
    def source(self) -> str:
        r"""What is printed. A command with empty braces, such as an accent, is unrecognizable alone: in place of its
        argument it has \placeholder, which the glyph shows lighter."""
        body = self.command.replace("{}", r"{\placeholder{x}}")
        return f"${body}$" if self.mode == "math" else body


@dataclass
class Printed:
    """The outline, and TeX's complaints about the request."""

    outline: Outline = field(default_factory=Outline)
    complaints: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.complaints


def print_symbols(requests: Iterable[Request]) -> dict[Request, Printed]:
    """Print every request. A request that breaks its document is printed again in one of its own."""
    by_document: dict[tuple[str, str, str], list[Request]] = defaultdict(list)
    for request in dict.fromkeys(requests):
        by_document[request.usepackage, request.mode, request.engine].append(request)
    groups = [group[start : start + _PAGES] for group in by_document.values() for start in range(0, len(group), _PAGES)]
    printed: dict[Request, Printed] = {}
    with ThreadPoolExecutor(available_cores()) as pool:
        for results in pool.map(_print_group, groups):
            printed.update(results)
    return printed


def _print_group(group: list[Request]) -> dict[Request, Printed]:
    if not group:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        results = _compile(group, Path(folder))
    if isinstance(results, dict):
        for request, printed in results.items():
            # dvisvgm 3.0.3 loses character 0 of a font that is not the document's first; alone, it is the first.
            if printed.complaints == [NO_INK] and len(group) > 1:
                results[request] = _print_group([request])[request]
        return results
    if len(group) == 1:
        return {group[0]: Printed(complaints=["LaTeX stopped before the page was finished"])}
    # TeX stopped half way, so the pages are unreliable: the request at which it did is printed alone.
    stopped = results
    return _print_group(group[:stopped]) | _print_group([group[stopped]]) | _print_group(group[stopped + 1 :])


def _compile(group: list[Request], folder: Path) -> dict[Request, Printed] | int:
    """What each request printed, or the number of the request at which TeX stopped."""
    pages = []
    for number, request in enumerate(group):
        pages.append(rf"\printed{{{number}}}{{{request.source}}}")
    document = _DOCUMENT % {"preamble": group[0].usepackage, "pages": "\n".join(pages)}
    (folder / "symbols.tex").write_text(document, encoding="utf-8")
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(
            [*_COMMANDS[group[0].engine], "-interaction=nonstopmode", "symbols.tex"],
            cwd=folder,
            capture_output=True,
            timeout=TIMEOUT,
        )
    log = (folder / "symbols.log").read_text(encoding="utf-8", errors="replace")
    sections = _SECTION.findall(log)
    numbers = [int(number) for number, *_ in sections]
    if numbers != list(range(len(group))) or f"({len(group) + 1} page" not in log:
        unfinished = next((number for number, found in enumerate(numbers) if number != found), len(numbers))
        # Where all ended, pages are missing: any may be to blame.
        return unfinished if unfinished < len(group) else len(group) // 2
    subprocess.run(
        # Without fonts, every glyph comes as an outline where it stands, the baseline at y = 0.
        [
            "dvisvgm",
            "--no-fonts=1",
            "--page=1-",
            "--precision=4",
            "--bbox=papersize",
            "--output=%p.svg",
            _output(folder),
        ],
        cwd=folder,
        capture_output=True,
        check=True,
    )
    svgs = {int(path.stem): path for path in folder.glob("*.svg")}
    results = {}
    for number, (request, (_, section, *size)) in enumerate(zip(group, sections, strict=True)):
        printed = Printed(complaints=[line.strip() for line in _COMPLAINTS.findall(section)])
        path = svgs.get(number + 2)  # pages count from 1, and the first is no symbol's
        if path is not None:
            printed.outline = outline_from_svg(ElementTree.parse(path).getroot())
        if request.command in OUTLINE_SCALE:
            printed.outline = printed.outline.scaled(OUTLINE_SCALE[request.command])
        if not printed.outline.has_ink():
            printed.complaints.append(NO_INK)
        elif _leaves_box(printed.outline, *(100 * float(points) for points in size)):
            printed.complaints.append("the outline lies far outside the box that TeX set")
        results[request] = printed
    return results


def _output(folder: Path) -> str:
    """The name of the file that TeX has written: pages in its own format, or in XeTeX's."""
    return next(path.name for path in folder.iterdir() if path.suffix in (".dvi", ".xdv"))


def _leaves_box(outline: Outline, width: float, height: float, depth: float) -> bool:
    slack = 500  # units: italics, hooks and integrals reach out of their box, but not by half the type size
    left, top, right, bottom = outline.box()
    return left < -slack or right > width + slack or top < -height - slack or bottom > depth + slack
