r"""The packages whose symbols the catalogue has, beyond those of Detexify's keys, and how a document loads them."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Engine = Literal["latex", "xelatex"]
"""What typesets a document: pdfLaTeX (in its DVI mode), or XeLaTeX for packages that need an OpenType font."""


@dataclass(frozen=True, slots=True)
class Package:
    r"""A package and its preamble lines.

    usepackage: the lines, if one `\usepackage` without options isn't enough. fontenc: the encoding in its keys.
    engine: what typesets a document that has them.
    """

    name: str
    usepackage: str = ""
    fontenc: str = "OT1"
    engine: Engine = "latex"

    @property
    def lines(self) -> str:
        """The preamble lines, separated by newlines."""
        return self.usepackage or rf"\usepackage{{{self.name}}}"

    @property
    def preamble(self) -> str:
        """The same as an entry has them: plain LaTeX needs none."""
        return "" if self.name == LATEX else self.lines


LATEX = "latex2e"
"""LaTeX without packages."""

_OPENTYPE = "TU"
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
    Package("mathtools"),
    Package("mathdots"),
    Package("stmaryrd"),
    Package("wasysym"),
    Package("marvosym"),
    Package("esint"),
    Package("cmll"),
    Package("prodint"),
    Package("gensymb"),
    Package("upgreek"),
    Package("pifont"),
    Package("bbding"),
    Package("dingbat"),
    Package("ifsym", r"\usepackage[alpine,clock,electronic,geometry,misc,weather]{ifsym}"),
    Package("manfnt"),
    Package("skak"),
    Package("fontawesome5"),
    Package("phonetic"),
    Package("tipa"),
    Package("tipx"),
    Package("mathabx"),
    Package("MnSymbol"),
    Package("fdsymbol"),
    Package("mdsymbol"),
    Package("boisik"),
    Package("txfonts"),
    Package("pxfonts"),
    Package("newtxmath"),
    Package("newpxmath"),
    Package("kpfonts"),
    Package("stix2"),
    Package("logix", fontenc=_OPENTYPE, engine="xelatex"),
    Package("unicode-math", fontenc=_OPENTYPE, engine="xelatex"),
)
"""In this order."""

_ALL = _UPPER + _LOWER + _DIGITS

_DINGS = tuple(str(number) for number in (*range(33, 127), *range(161, 255)))

ALPHABETS: dict[str, tuple[tuple[str, Sequence[str]], ...]] = {
    LATEX: (("mathcal", _UPPER), ("mathbf", _ALL), ("mathsf", _ALL), ("mathtt", _ALL), ("mathit", _UPPER + _LOWER)),
    "amssymb": (("mathbb", _UPPER + "k"), ("mathfrak", _UPPER + _LOWER)),
    "mathrsfs": (("mathscr", _UPPER),),
    "dsfont": (("mathds", _UPPER + "1hk"),),
    "bbm": (("mathbbm", _UPPER + _LOWER + "12"),),
    "bbold": (("mathbb", _ALL),),
    "euscript": (("EuScript", _UPPER),),
    "pifont": (("ding", _DINGS),),
}
"""By package: the commands that print letters of an alphabet, or by number, with the arguments that the font has."""

LEFT_OUT = frozenset({r"\TeX", r"\LaTeX", r"\LaTeXe", r"\today", r"\seriesdefault"})
"""Commands that print, but no symbol."""
