"""The catalogue: keys, entries, glyphs, look-alikes and search."""

from __future__ import annotations

import re
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from extexify.catalog.keys import command_from_key, derive_symbol, split_key
from extexify.catalog.lookalikes import drawn_alike, look_alike_groups, prints_alike
from extexify.catalog.symbols import Symbol, aliases_of, glyph_svg, load_catalog, search, symbol_for, symbol_summary
from tools.catalog.files import named_keys
from tools.catalog.reviewed import DRAWN_ALIKE

CATALOG = load_catalog()
KEYS = st.sampled_from(sorted(CATALOG))


def commands(query: str, limit: int = 50) -> list[str]:
    return [symbol.command for symbol in search(query, limit)]


# ---- keys ----


COMMANDS = [
    ("latex2e-OT1-_alpha", r"\alpha"),
    ("amssymb-OT1-_mathfrak{C}", r"\mathfrak{C}"),
    ("latex2e-OT1-_not_sim", r"\not\sim"),
    ("latex2e-OT1-__", r"\_"),
    ("latex2e-OT1-_|", r"\|"),
    ("latex2e-OT1-|", "|"),
    ("latex2e-OT1-_{", r"\{"),
    ("latex2e-OT1-_#", r"\#"),
    ("latex2e-OT1-/", "/"),
    ("latex2e-OT1-!`", "!`"),
    ("latex2e-OT1-_--", "-"),
    ("latex2e-OT1-_---", "--"),
    ("latex2e-OT1-_----", "---"),
    ("latex2e-OT1-_c{c}", r"\c{c}"),
    ("latex2e-OT1-_sqrt{}", r"\sqrt{}"),
    ("latex2e-OT1-_", r"\_"),
]


def test_the_command_of_a_key() -> None:
    for key, command in COMMANDS:
        assert command_from_key(key) == command
        assert symbol_for(key).command == command


def test_a_package_with_a_hyphen_keeps_its_name() -> None:
    assert split_key("unicode-math-TU-_symbf{A}") == ("unicode-math", "TU", "_symbf{A}")


def test_an_unknown_key_is_parsed() -> None:
    symbol = symbol_for("newpkg-T1-_wonder{x}")
    assert (symbol.command, symbol.package, symbol.fontenc) == (r"\wonder{x}", "newpkg", "T1")
    assert symbol.usepackage == "\\usepackage[T1]{fontenc}\n\\usepackage{newpkg}"
    assert symbol.unicode is None
    assert glyph_svg(symbol.key) is None
    assert prints_alike(symbol.key) == drawn_alike(symbol.key) == ()


@given(st.text(max_size=40))
def test_any_text_is_accepted_as_a_key(key: str) -> None:
    symbol = symbol_for(key)
    assert symbol.key == key
    assert symbol.mode in ("math", "text", "both")


@given(
    package=st.from_regex(r"[a-z][a-z0-9]{0,11}", fullmatch=True),
    fontenc=st.sampled_from(["OT1", "T1", "TS1", "OML", "U"]),
    names=st.lists(st.from_regex(r"[A-Za-z]{1,12}", fullmatch=True), min_size=1, max_size=3),
    argument=st.sampled_from(["", "{}", "{A}", "{1}"]),
)
def test_a_command_comes_back_from_its_key(package: str, fontenc: str, names: list[str], argument: str) -> None:
    command = "".join(f"\\{name}" for name in names) + argument
    symbol = derive_symbol(f"{package}-{fontenc}-{command.replace(chr(92), '_')}")
    assert (symbol.command, symbol.package, symbol.fontenc) == (command, package, fontenc)


# ---- entries ----


def test_every_symbol_of_the_drawings_is_there() -> None:
    assert named_keys() <= CATALOG.keys()
    assert len(CATALOG) > 10_000
    assert list(CATALOG) == sorted(CATALOG)


