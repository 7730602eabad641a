"""What a LaTeX document loads and defines, and what that means for its symbols."""

from __future__ import annotations

import re
import time
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.catalog.document import UNLOADED, Document, catalogue_packages, open_document, read_document, text_of
from extexify.catalog.preamble import MAX_LENGTH, Definition, Load, statements
from extexify.catalog.symbols import load_catalog
from extexify.core.errors import UserError

REALS = "amssymb-OT1-_mathbb{R}"
SLANTED = "amssymb-OT1-_leqslant"
BRACKET = "stmaryrd-OT1-_llbracket"
PLAIN = "latex2e-OT1-_alpha"

PAPER = r"""
\documentclass[11pt,a4paper]{amsart} % \usepackage{wasysym}
\usepackage[utf8]{inputenc}
\RequirePackage{mathtools,
  stmaryrd, % for the brackets
  ourmacros}[2020/01/01]
\newcommand{\R}{\mathbb{R}}
\renewcommand{\epsilon}{\varepsilon}
\iffalse
\usepackage{skull}
\fi
\begin{document}
\usepackage{skak}
"""


# ---- what is loaded ----


def test_a_paper_is_understood() -> None:
    paper = read_document(PAPER)
    assert paper.packages == {"amsmath", "amsfonts", "mathtools", "stmaryrd"}
    assert paper.unknown == ("ourmacros",)
    assert paper.macro_meanings() == [(r"\R", r"\mathbb{R}"), (r"\epsilon", r"\varepsilon")]
    assert not paper.needs_opentype


@pytest.mark.parametrize(
    ("source", "loaded"),
    [
        (r"\usepackage{amssymb}", {"amssymb", "amsfonts"}),
        (r"\documentclass{beamer}", {"amsfonts", "amsmath", "amssymb"}),
        (r"\documentclass[noamssymb]{beamer}", {"amsfonts", "amsmath"}),
        (r"\documentclass[amssymb]{revtex4-2}", {"amssymb"}),
        (r"\documentclass{article}", set()),
        (r"\usepackage{physics}", {"amsmath"}),
        (r"\usepackage{unicode-math}", {"unicode-math", "fontspec", "amsmath"}),
    ],
)
def test_packages_that_others_load_count(source: str, loaded: set[str]) -> None:
    found = read_document(source)
    assert found.packages == loaded
    assert not found.unknown


def test_ticked_packages_are_loaded() -> None:
    assert read_document(packages=["stmaryrd"]) == read_document(r"\usepackage{stmaryrd}")


def test_each_package_of_the_catalogue_makes_its_symbols_available() -> None:
    everything = load_catalog().values()
    for package in catalogue_packages():
        own = [symbol for symbol in everything if symbol.package == package and symbol.usepackage]
        found = read_document(own[0].usepackage)
        assert all(found.has(one.key) for one in own if one.usepackage == own[0].usepackage), package
        assert not found.unknown


# ---- what a symbol takes ----


def test_what_a_symbol_needs_and_what_to_type() -> None:
    document = read_document(r"\usepackage{amsfonts}\newcommand{\R}{\mathbb{R}}")
    assert (document.typed(REALS), document.needs(REALS), document.weight(REALS)) == (r"\R", None, 1.0)
    assert (document.typed(PLAIN), document.needs(PLAIN)) == (r"\alpha", None)
    assert (document.typed(BRACKET), document.needs(BRACKET)) == (r"\llbracket", r"\usepackage{stmaryrd}")
    assert document.weight(BRACKET) == UNLOADED
    assert document.needs("latex2e-T1-_dh") == r"\usepackage[T1]{fontenc}"
    assert document.needs(SLANTED) == r"\usepackage{amssymb}"  # which has more than amsfonts


@pytest.mark.parametrize("package", ["newtxmath", "unicode-math", "stix2", "kpfonts", "mathabx"])
def test_packages_that_have_the_commands_of_amssymb_are_enough(package: str) -> None:
    assert read_document(packages=[package]).has(SLANTED)


def test_unicode_math_gives_its_names() -> None:
    document = read_document(packages=["unicode-math"])
    assert document.unicode_math
    assert document.typed(BRACKET) == r"\lBrack"
    assert document.needs(BRACKET) is None


def test_options_that_a_symbol_needs_must_be_given() -> None:
    key = "mathtools-OT1-_coloneq"
    assert read_document(r"\usepackage{mathtools}").needs(key) == r"\usepackage[legacycolonsymbols]{mathtools}"
    assert read_document(r"\usepackage[legacycolonsymbols]{mathtools}").needs(key) is None


def test_among_look_alikes_those_come_first_that_the_document_has() -> None:
    keys = ["stmaryrd-OT1-_lightning", PLAIN, "wasysym-OT1-_lightning"]
    assert read_document(packages=["stmaryrd"]).ordered(keys) == keys
    assert read_document(packages=["wasysym"]).ordered(keys) == keys[::-1]


# ---- macros ----


MACROS = [
    r"\newcommand{\R}{\mathbb{R}}",
    r"\newcommand*\R{\mathbb R}",
    r"\providecommand \R {\ensuremath{\mathbb{R}}\xspace}",
    r"\DeclareRobustCommand{\R}{{\mathbb{R}}}",
    r"\NewDocumentCommand{\R}{}{$\mathbb{R}$}",
    r"\def\R{\mathbb{R}}",
    r"\DeclareMathOperator*{\R}{\mathbb{R}}",
    "\\newcommand% the reals\n  {\\R}%\n  {%\n  \\mathbb{R}% done\n}",
    r"\newcommand{\Reals}{\mathbb{R}} \let\R=\Reals",
    r"\newcommand{\N}{\mathbb{N}} \renewcommand\R{\mathbb{R}}",
]


