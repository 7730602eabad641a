r"""A LaTeX document: which symbols it can print with what it loads, and what to type in it for each.

    >>> from extexify.catalog.document import read_document
    >>> document = read_document(r"\usepackage{amsfonts} \newcommand{\R}{\mathbb{R}}")
    >>> document.typed("amssymb-OT1-_mathbb{R}"), document.needs("stmaryrd-OT1-_llbracket")
    ('\\R', '\\usepackage{stmaryrd}')

Its source is read, never compiled (see `extexify.catalog.preamble`). ``web/document.js`` is the same in JavaScript.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

from extexify.catalog.keys import Symbol
from extexify.catalog.lookalikes import drawn_alike
from extexify.catalog.packages import (
    LOADING_OPTIONS,
    UNICODE_MATH,
    clashes,
    command_versions,
    keys_by_command,
    loads_by_file,
    printed_by,
    provided_commands,
    same_character,
)
from extexify.catalog.preamble import MAX_LENGTH, Definition, Font, Load, Statement, statements
from extexify.catalog.symbols import aliases_of, load_catalog, symbol_for
from extexify.core.errors import UserError, in_one_line

UNLOADED = 0.05
"""Weight of a symbol that the document can't print yet, relative to one that it can: as each step away from plain LaTeX
counts in `extexify.model.answers`."""

OTHER_VERSION = 0.5
"""Weight of a symbol whose command prints another package's version of it in the document."""

FULL_FONTS = ("stix", "xits")
"""Parts of the names of math fonts that have all symbols of unicode-math."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Document:
    """What a document loads and defines, as far as symbols are concerned.

    packages: those of the catalogue that it loads, also by way of others or its class. unknown: the packages and
    classes that it names and the catalogue knows nothing of, in their order. options: by package, those that it is
    loaded with. macros: by key, the document's own command for a symbol. redefined: commands of LaTeX or of `packages`
    that the document gives another meaning, and that meaning. defined: all commands that it defines. math_font: the
    font that `\\setmathfont` chooses; empty if none.
    """

    packages: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()
    options: Mapping[str, frozenset[str]] = field(default_factory=lambda: _NOTHING)
    macros: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    redefined: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    defined: frozenset[str] = frozenset()
    math_font: str = ""

    @property
    def unicode_math(self) -> bool:
        """Whether unicode-math is loaded, whose names then work for all characters."""
        return UNICODE_MATH in self.packages

    @property
    def needs_opentype(self) -> bool:
        """Whether only XeLaTeX and LuaLaTeX can compile it."""
        return self.unicode_math or "fontspec" in self.packages

    def has(self, key: str) -> bool:
        """Whether the document can print the symbol with what it loads and defines."""
        return self._source(key) is not None

    def needs(self, key: str) -> str | None:
        """The preamble lines that the symbol would need, separated by newlines; None if nothing is missing."""
        if self.has(key):
            return None
        lines = symbol_for(key).usepackage.splitlines()
        return "\n".join(line for line in lines if not all(self._meets(one) for one in _required(line)))

    def typed(self, key: str) -> str:
        """What to type for the symbol: the document's macro, or else a command that works with what it loads, or else
        the symbol's command."""
        source = self._source(key)
        return symbol_for(key).command if source is None else source

    def weight(self, key: str) -> float:
        """How much the document speaks for the symbol: 1 if it can print it, UNLOADED if not, OTHER_VERSION if it can
        print another package's symbol of the same command that people draw alike."""
        if not self.has(key):
            return UNLOADED
        symbol = symbol_for(key)
        others = self.packages & command_versions().get(symbol.command, {}).keys()
        own = key in self.macros or not others or symbol.package in others or not symbol.usepackage
        return 1.0 if own else OTHER_VERSION

    def ordered(self, keys: Sequence[str]) -> list[str]:
        """The keys, among look-alikes those of the greatest weight first; otherwise in the order given."""
        groups: dict[str, list[str]] = defaultdict(list)
        names = [min((key, *drawn_alike(key))) for key in keys]
        for name, key in zip(names, keys, strict=True):
            groups[name].append(key)
        following = {name: iter(sorted(group, key=self.weight, reverse=True)) for name, group in groups.items()}
        return [next(following[name]) for name in names]

    def macro_meanings(self) -> list[tuple[str, str]]:
        """The macros for symbols, each with the command that it stands for, sorted."""
        return sorted({(macro, symbol_for(key).command) for key, macro in self.macros.items()})

    def defines(self, command: str) -> bool:
        """Whether LaTeX or one of the packages has a symbol of that command."""
        return any(self._prints(symbol_for(key)) for key in keys_by_command().get(command, ()))

    @property
    def clashes(self) -> tuple[str, ...]:
        """A sentence about each two packages that print different symbols by one command, and about each command that
        the document redefines."""
        of_packages = (sentence for pair, sentence in clashes().items() if self.packages.issuperset(pair))
        return (*of_packages, *self._redefinitions())

    def _source(self, key: str) -> str | None:
        """A source that prints the symbol; None without one."""
        if macro := self.macros.get(key):
            return macro
        symbol = symbol_for(key)
        if self._prints(symbol):
            return symbol.command
        for alias in aliases_of(key):
            if alias.package in self.packages:
                return alias.alias
        same = same_character(symbol) if self.unicode_math else None
        return same.command if same is not None and self._prints(same) else None

    def _prints(self, symbol: Symbol) -> bool:
        """Whether the symbol's command prints it, or a symbol that people draw alike."""
        if not symbol.usepackage or all(self._meets(one) for one in _required(symbol.usepackage)):
            return True
        return not self.packages.isdisjoint(printed_by(symbol))

    def _meets(self, statement: Statement) -> bool:
        """Whether the document does what a preamble line does."""
        if isinstance(statement, Definition):
            return statement.command in self.defined
        if isinstance(statement, Font):
            return any(part in self.math_font.casefold() for part in FULL_FONTS)
        if statement.name == "fontenc" and self.needs_opentype:
            return True
        options = self.options.get(statement.name)
        loaded = options is not None or statement.name in self.packages
        return loaded and statement.options <= (options or frozenset())

    def _redefinitions(self) -> Iterator[str]:
        for command, meaning in self.redefined.items():
            yield in_one_line(f"The document gives {command} another meaning{f': {meaning}' if meaning else ''}.")