def test_every_entry_is_consistent() -> None:
    for key, symbol in CATALOG.items():
        assert (symbol.key, symbol.command) == (key, command_from_key(key))
        assert symbol.mode in ("math", "text", "both"), key
        if symbol.package != "latex2e" and symbol.usepackage:
            assert re.search(rf"\\usepackage(\[[\w,]+\])?\{{{symbol.package}\}}", symbol.usepackage), key
        assert (symbol.unicode is None) == (symbol.unicode_name is None), key
        if symbol.unicode:
            assert symbol.unicode_name == " + ".join(
                unicodedata.name(character) for character in symbol.unicode if not "\ufe00" <= character <= "\ufe0f"
            ), key


ENTRIES = [
    ("latex2e-OT1-_alpha", "", "math", "α"),
    ("latex2e-T1-_dh", r"\usepackage[T1]{fontenc}", "text", "ð"),
    ("textcomp-OT1-_textbaht", r"\usepackage{textcomp}", "text", "฿"),
    ("mathtools-OT1-_coloneq", r"\usepackage[legacycolonsymbols]{mathtools}", "math", None),
    ("amssymb-OT1-_leq", "", "math", "≤"),  # plain LaTeX prints it
    ("amssymb-OT1-_angle", r"\usepackage{amssymb}", "math", "∠"),  # plain LaTeX prints another
    ("latex2e-OT1-_---", "", "text", "–"),
    ("amssymb-OT1-_diagdown", r"\usepackage{amssymb}", "math", "\u27cd"),
    ("latex2e-OT1-|", "", "math", "|"),
    ("latex2e-OT1-_$", "", "both", "$"),
    ("marvosym-OT1-_Letter", r"\usepackage{marvosym}", "text", "✉"),  # in a formula it prints another letter
    ("amssymb-OT1-_npreceq", r"\usepackage{amssymb}", "math", "⪯\u0338"),
]


def test_entries_of_some_symbols() -> None:
    for key, usepackage, mode, unicode in ENTRIES:
        symbol = CATALOG[key]
        assert (symbol.usepackage, symbol.mode, symbol.unicode) == (usepackage, mode, unicode)


def test_typst_names() -> None:
    assert CATALOG["latex2e-OT1-_alpha"].typst == "alpha"
    assert CATALOG["amssymb-OT1-_mathfrak{C}"].typst == "frak(C)"
    assert CATALOG["skull-OT1-_skull"].typst is None


def test_importing_the_catalogue_is_cheap() -> None:
    code = "import sys, extexify.catalog.symbols; print({'numpy', 'torch', 'streamlit'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


# ---- glyphs ----


def test_every_glyph_is_a_small_svg_at_one_scale() -> None:
    for key in CATALOG:
        svg = glyph_svg(key)
        assert svg is not None, key
        root = ElementTree.fromstring(svg)
        assert root.get("fill") == "currentColor", key
        _, top, width, height = (float(number) for number in root.attrib["viewBox"].split())
        assert root.get("width") == f"{width / 1000:g}em", key
        assert 400 < width < 3500, key
        assert -2500 < top < 0 < top + height < 1500, key  # the baseline is in the picture
        assert len(root) > 0, key
        assert len(svg) < 12_000, key


def test_a_placeholder_is_lighter_than_the_symbol() -> None:
    svg = glyph_svg("latex2e-OT1-_sqrt{}", title=r"\sqrt{}")
    assert svg is not None
    assert 'opacity=".35"' in svg
    assert r'aria-label="\sqrt{}"' in svg


# ---- look-alikes ----


def test_groups_of_look_alikes_are_disjoint_and_of_the_catalogue() -> None:
    for groups in (look_alike_groups("prints"), look_alike_groups("drawn")):
        members = [key for group in groups for key in group]
        assert len(members) == len(set(members))
        assert set(members) <= set(CATALOG)
        assert all(len(group) >= 2 for group in groups)


def test_what_prints_alike_is_drawn_alike() -> None:
    for group in look_alike_groups("prints"):
        assert all(set(group) <= {key, *drawn_alike(key)} for key in group)


