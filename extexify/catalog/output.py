r"""The forms in which a symbol is typed elsewhere: Typst, a Unicode character, HTML, Markdown.

>>> from extexify.catalog.output import OutputFormat, formatted
>>> from extexify.catalog.symbols import symbol_for
>>> formatted(symbol_for("latex2e-OT1-_forall"), OutputFormat.HTML)
'&forall;'
"""

from __future__ import annotations

import string
from collections.abc import Callable
from enum import StrEnum
from functools import cache, lru_cache
from html.entities import codepoint2name, html5

from extexify.catalog.keys import Symbol


class OutputFormat(StrEnum):
    """A form in which symbols are shown and copied, by its name on the command line."""

    LATEX = "latex"
    TYPST = "typst"
    UNICODE = "unicode"
    SYMBOL = "symbol"
    CHAR = "char"
    HTML = "html"
    MARKDOWN = "markdown"

    @property
    def label(self) -> str:
        """Its name on pages."""
        return _LABELS[self]


_LABELS = {
    OutputFormat.LATEX: "LaTeX command",
    OutputFormat.TYPST: "Typst",
    OutputFormat.UNICODE: "Unicode character",
    OutputFormat.SYMBOL: r"\symbol, for fonts",
    OutputFormat.CHAR: r"\char, for fonts",
    OutputFormat.HTML: "HTML entity",
    OutputFormat.MARKDOWN: "Markdown",
}


def labels() -> list[list[str]]:
    """Name and label of every format, as pages list them."""
    return [[output.value, output.label] for output in OutputFormat]


def formatted(symbol: Symbol, output: OutputFormat) -> str | None:
    r"""The symbol in a format; None where it has no such form.

    Typst is the source in a formula. ``\symbol`` and ``\char`` print the Unicode character with XeLaTeX and LuaLaTeX,
    in running text, if the document's font has it. Markdown is the command between dollar signs, the character of a
    symbol of text.
    """
    return _FORMS[output](symbol)


def shown(symbol: Symbol, output: OutputFormat) -> str:
    """The symbol in a format; without such a form its LaTeX command, marked as that."""
    return formatted(symbol, output) or f"{symbol.command} (LaTeX)"


@lru_cache(maxsize=1 << 15)  # the Draw page asks for those of several hundred symbols at every stroke
def _all_forms(symbol: Symbol) -> tuple[tuple[str, str], ...]:
    forms = ((output.value, formatted(symbol, output)) for output in OutputFormat if output != OutputFormat.LATEX)
    return tuple((name, form) for name, form in forms if form is not None)


def forms(symbol: Symbol) -> dict[str, str]:
    """The forms of a symbol besides its command, by the names of their formats; those that it lacks are left out."""
    return dict(_all_forms(symbol))


def _for_characters(form: Callable[[str], str]) -> Callable[[Symbol], str | None]:
    """A form that is made from each Unicode character of the symbol."""
    return lambda symbol: "".join(map(form, symbol.unicode)) if symbol.unicode else None


def _html(symbol: Symbol) -> str | None:
    characters = symbol.unicode
    if not characters:
        return None
    return _entity(characters, symbol.command) or "".join(
        _entity(one, symbol.command) or f"&#x{ord(one):X};" for one in characters
    )


def _entity(characters: str, command: str) -> str | None:
    r"""The named entity of HTML: that of HTML 4, which programs of any age know, else the one named like the command
    (``\subsetneq``), else the shortest."""
    names = _entities().get(characters, ())
    preferred = (codepoint2name.get(ord(characters)) if len(characters) == 1 else None, command.removeprefix("\\"))
    name = next((name for name in preferred if name in names), names[0] if names else None)
    return name and f"&{name};"


@cache
def _entities() -> dict[str, list[str]]:
    """The names of the entities of a text, the shortest first."""
    names: dict[str, list[str]] = {}
    for name, characters in html5.items():
        if name.endswith(";"):  # old names may stand without one
            names.setdefault(characters, []).append(name[:-1])
    return {text: sorted(found, key=lambda name: (len(name), name.lower(), name)) for text, found in names.items()}


def _markdown(symbol: Symbol) -> str | None:
    if symbol.mode != "text":
        return f"${symbol.command}$"
    return symbol.unicode and "".join(f"\\{one}" if one in string.punctuation else one for one in symbol.unicode)


_FORMS: dict[OutputFormat, Callable[[Symbol], str | None]] = {
    OutputFormat.LATEX: lambda symbol: symbol.command,
    OutputFormat.TYPST: lambda symbol: symbol.typst,
    OutputFormat.UNICODE: lambda symbol: symbol.unicode,
    OutputFormat.SYMBOL: _for_characters(lambda one: f'\\symbol{{"{ord(one):04X}}}'),
    OutputFormat.CHAR: _for_characters(lambda one: f'\\char"{ord(one):04X}'),
    OutputFormat.HTML: _html,
    OutputFormat.MARKDOWN: _markdown,
}
