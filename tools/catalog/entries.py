r"""Catalogue entries from keys: the parts of the key, the modes that LaTeX accepts, Unicode and Typst names."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterable

from extexify.catalog.keys import Symbol, derive_symbol
from tools.catalog import unicode_tables
from tools.catalog.latex import Request, print_symbols
from tools.catalog.modes import mode_of
from tools.catalog.outlines import Outline
from tools.catalog.typst_names import typst_expressions

# mathtools gave these three a second meaning in 2022 (:= for \coloneq). People drew, and the key means, the first
# one (:-), which this option keeps.
_LEGACY_COLONS = (r"\coloneq", r"\eqcolon", r"\Eqcolon")
_LEGACY_COLONS_LINE = r"\usepackage[legacycolonsymbols]{mathtools}"

# Unicode where the tables say nothing, or something else than the symbol that LaTeX prints.
_UNICODE = {
    # one character of plain LaTeX, or a name that is not in the tables
    "-": "‐", "--": "–", "---": "—", "!`": "¡", "/": "/", "[": "[", "]": "]", "|": "|", r"\|": "‖",
    r"\#": "#", r"\$": "$", r"\%": "%", r"\&": "&", r"\_": "_", r"\{": "{", r"\}": "}",
    r"\AA": "Å", r"\aa": "å", r"\P": "¶", r"\SS": "ẞ", r"\c{c}": "ç", r"\sqrt{}": "√", r"\ldotp": ".",
    r"\colon": ":", r"\bigcirc": "◯", r"\hbar": "ℏ", r"\triangle": "△", r"\diamond": "⋄", r"\cdotp": "·",
    # the dots: one character on the line, another at the height of the axis
    r"\dots": "…", r"\ldots": "…", r"\dotsc": "…", r"\dotso": "…", r"\mathellipsis": "…",
    r"\dotsb": "⋯", r"\dotsm": "⋯", r"\dotsi": "⋯", r"\iddots": "⋰",
    # variants that share one Unicode character
    r"\square": "□", r"\blacksquare": "■", r"\blacklozenge": "⧫", r"\centerdot": "⬝", r"\circledR": "®",
    r"\circledS": "Ⓢ", r"\digamma": "ϝ", r"\varkappa": "ϰ", r"\diagup": "⟋", r"\diagdown": "⟍",
    r"\setminus": "∖", r"\Box": "□",
    r"\shortmid": "∣", r"\nshortmid": "∤", r"\shortparallel": "∥", r"\nshortparallel": "∦",
    r"\smallfrown": "⌢", r"\smallsmile": "⌣", r"\thickapprox": "≈", r"\thicksim": "∼", r"\varpropto": "∝",
    r"\backepsilon": "϶", r"\circlearrowleft": "↺", r"\circlearrowright": "↻",
    r"\gvertneqq": "≩︀", r"\lvertneqq": "≨︀", r"\varsubsetneq": "⊊︀", r"\varsubsetneqq": "⫋︀",
    r"\varsupsetneq": "⊋︀", r"\varsupsetneqq": "⫌︀",
    r"\not\approx": "≉", r"\not\equiv": "≢", r"\not\sim": "≁", r"\not\simeq": "≄",
    r"\mathfrak{I}": "ℑ", r"\mathfrak{R}": "ℜ",
    # integrals
    r"\varoiint": "∯", r"\varointctrclockwise": "∳", r"\varointclockwise": "∲",
    # units and colons
    r"\celsius": "℃", r"\degree": "°", r"\ohm": "Ω", r"\coloneqq": "≔", r"\Coloneqq": "⩴", r"\eqqcolon": "≕",
    r"\eqcolon": "∹", r"\coloneq": None, r"\dblcolon": "∷",
    # stmaryrd and skull
    r"\Lbag": "⟅", r"\Rbag": "⟆", r"\skull": "☠", r"\shortleftarrow": "←", r"\shortrightarrow": "→",
    r"\shortuparrow": "↑", r"\shortdownarrow": "↓",
    # text symbols
    r"\textpilcrow": "¶", r"\texttimes": "×", r"\textdiv": "÷", r"\textpm": "±",
    r"\textdblhyphen": "⹀", r"\textdblhyphenchar": "⹀",
    r"\textdollaroldstyle": "$", r"\textcentoldstyle": "¢", r"\textcopyleft": "🄯",
    r"\textlangle": "⟨", r"\textrangle": "⟩", r"\textquotestraightbase": "‚", r"\textquotestraightdblbase": "„",
    r"\textbarg": "ǥ", r"\textctdctzlig": "ʥ", r"\textcttctclig": "ʨ", r"\textdoublebarslash": "⫽",
    r"\texttoneletterstem": "꜖", r"\textscomega": "ꭥ", r"\textturncelig": "ꭢ",
    # Euler has one rho and one sigma, which upgreek prints for the variants too
    r"\upvarrho": "ρ", r"\upvarsigma": "σ",
    # marvosym and wasysym
    r"\uranus": "⛢", r"\Moon": "☽", r"\Sun": "☉", r"\Bat": "🦇", r"\Celtcross": "🕈",
    r"\EUR": "€", r"\Email": "📧", r"\FAX": "℻", r"\Mobilefone": "📱", r"\Pfund": "℔",
    r"\ascnode": "☊", r"\descnode": "☋", r"\bell": "🔔", r"\checked": "✓", r"\conjunction": "☌",
    r"\opposition": "☍", r"\fullmoon": "○", r"\newmoon": "●", r"\kreuz": "✠", r"\ocircle": "○",
    r"\permil": "‰", r"\vernal": "♈", r"\phone": "☎", r"\cent": "¢", r"\currency": "¤", r"\recorder": "⌕",
    r"\LEFTarrow": "◀", r"\RIGHTarrow": "▶", r"\Square": "☐",
}  # fmt: skip

# What Typst has under another character than Unicode's tables for LaTeX name, or as a function.
_TYPST = {
    r"\sqrt{}": "sqrt(x)", r"\Bbbk": "bb(k)", r"\hbar": "planck", r"\aleph": "aleph", r"\setminus": "without",
    r"\imath": "dotless.i", r"\jmath": "dotless.j",
}  # fmt: skip


def build_entries(keys: Iterable[str]) -> tuple[dict[str, Symbol], dict[str, Outline]]:
    """The entries and their outlines. SystemExit names the symbols that LaTeX does not print as catalogued."""
    derived = [derive_symbol(key) for key in keys]
    derived = [
        dataclasses.replace(symbol, usepackage=_LEGACY_COLONS_LINE)
        if symbol.package == "mathtools" and symbol.command in _LEGACY_COLONS
        else symbol
        for symbol in derived
    ]
    printed = print_symbols(
        Request(symbol.command, symbol.usepackage, mode) for symbol in derived for mode in ("math", "text")
    )
    plain = print_symbols(
        Request(symbol.command, "", "math") for symbol in derived if symbol.package in ("amssymb", "amsmath")
    )
    entries: dict[str, Symbol] = {}
    glyphs: dict[str, Outline] = {}
    failures: list[str] = []
    for symbol in derived:
        math = printed[Request(symbol.command, symbol.usepackage, "math")]
        text = printed[Request(symbol.command, symbol.usepackage, "text")]
        mode = mode_of(symbol, math, text)
        if mode is None:
            failures.append(f"{symbol.key}: {(math.complaints + text.complaints)[0]}")
            continue
        glyph = text if mode == "text" or (mode == "both" and symbol.mode == "text") else math
        unprefixed = plain.get(Request(symbol.command, "", "math"))
        if unprefixed and unprefixed.sound and unprefixed.outline == glyph.outline:
            symbol = dataclasses.replace(symbol, usepackage="")  # the package defines it, but plain LaTeX does too
        entries[symbol.key] = dataclasses.replace(symbol, mode=mode)
        glyphs[symbol.key] = glyph.outline
    if failures:
        raise SystemExit("These do not print as catalogued:\n" + "\n".join(failures))
    return entries, glyphs


def with_names(symbol: Symbol) -> Symbol:
    """The symbol with its Unicode and Typst names anew."""
    characters = _unicode(symbol)
    typst = _TYPST.get(symbol.command) or typst_expressions().for_alphabet(symbol.command)
    if characters is None:
        return dataclasses.replace(symbol, unicode=None, unicode_name=None, typst=typst)
    names = [unicodedata.name(character, "") for character in characters]
    return dataclasses.replace(
        symbol,
        unicode=characters,
        # A variation selector only chooses a form of the character before it.
        unicode_name=" + ".join(name for name in names if name and not name.startswith("VARIATION SELECTOR")),
        typst=typst or typst_expressions().for_character(characters),
    )


def _unicode(symbol: Symbol) -> str | None:
    command = symbol.command
    if command in _UNICODE:
        return _UNICODE[command]
    tables = [unicode_tables.hyperref(), unicode_tables.kernel_text(), unicode_tables.phonetic()]
    found = None if command.startswith(r"\text") else unicode_tables.in_unicode_math(symbol)
    return found or next((table[command] for table in tables if command in table), None)