@pytest.mark.parametrize("commands", DRAWN_ALIKE, ids=" ".join)
def test_what_was_found_alike_by_hand_is_drawn_alike(commands: tuple[str, ...]) -> None:
    keys = {key for key in named_keys() if CATALOG[key].command in commands}
    first = min(keys)
    assert keys <= {first, *drawn_alike(first)}


def test_look_alikes_are_mutual() -> None:
    for key in CATALOG:
        assert all(key in prints_alike(other) for other in prints_alike(key))
        assert all(key in drawn_alike(other) for other in drawn_alike(key))


LOOK_ALIKES = [
    ("latex2e-OT1-_Sigma", "latex2e-OT1-_sum", True),
    ("latex2e-OT1-_alpha", "upgreek-OT1-_upalpha", True),
    ("latex2e-OT1-_perp", "latex2e-OT1-_bot", True),
    ("latex2e-OT1-_ldots", "latex2e-OT1-_dots", True),
    ("latex2e-OT1-_cdot", "latex2e-OT1-_bullet", False),
    ("latex2e-OT1-_--", "latex2e-OT1-__", False),
    ("latex2e-OT1-_ldots", "latex2e-OT1-_cdots", False),
    ("amssymb-OT1-_mathcal{B}", "mathrsfs-OT1-_mathscr{B}", False),
]


def test_known_look_alikes() -> None:
    for key, other, prints in LOOK_ALIKES:
        assert (other in prints_alike(key)) == prints
        assert other in drawn_alike(key)


def test_different_symbols_are_no_look_alikes() -> None:
    assert "amssymb-OT1-_ggg" not in drawn_alike("amssymb-OT1-_gg")
    assert "esint-OT1-_iiint" not in drawn_alike("esint-OT1-_iiiint")


def test_an_unknown_relation_is_named() -> None:
    with pytest.raises(ValueError, match="not 'smells'"):
        look_alike_groups("smells")


# ---- search ----


FIRST_HITS = [
    (r"\alpha", r"\alpha"),
    ("alpha", r"\alpha"),
    ("Delta", r"\Delta"),
    ("delta", r"\delta"),
    ("alph", r"\alpha"),  # one letter from \aleph, but something starts so
    ("≥", r"\geq"),
    ("ℝ", r"\mathbb{R}"),
    ("|", "|"),
    (r"\|", r"\|"),
    ("---", "---"),
    ("for all", r"\forall"),
    ("infinity", r"\infty"),
    ("less equal", r"\leq"),
    ("mathfrak C", r"\mathfrak{C}"),
    ("frak(C)", r"\mathfrak{C}"),
    ("aplha", r"\alpha"),
    ("varepsilom", r"\varepsilon"),
    ("rightarow", r"\rightarrow"),
    ("skull", r"\skull"),
    (r"\not\sim", r"\not\sim"),
]


def test_the_first_hit() -> None:
    for query, first in FIRST_HITS:
        assert commands(query)[0] == first


WHAT_LATEX_MEANS = [
    # commands that LaTeX and amsmath define as these
    (r"\land", r"\wedge"), (r"\lor", r"\vee"), (r"\lnot", r"\neg"), (r"\le", r"\leq"), (r"\ne", r"\neq"),
    (r"\to", r"\rightarrow"), (r"\gets", r"\leftarrow"), (r"\owns", r"\ni"), (r"\implies", r"\Longrightarrow"),
    (r"\iff", r"\Longleftrightarrow"), (r"\Vert", r"\|"), (r"\vert", "|"), (r"\doublecap", r"\Cap"),
    (r"\mathbb{N}", r"\mathbb{N}"), ("iff", r"\Longleftrightarrow"), (r"\impliedby", r"\Longleftarrow"),
    # what is typed in their place
    ("<=", r"\leq"), (">=", r"\geq"), ("!=", r"\neq"), ("->", r"\rightarrow"), ("=>", r"\Rightarrow"),
    ("...", r"\ldots"), (r"\R", r"\mathbb{R}"), ("element of", r"\in"), ("Not  equal", r"\neq"),
]  # fmt: skip


