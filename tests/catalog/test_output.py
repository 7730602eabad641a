"""Symbols in other formats, and what tells look-alikes apart."""

from __future__ import annotations

import html
import re

from hypothesis import given
from hypothesis import strategies as st

from extexify.catalog.comparison import commonness_word, detailed_summary, meaning_of, spacing_class
from extexify.catalog.frequency import count_of
from extexify.catalog.keys import Symbol, derive_symbol
from extexify.catalog.output import OutputFormat, formatted, forms, labels, shown
from extexify.catalog.symbols import detexify_keys, load_catalog, read_data, symbol_for, symbol_summary

CATALOG = load_catalog()
SYMBOLS = st.sampled_from(list(CATALOG.values()))

FORALL = {
    "typst": "forall",
    "unicode": "∀",
    "symbol": r'\symbol{"2200}',
    "char": r'\char"2200',
    "html": "&forall;",
    "markdown": r"$\forall$",
}

LATEX2E = "latex2e-OT1-"

TOLD_APART = [
    (f"{LATEX2E}_mid", "relation", f"{LATEX2E}|", "ordinary"),
    (f"{LATEX2E}_parallel", "relation", f"{LATEX2E}_|", "ordinary"),
    (f"{LATEX2E}_perp", "relation", f"{LATEX2E}_bot", "ordinary"),
    (f"{LATEX2E}_in", "relation", f"{LATEX2E}_epsilon", "ordinary"),
    (f"{LATEX2E}_sum", "operator", f"{LATEX2E}_Sigma", "ordinary"),
    (f"{LATEX2E}_wedge", "binary", f"{LATEX2E}_Lambda", "ordinary"),
]
"""Look-alikes with their spacing classes, from TeX's plain format."""


def test_one_symbol_in_every_format() -> None:
    symbol = symbol_for(f"{LATEX2E}_forall")
    assert forms(symbol) == FORALL
    assert formatted(symbol, OutputFormat.LATEX) == r"\forall"
    assert [name for name, _ in labels()] == ["latex", *FORALL]


@given(SYMBOLS)
def test_a_symbol_without_a_character_has_no_form_made_of_it(symbol: Symbol) -> None:
    known = forms(symbol)
    for name in ("unicode", "symbol", "char", "html"):
        assert (name in known) == bool(symbol.unicode)
    assert all(known.values())


@given(SYMBOLS.filter(lambda symbol: symbol.unicode))
def test_entities_and_numbers_decode_to_the_character(symbol: Symbol) -> None:
    known = forms(symbol)
    assert html.unescape(known["html"]) == known["unicode"] == symbol.unicode
    assert known["html"].isascii()
    for name in ("symbol", "char"):
        assert "".join(chr(int(code, 16)) for code in re.findall('"([0-9A-F]+)', known[name])) == symbol.unicode


def test_the_entity_is_the_one_that_people_know() -> None:
    for key, entity in (
        (f"{LATEX2E}_rightarrow", "&rarr;"),  # that of HTML 4
        ("amssymb-OT1-_subsetneq", "&subsetneq;"),  # that of the command
        ("amssymb-OT1-_mathfrak{C}", "&Cfr;"),
        ("amssymb-OT1-_lvertneqq", "&lvertneqq;"),  # one entity for two characters
        ("logix-TU-_ClsEquv", None),
    ):
        assert formatted(symbol_for(key), OutputFormat.HTML) == entity


def test_markdown_has_formulas_and_plain_text() -> None:
    for key, text in (
        (f"{LATEX2E}_sqrt{{}}", r"$\sqrt{}$"),
        (f"{LATEX2E}_---", "–"),  # an en dash of running text
        (f"{LATEX2E}_textasteriskcentered", r"\*"),  # not the beginning of emphasis
        ("bbding-OT1-_ArrowBoldDownRight", None),
    ):
        assert formatted(CATALOG[key], OutputFormat.MARKDOWN) == text


def test_what_has_no_form_is_shown_as_its_command_and_marked() -> None:
    unknown = derive_symbol("newpkg-OT1-_wonder")
    assert forms(unknown) == {"markdown": r"$\wonder$"}
    assert shown(unknown, OutputFormat.HTML) == r"\wonder (LaTeX)"
    assert shown(unknown, OutputFormat.LATEX) == r"\wonder"


def test_look_alikes_are_told_apart_by_spacing_and_meaning() -> None:
    for one, spacing, other, other_spacing in TOLD_APART:
        assert (spacing_class(one), spacing_class(other)) == (spacing, other_spacing)
        assert len({meaning_of(one), meaning_of(other), None}) == 3


def test_spacing_is_known_for_formulas_alone() -> None:
    known = read_data("spacing.json")
    formulas = {key for key, symbol in CATALOG.items() if symbol.mode != "text"}
    assert known.keys() <= formulas
    assert len(known) > 0.98 * len(formulas)
    assert set(known.values()) == {
        "ordinary", "operator", "binary", "relation", "opening", "closing", "punctuation", "inner", "accent",
    }  # fmt: skip


def test_meanings_are_of_symbols_and_hold_for_packages_that_define_them_again() -> None:
    written = read_data("meanings.json")
    assert written.keys() <= CATALOG.keys()
    assert len(written) <= 120
    assert meaning_of("MnSymbol-OT1-_parallel") == written[f"{LATEX2E}_parallel"]
    assert meaning_of(f"{LATEX2E}_zeta") is None


def test_counts_are_of_detexifys_symbols() -> None:
    counts = read_data("frequency.json")
    assert counts.keys() <= set(detexify_keys())
    assert min(counts.values()) > 0
    assert (count_of(f"{LATEX2E}_int"), commonness_word(f"{LATEX2E}_int")) == (3937, "very common")
    assert (count_of("mathtools-OT1-_coloneqq"), commonness_word("mathtools-OT1-_coloneqq")) == (None, None)


def test_the_details_are_the_summary_and_more() -> None:
    key = f"{LATEX2E}_mid"
    details = detailed_summary(key)
    assert details.items() >= symbol_summary(key).items()
    assert details["forms"] == forms(symbol_for(key))
    assert details["facts"]["spacing"] == "relation"
    assert detailed_summary("newpkg-OT1-_wonder")["facts"] == {}
