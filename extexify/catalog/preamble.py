r"""A reader of LaTeX preambles: which packages and classes a text loads, and which commands it defines.

It reads the source as text: nothing is expanded, compiled, opened or loaded. Reading takes time and memory in
proportion to the length of the text, whatever is in it, and every text can be read: what isn't understood is passed
over. Of conditionals, all branches are read, except of `\iffalse`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from extexify.core.errors import UserError

MAX_LENGTH = 1_000_000
"""Characters of a text; a preamble, and most papers with it, have less than a tenth."""

MAX_BODY = 40
"""Tokens in the body of a macro that may be a symbol; a longer one is none."""

Token = str
r"""A control sequence (``\alpha``, ``\%``), one of ``{}[]``, or a run of other characters. Comments aren't tokens."""

# A comment ends with its line, and takes the line's end and the next line's indentation with it.
_TOKEN = re.compile(r"%[^\n]*(?:\n[ \t]*)?|(\\(?:[A-Za-z@]+|.)|[{}\[\]]|[^\\{}\[\]%]+|\\)", re.DOTALL)

# Environments whose content isn't LaTeX to be read here, and the one that ends the preamble.
_ENVIRONMENT = re.compile(r"\s*\{(comment|filecontents\*?|verbatim|document)\}")

_LOADS: dict[str, Literal["package", "class"]] = {
    r"\usepackage": "package",
    r"\RequirePackage": "package",
    r"\RequirePackageWithOptions": "package",
    r"\documentclass": "class",
    r"\LoadClass": "class",
    r"\LoadClassWithOptions": "class",
}

# Commands of the form \newcommand*{\name}[arguments][default]{body}.
_NEW = frozenset({r"\newcommand", r"\renewcommand", r"\providecommand", r"\DeclareRobustCommand"})

# \NewDocumentCommand{\name}{arguments}{body}; without arguments the second is empty.
_DOCUMENT_COMMANDS = frozenset(
    f"\\{verb}{kind}DocumentCommand" for verb in ("New", "Renew", "Provide", "Declare") for kind in ("", "Expandable")
)

_IF_NEW = frozenset({r"\providecommand", r"\ProvideDocumentCommand", r"\ProvideExpandableDocumentCommand"})

# \def\name parameters{body}
_DEF = frozenset({r"\def", r"\gdef", r"\edef", r"\xdef", r"\protected@edef", r"\protected@xdef"})

# What may stand around a symbol in a macro without changing which one it is.
_AROUND = frozenset({r"\ensuremath", r"\mathord", r"\mathop", r"\mathbin", r"\mathrel", r"\text", r"\mbox"})

_COMMAND = re.compile(r"\\(?:[A-Za-z@]+|[!-~])")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


@dataclass(frozen=True, slots=True)
class Load:
    r"""A package or class that a text loads, with the options it is given: ``\usepackage[T1]{fontenc}``."""

    kind: Literal["package", "class"]
    name: str
    options: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Definition:
    r"""A command that a text defines. body: what it stands for, without what only surrounds a symbol; empty if it takes
    arguments, or is longer than any symbol's source. if_new: only where the command isn't defined yet.

    Spaces are left out, and a letter after a command is put into braces: ``\mathbb R`` is ``\mathbb{R}``.
    """

    command: str
    body: str
    if_new: bool = False


@dataclass(frozen=True, slots=True)
class Font:
    r"""A font for formulas that a text chooses: ``\setmathfont{STIXTwoMath-Regular.otf}``."""

    name: str


Statement = Load | Definition | Font


def statements(text: str) -> list[Statement]:
    r"""What a text loads and defines, in its order, up to ``\begin{document}`` or ``\endinput``.

    Raises UserError for a text of more than MAX_LENGTH characters.
    """
    if len(text) > MAX_LENGTH:
        raise UserError(f"a document may have {MAX_LENGTH:,} characters, not {len(text):,}: give its preamble alone")
    return list(_Reader(_tokens(text.replace("\r\n", "\n").replace("\r", "\n"))).statements())


def _tokens(text: str) -> list[Token]:
    r"""The tokens up to the end of the preamble, without what ``comment``, ``filecontents`` and
    ``\iffalse … \fi`` enclose."""
    tokens: list[Token] = []
    at = unread = 0  # unread: how many \if… are open, from an \iffalse on
    begins_line = True
    while at < len(text):
        found = _TOKEN.match(text, at)
        assert found is not None  # every character begins a token
        at = found.end()
        token = found.group(1)
        if token is None:
            begins_line = True
            continue
        if unread:
            unread += token.startswith(r"\if") - (token == r"\fi")
            continue
        # Elsewhere in a line it is the meaning that a \let gives to a switch.
        if token == r"\iffalse" and begins_line:
            unread = 1
            continue
        if token.strip() or "\n" in token:
            begins_line = "\n" in token and not token.rpartition("\n")[2].strip()
        environment = _ENVIRONMENT.match(text, at) if token == r"\begin" else None
        if token == r"\endinput" or (environment and environment.group(1) == "document"):
            break
        if environment:
            end = text.find(rf"\end{{{environment.group(1)}}}", at)
            at = len(text) if end < 0 else end
            continue
        tokens.append(token)
    return tokens


