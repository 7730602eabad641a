r"""The packages whose symbols the catalogue has, beyond those of Detexify's keys, and how a document loads them."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from extexify.catalog.keys import OPENTYPE

Engine = Literal["latex", "xelatex"]
"""What typesets a document: pdfLaTeX (in its DVI mode), or XeLaTeX for packages that need an OpenType font."""


@dataclass(frozen=True, slots=True)
class Package:
    r"""A package and its preamble lines.

    usepackage: the lines, if one `\usepackage` without options isn't enough. fontenc: the encoding in its keys.
    engine: what typesets a document that has them. font: a further line for the symbols that the package's own font
    doesn't have. loads: lines for the packages that it loads, whose commands are not its own. text: whether its symbols
    are of text fonts, so that they print another letter where only a formula takes them.
    """

    name: str
    usepackage: str = ""
    fontenc: str = "OT1"
    engine: Engine = "latex"
    font: str = ""
    loads: str = ""
    text: bool = False

    @property
    def lines(self) -> str:
        """The preamble lines, separated by newlines."""
        return self.usepackage or rf"\usepackage{{{self.name}}}"

    def key(self, command: str) -> str:
        """The key of one of its commands."""
        return f"{self.name}-{self.fontenc}-{command.replace(chr(92), '_')}"


LATEX = "latex2e"
"""LaTeX without packages."""

AS_PDFTEX = r"\usepackage{iftex}\let\ifluatex\iffalse"
"""What makes packages do in LuaTeX what they do in pdfTeX: some have other symbols there."""

_AMSMATH = r"\usepackage{amsmath}\usepackage{textcomp}"

_UPPER, _LOWER, _DIGITS = string.ascii_uppercase, string.ascii_lowercase, string.digits

PACKAGES = (
    # LaTeX's own and those that most documents load come first: a symbol that several print the same way is theirs.
    Package(LATEX, r"\relax"),
    Package("mathrsfs"),
    Package("dsfont"),
    Package("bbm"),
    Package("bbold"),
    Package("euscript"),
    Package("textcomp"),
    Package("latexsym"),
    Package("amssymb"),
    Package("amsmath"),
    Package("mathtools", loads=_AMSMATH),
    Package("mathdots"),
    Package("stmaryrd"),
    Package("wasysym"),
    Package("marvosym", text=True),
    Package("esint"),
    Package("cmll"),
    Package("prodint"),
    Package("gensymb"),
    Package("upgreek"),
    Package("pifont", text=True),
    Package("bbding", text=True),
    Package("dingbat", text=True),
    Package("ifsym", r"\usepackage[alpine,clock,electronic,geometry,misc,weather]{ifsym}", text=True),
    Package("manfnt", text=True),
    Package("skak", text=True),
    Package("fontawesome5", text=True),
    Package("phonetic", text=True),
    Package("tipa", text=True),
    Package("tipx", loads=r"\usepackage{tipa}", text=True),
    Package("mathabx"),
    Package("MnSymbol", loads=_AMSMATH),
    Package("fdsymbol", loads=_AMSMATH),
    Package("mdsymbol", loads=_AMSMATH),
    Package("boisik"),
    Package("txfonts"),
    Package("pxfonts"),
    Package("newtxmath", loads=_AMSMATH),
    Package("newpxmath", loads=_AMSMATH),
    Package("kpfonts", loads=_AMSMATH + r"\usepackage{ifthen}"),
    Package("stix2"),
    Package(
        "unicode-math",
        fontenc=OPENTYPE,
        engine="xelatex",
        font=r"\setmathfont{STIXTwoMath-Regular.otf}",
        loads=_AMSMATH + r"\usepackage{fontspec}",
    ),
    Package(
        "logix",
        fontenc=OPENTYPE,
        engine="xelatex",
        loads=r"\usepackage[bold-style=ISO]{unicode-math}\usepackage{mathtools}\usepackage{arydshln}",
    ),
)
"""In this order."""

_ALL = _UPPER + _LOWER + _DIGITS

_DINGS = tuple(str(number) for number in (*range(33, 127), *range(161, 255)))

ALPHABETS: dict[str, tuple[tuple[str, Sequence[str]], ...]] = {
    LATEX: (("mathcal", _UPPER), ("mathbf", _ALL), ("mathsf", _ALL), ("mathtt", _ALL), ("mathit", _UPPER + _LOWER)),
    "amssymb": (("mathbb", _UPPER), ("mathfrak", _UPPER + _LOWER)),
    "mathrsfs": (("mathscr", _UPPER),),
    "dsfont": (("mathds", _UPPER + "1hk"),),
    "bbm": (("mathbbm", _UPPER + _LOWER + "12"),),
    "bbold": (("mathbb", _ALL),),
    "euscript": (("EuScript", _UPPER),),
    "pifont": (("ding", _DINGS),),
}
"""By package: the commands that print letters of an alphabet, or by number, with the arguments that the font has."""

LEFT_OUT = frozenset(
    {r"\TeX", r"\LaTeX", r"\LaTeXe", r"\today", r"\seriesdefault", r"\fileversion", r"\filedate", r"\fileinfo"}
)
"""Commands that print, but no symbol."""