def read_document(*texts: str, packages: Iterable[str] = ()) -> Document:
    """The document with these texts, each a preamble, a whole document or a package, and with further packages.

    Any text can be read; what isn't understood is passed over. Raises UserError for a text of more than
    `preamble.MAX_LENGTH` characters.
    """
    found = [*(one for text in texts for one in statements(text)), *(Load("package", name) for name in packages)]
    loads = [one for one in found if isinstance(one, Load)]
    fonts = [one.name for one in found if isinstance(one, Font)]
    options: dict[str, set[str]] = defaultdict(set)
    for load in loads:
        if load.kind == "package":
            options[load.name] |= load.options
    plain = Document(
        packages=frozenset(name for load in loads for name in _loaded_by(load)),
        unknown=tuple(dict.fromkeys(load.name for load in loads if not _is_known(load))),
        options=MappingProxyType({name: frozenset(given) for name, given in options.items()}),
        math_font=fonts[-1] if fonts else "",
    )
    meanings = _meanings((one for one in found if isinstance(one, Definition)), plain)
    return replace(
        plain,
        macros=MappingProxyType(dict(_macros(meanings, plain))),
        redefined=MappingProxyType(
            {command: meaning for command, meaning in meanings.items() if meaning != command and plain.defines(command)}
        ),
        defined=frozenset(meanings),
    )


def open_document(path: Path) -> Document:
    """The document in a file. Raises UserError for a file that can't be read, or is too long."""
    try:
        with path.open("rb") as file:
            return read_document(text_of(file))
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror})") from None


def text_of(file: BinaryIO) -> str:
    """The text of a file, of which no more is read than a document may have: UTF-8, or else Latin-1, in which older
    documents are; every file is text in that."""
    content = file.read(4 * MAX_LENGTH + 4)  # no character has more than four bytes
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def catalogue_packages() -> tuple[str, ...]:
    """The packages that the catalogue's symbols need, sorted."""
    lines = {line for symbol in load_catalog().values() for line in symbol.usepackage.splitlines()}
    names = {one.name for line in lines for one in _required(line) if isinstance(one, Load)}
    return tuple(sorted(names - {"fontenc"}, key=str.casefold))


def _meanings(definitions: Iterable[Definition], plain: Document) -> dict[str, str]:
    r"""What each command that a document defines stands for: of ``\let\e\epsilon \def\epsilon{\varepsilon}``,
    ``\epsilon`` and ``\varepsilon``."""
    meanings: dict[str, str] = {}
    for one in definitions:
        if not one.if_new or not (one.command in meanings or plain.defines(one.command)):
            meanings[one.command] = meanings.get(one.body, one.body)
    return meanings


def _macros(meanings: Mapping[str, str], plain: Document) -> Iterator[tuple[str, str]]:
    """The key of each symbol that a document defines a command for, and that command."""
    for command, meaning in meanings.items():
        if meaning != command:
            keys = keys_by_command().get(meaning, ())
            yield from ((key, command) for key in [key for key in keys if plain.has(key)] or keys[:1])


def _loaded_by(load: Load) -> Iterator[str]:
    """The packages of the catalogue that a package or class loads, and itself.

    Without those that an option leaves out: beamer.cls has ``noamssymb``, amsart.cls ``noamsfonts``.
    """
    if load.kind == "package" and load.name in provided_commands():
        yield load.name
    elif load.kind == "class":
        yield from load.options.intersection(LOADING_OPTIONS.get(load.name, ()))
    yield from (name for name in loads_by_file().get(_file(load), ()) if f"no{name}" not in load.options)


def _is_known(load: Load) -> bool:
    return (load.kind == "package" and load.name in provided_commands()) or _file(load) in loads_by_file()


def _file(load: Load) -> str:
    return f"{load.name}.{'cls' if load.kind == 'class' else 'sty'}"


@lru_cache(maxsize=1 << 12)
def _required(line: str) -> tuple[Statement, ...]:
    """What a symbol's preamble line does."""
    return tuple(statements(line))