class _Reader:
    """A position in a list of tokens, of which every opening bracket's closing one is known.

    Each method reads from the position on, and leaves it where it was if it doesn't find what it looks for.
    """

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.closing = _closings(tokens)
        self.at = 0

    def statements(self) -> Iterator[Statement]:
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            if token in _LOADS:
                yield from self._loads(_LOADS[token])
            elif token == r"\setmathfont":
                self._bracketed()
                yield from [Font(name) for name in [self._braced()] if name]
            elif definition := self._definition(token):
                yield definition

    def _loads(self, kind: Literal["package", "class"]) -> Iterator[Load]:
        options = frozenset(_listed(self._bracketed() or ""))
        for name in _listed(self._braced() or ""):
            if _NAME.fullmatch(name):
                yield Load(kind, name, options)

    def _definition(self, token: Token) -> Definition | None:
        if token in _NEW:
            command = self._command()
            takes_arguments = self._bracketed() is not None
        elif token in _DOCUMENT_COMMANDS:
            command = self._command()
            takes_arguments = bool((self._braced() or "").strip())
        elif token in (r"\DeclareMathOperator", r"\DeclareMathSymbol"):
            command = self._command()
            # The second names a character of a font, by its number.
            takes_arguments = token == r"\DeclareMathSymbol"
        elif token in _DEF:
            command = self._command()
            takes_arguments = self._parameters()
        elif token == r"\let":
            command, takes_arguments = self._command(), False
            self._skip("=")
        else:
            return None
        if not command:
            return None
        if takes_arguments:
            return Definition(command, "")
        if token == r"\let":
            meant = self._command()
            return Definition(command, meant) if meant else None
        body = self._argument()
        return None if body is None else Definition(command, symbol_source(body), token in _IF_NEW)

    def _next(self) -> Token | None:
        """The next token that isn't blank, at which the position then is."""
        while self.at < len(self.tokens) and self.tokens[self.at].isspace():
            self.at += 1
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _skip(self, text: str) -> None:
        token = self._next()
        if token is not None and token.strip() == text:
            self.at += 1

    def _argument(self) -> Sequence[Token] | None:
        """The tokens of a group in braces, or one control sequence; of a long group only the first ones."""
        token = self._next()
        if token == "{" and self.at in self.closing:
            begin, end = self.at + 1, self.closing[self.at]
            self.at = end + 1
            return self.tokens[begin : min(end, begin + MAX_BODY + 1)]
        if token is not None and token.startswith("\\"):
            self.at += 1
            return [token]
        return None

    def _command(self) -> str:
        r"""The control sequence that a definition names, with or without braces and a star; empty without one."""
        self._skip("*")
        before = self.at
        named = [token for token in self._argument() or () if not token.isspace()]
        if len(named) == 1 and _COMMAND.fullmatch(named[0]):
            return named[0]
        self.at = before
        return ""

    def _parameters(self) -> bool:
        r"""Whether the command that ``\def`` defines takes arguments; the position is then at its body."""
        token = self._next()
        if token is None or token == "{" or token.startswith("\\"):
            return token is not None and token != "{"
        return True

    def _bracketed(self) -> str | None:
        """The text of an optional argument."""
        return self._enclosed("[")

    def _braced(self) -> str | None:
        """The text of an argument in braces."""
        return self._enclosed("{")

    def _enclosed(self, opening: Token) -> str | None:
        self._skip("*")
        if self._next() != opening or self.at not in self.closing:
            return None
        begin, end = self.at + 1, self.closing[self.at]
        self.at = end + 1
        return "".join(self.tokens[begin:end])


def _closings(tokens: Sequence[Token]) -> dict[int, int]:
    """The index of the closing bracket of each opening one that has one. As TeX does, the first ``]`` outside of
    braces closes a ``[``."""
    closing: dict[int, int] = {}
    opened: list[int] = []
    for number, token in enumerate(tokens):
        if token in ("{", "["):
            opened.append(number)
        elif token == "]":
            while opened and tokens[opened[-1]] == "[":
                closing[opened.pop()] = number
        elif token == "}":
            while opened and tokens[opened[-1]] == "[":
                opened.pop()
            if opened:
                closing[opened.pop()] = number
    return closing


def _listed(text: str) -> list[str]:
    """The names in a list with commas; a long list of options may have values, which count as a part of them."""
    return [name for name in ("".join(part.split()) for part in text.split(",")) if name]


def symbol_source(body: Sequence[Token]) -> str:
    r"""The source of the symbol that a macro's body is; empty for a body longer than MAX_BODY tokens.

    ``\ensuremath{\mathbb R}`` gives ``\mathbb{R}``.
    """
    if len(body) > MAX_BODY:
        return ""
    tokens = [token for token in ("".join(token.split()) for token in body) if token]
    while tokens:
        if tokens[-1] == r"\xspace":
            tokens.pop()
        elif tokens[0] in _AROUND and len(tokens) > 1:
            tokens = tokens[1:]
        elif (tokens[0] == tokens[-1] == "$" and len(tokens) > 2) or _closings(tokens).get(0) == len(tokens) - 1:
            tokens = tokens[1:-1]
        else:
            break
    if len(tokens) == 2 and tokens[0][1:].isalpha() and len(tokens[1]) == 1:
        return f"{tokens[0]}{{{tokens[1]}}}"
    return "".join(tokens)
