"""INSERT statements of a dump: the values of each row, as a stream.

The syntax is that of pg_dump's --inserts, --column-inserts and --rows-per-insert:
https://www.postgresql.org/docs/current/sql-insert.html
"""

from __future__ import annotations

import re
from collections.abc import Generator

from extexify.sources.copy import MAX_LINE, Lines, resolve_escapes

Values = list[bytes | None]

_TOKEN = re.compile(rb"\s*+(?:(?P<sign>[(),;])|(?P<quote>(?:\b[eE])?')|(?P<word>[^\s(),;']++))")
_TEXT = re.compile(rb"[^']*+(?:''[^']*+)*+")
_ESCAPED_TEXT = re.compile(rb"[^'\\]*+(?:(?:''|\\.)[^'\\]*+)*+", re.DOTALL)


class CutOff(Exception):
    """The file ends inside a statement."""


def inserted_values(
    line: bytes, position: int, truncated: bool, lines: Lines, *, escapes: bool = False
) -> Generator[Values | None]:
    """The values of each row of an INSERT statement, None for a row that is longer than any drawing.

    The statement's values begin at `position` of a line and go on in the following `lines` up to its semicolon. Numbers
    and the like are returned as they are written; `escapes`: backslashes are escapes in all strings. Raises `CutOff`.
    """
    scanner = _Scanner(line, position, truncated, lines, escapes)
    depth = 0
    values: Values = []
    value: bytes | None = None
    has_value = behind = False  # behind: after the rows, in ON CONFLICT …
    while (token := scanner.token()) is not None:
        kind, text = token
        if kind == "cut":
            yield None
            return
        if kind == "sign" and text == b";" and not depth:
            return
        if behind:
            continue
        if text == b"(" and kind == "sign":
            depth += 1
            if depth == 1:
                values, value, has_value = [], None, False
        elif kind == "sign" and depth == 1 and text in b",)":
            values.append(value)
            value, has_value = None, False
            if text == b")":
                depth = 0
                yield values
        elif kind == "sign" and depth and text == b")":
            depth -= 1
        elif kind != "sign" and not depth:
            behind = True
        elif kind != "sign" and depth == 1 and not has_value:  # what follows a value is its type: ::json
            has_value = True
            value = None if kind == "word" and text.upper() == b"NULL" else text
    raise CutOff


class _Scanner:
    """The tokens of a statement that goes on over several lines."""

    def __init__(self, line: bytes, position: int, truncated: bool, lines: Lines, escapes: bool) -> None:
        self._line, self._position, self._truncated = line + b"\n", position, truncated
        self._lines, self._escapes = lines, escapes

    def token(self) -> tuple[str, bytes] | None:
        """The next token and its kind: a "sign", a "word", a "text" without quotes; "cut" for what was cut off.

        None at the end of the file.
        """
        while True:
            if match := _TOKEN.match(self._line, self._position):
                self._position = match.end()
                if match.lastgroup != "quote":
                    return match.lastgroup or "", match.group(match.lastgroup or 0)
                return self._text(escapes=self._escapes or len(match["quote"]) > 1)
            if not self._next_line():
                return ("cut", b"") if self._truncated else None

    def _text(self, *, escapes: bool) -> tuple[str, bytes] | None:
        """The string literal whose opening quote was just read."""
        pattern = _ESCAPED_TEXT if escapes else _TEXT
        parts: list[bytes] = []
        size = 0
        while True:
            start = self._position
            match = pattern.match(self._line, start)
            self._position = match.end() if match else start
            parts.append(self._line[start : self._position])
            size += len(parts[-1])
            if size > MAX_LINE:
                return "cut", b""
            if self._position < len(self._line):  # at the closing quote
                self._position += 1
                text = b"".join(parts).replace(b"''", b"'")
                return "text", resolve_escapes(text) if escapes else text
            if not self._next_line():
                return ("cut", b"") if self._truncated else None

    def _next_line(self) -> bool:
        """Go to the next line; False at the end of the file or where a line was truncated."""
        if self._truncated or (following := next(self._lines, None)) is None:
            return False
        line, self._truncated = following
        self._line, self._position = line + b"\n", 0
        return True