@pytest.mark.parametrize("source", MACROS)
def test_a_macro_for_a_symbol_is_what_to_type(source: str) -> None:
    assert read_document(rf"\usepackage{{amssymb}}{source}").typed(REALS) == r"\R"


OTHER_MACROS = [
    r"\newcommand{\R}[1]{\mathbb{R}}",
    r"\def\R#1{\mathbb{R}}",
    r"\newcommand{\R}{\mathbb{R}^n}",
    r"\newcommand{\mathbb{R}}",
    r"% \newcommand{\R}{\mathbb{R}}",
    r"\newcommand{\R}",
    r"\newcommand{\outer}{\newcommand{\R}{\mathbb{R}}}",
]


@pytest.mark.parametrize("source", OTHER_MACROS)
def test_other_macros_are_not(source: str) -> None:
    assert read_document(rf"\usepackage{{amssymb}}{source}").typed(REALS) == r"\mathbb{R}"


def test_commands_that_change_places() -> None:
    document = read_document(r"\let\temp\phi \let\phi\varphi \let\varphi\temp")
    assert document.typed("latex2e-OT1-_phi") == r"\varphi"
    assert document.typed("latex2e-OT1-_varphi") == r"\phi"
    assert len(document.redefined) == 2


# ---- clashes ----


def test_commands_that_two_packages_define_differently_are_named() -> None:
    (clash,) = read_document(packages=["mathabx", "marvosym"]).clashes
    assert clash.startswith(r"marvosym and mathabx define \Aries, ")
    assert read_document(packages=["amssymb", "amsmath", "mathtools"]).clashes == ()


def test_a_redefined_symbol_is_named() -> None:
    (clash,) = read_document(r"\renewcommand{\epsilon}{\varepsilon}").clashes
    assert clash == r"The document gives \epsilon another meaning: \varepsilon."
    assert all(one.isprintable() for one in read_document("\\def\\epsilon{\x00}").clashes)


# ---- any text ----

SOURCE = r"""
\usepackage \newcommand \def \let \begin{document} \begin{comment} \end{comment} \iffalse \fi \R \mathbb
\DeclareMathSymbol \setmathfont \endinput { } [ ] * = , # $ % a R amssymb \\ \% {\R} {R} \ é
"""
PIECES = st.sampled_from([*SOURCE.split(), "\n", " ", "\x00", "\r\n"])

NAMES = st.sampled_from([*catalogue_packages(), "ourmacros", "geometry", "physics"])
OPTIONS = st.sampled_from(["", "[a]", "[a=1,\n b]", "[{x,y}]"])


@given(st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=60).map("".join)))
def test_every_text_can_be_read(text: str) -> None:
    document = read_document(text)
    assert isinstance(document, Document)
    for clash in document.clashes:
        assert clash.isprintable()
    for macro in document.macros.values():
        assert re.fullmatch(r"\\([A-Za-z@]+|[!-~])", macro)


@given(names=st.lists(NAMES, min_size=1, max_size=6, unique=True), options=OPTIONS, spaces=st.sampled_from(["", "\n "]))
def test_a_generated_preamble_is_read_as_it_was_meant(names: list[str], options: str, spaces: str) -> None:
    text = rf"\usepackage{options}{spaces}{{{spaces}{f',{spaces}'.join(names)}{spaces}}}[2024/01/01]"
    assert [one.name for one in statements(text) if isinstance(one, Load)] == names
    assert read_document(text).packages == read_document(packages=names).packages


@given(st.lists(st.sampled_from(PAPER.splitlines() + MACROS), max_size=12), st.text("abc{}[]\\% ", max_size=12))
def test_comments_never_matter(lines: list[str], comment: str) -> None:
    text = "\n".join(lines) + "\n"
    assert statements(text.replace("\n", f"%{comment}\n")) == statements(text)


HOSTILE = ["{", "[", r"\usepackage{", r"\usepackage[", r"\newcommand{\a}{", r"\def\a", r"\let", "\\iffalse\n", "%\n"]


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_grows_with_the_length_alone(piece: str) -> None:
    began = time.process_time()
    read_document(piece * (MAX_LENGTH // 2 // len(piece)))
    assert time.process_time() - began < 5


def test_a_text_that_is_too_long_is_refused_in_one_sentence() -> None:
    with pytest.raises(UserError, match="a document may have 1,000,000 characters, not 1,000,001"):
        read_document("x" * (MAX_LENGTH + 1))


def test_files_are_read_in_old_encodings_too(tmp_path: Path) -> None:
    assert text_of(BytesIO("% naïve".encode("latin-1"))) == text_of(BytesIO("% naïve".encode())) == "% naïve"
    file = tmp_path / "a.sty"
    file.write_bytes(b"\\RequirePackage{skull} % na\xefve")
    assert open_document(file).packages == {"skull"}
    with pytest.raises(UserError, match=r"b\.sty can't be read"):
        open_document(tmp_path / "b.sty")


def test_definitions_that_take_arguments_stand_for_nothing() -> None:
    assert statements(r"\newcommand{\norm}[1]{\|#1\|}") == [Definition(r"\norm", "")]