def test_the_first_hit_is_what_latex_means() -> None:
    for query, first in WHAT_LATEX_MEANS:
        assert commands(query)[0] == first, query


def names_of(symbol: Symbol) -> list[str]:
    return [alias.alias for alias in aliases_of(symbol.key)]


ALIASES = [alias for key in CATALOG for alias in aliases_of(key)]


def test_every_alias_finds_its_symbol_and_is_no_command_of_another() -> None:
    assert len(ALIASES) > 600
    commands_of = {(symbol.command, symbol.package) for symbol in CATALOG.values()}
    for alias in ALIASES:
        assert (alias.alias, alias.package) not in commands_of
        found = search(alias.alias, limit=1)[0]
        # Another package may have a symbol of that name: only what LaTeX and amsmath define comes before it.
        named_so = found.command == alias.alias and alias.package not in (None, "latex2e", "amsmath", "amssymb")
        assert found.key == alias.key or named_so, alias


def test_the_beginning_of_an_alias_finds_its_symbol() -> None:
    assert commands(r"\implie")[0] == r"\Longrightarrow"
    assert commands("if and o")[0] == r"\Longleftrightarrow"


def test_a_symbol_shows_its_other_commands_and_what_they_need() -> None:
    summary = symbol_summary("amssymb-OT1-_leq")
    assert (summary["also"], summary["about"]) == ([r"\le"], r"LaTeX · math mode · also \le")
    assert symbol_summary("latex2e-OT1-_Longrightarrow")["also"] == [r"\implies (amsmath)"]
    assert symbol_summary("amssymb-OT1-_Cap")["also"] == [r"\doublecap"]
    assert symbol_summary("latex2e-OT1-_alpha")["also"] == []


def test_a_package_finds_its_symbols() -> None:
    found = search("stmaryrd", limit=2000)
    assert {symbol.package for symbol in found} == {"stmaryrd"}
    assert len(found) > 100


def test_better_matches_come_first() -> None:
    found = commands("int", limit=1000)
    exact, prefix, inside = found.index(r"\int"), found.index(r"\intercal"), found.index(r"\iint")
    assert exact < prefix < inside


def test_several_words_must_all_match() -> None:
    assert commands("arrow snowman") == []
    assert all("arrow" in command.lower() for command in commands("amssymb arrow left", limit=5))


def test_a_repeated_word_changes_nothing() -> None:
    assert search("left arrow left left arrow") == search("left arrow left arrow")


def test_nothing_is_found_for_nothing() -> None:
    assert search("") == search("   ") == search("alpha", limit=0) == []


@given(st.text(max_size=30), st.integers(-1, 60))
def test_any_query_gets_an_answer_within_the_limit(query: str, limit: int) -> None:
    found = search(query, limit)
    assert len(found) <= max(limit, 0)
    assert len({symbol.key for symbol in found}) == len(found)


def test_every_symbol_is_found_by_its_command() -> None:
    for symbol in list(CATALOG.values())[::7]:
        assert symbol.command in commands(symbol.command, limit=5)


@given(KEYS, st.data())
def test_a_query_with_a_missing_letter_finds_the_symbol(key: str, data: st.DataObject) -> None:
    name = CATALOG[key].command.removeprefix("\\")
    assume(name.isalpha() and len(name) >= 6)
    at = data.draw(st.integers(1, len(name) - 1))
    typed = (name[:at] + name[at + 1 :]).casefold()
    found = search(typed, limit=2000)
    # What is left may be part of another name, which then is found instead.
    other = any(
        typed in " ".join([symbol.command, str(symbol.unicode_name), str(symbol.typst), *names_of(symbol)]).casefold()
        for symbol in found
    )
    assert other or CATALOG[key].command in [symbol.command for symbol in found]
