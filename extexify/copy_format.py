"""PostgreSQL's COPY text format: a server's `COPY … TO STDOUT` stream and a dump's COPY block are the same.

The format: https://www.postgresql.org/docs/current/sql-copy.html, "Text Format".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from extexify.sources import COLUMNS, Row

MAX_LINE = 16 * 1024 * 1024
"""Bytes of a row that are kept. COPY at most doubles a row (every byte escaped); what is longer is passed over."""

_HEAD = 1024  # bytes kept of an overlong line: enough for an id and a key ahead of the strokes

_ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


def lines(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Split a stream of byte chunks into lines without their newline, each with whether it was cut to its head.

    Of a line over `MAX_LINE` only the first bytes come, so that no line can fill the memory. A last
    line without a newline comes too.
    """
    rest = b""
    overlong = False
    for chunk in chunks:
        if overlong:
            end = chunk.find(b"\n")
            if end < 0:
                continue
            yield rest, True
            rest, overlong, chunk = b"", False, chunk[end + 1 :]
        pieces = (rest + chunk).split(b"\n") if rest else chunk.split(b"\n")
        rest = pieces.pop()
        for piece in pieces:
            yield (piece, False) if len(piece) <= MAX_LINE else (piece[:_HEAD], True)
        if len(rest) > MAX_LINE:
            rest, overlong = rest[:_HEAD], True
    if rest:
        yield rest, overlong


def unescape(field: bytes) -> bytes | None:
    r"""The value of a COPY field: None for `\N`, else the bytes with their escapes undone."""
    if b"\\" not in field:
        return field
    if field == rb"\N":
        return None
    return _ESCAPE.sub(_escaped, field)


def _escaped(match: re.Match[bytes]) -> bytes:
    what = match.group(1)
    if what in _LETTERS:
        return _LETTERS[what]
    if what[:1] == b"x" and len(what) > 1:
        return bytes([int(what[1:], 16)])
    if what.isdigit() and what[:1] in b"01234567":
        return bytes([int(what, 8) & 0xFF])
    return what


class RowReader:
    """Turns COPY lines into rows, for any order of columns."""

    def __init__(self, columns: list[str]) -> None:
        """Raises KeyError naming the first of id, key, strokes that `columns` lacks."""
        for column in COLUMNS:
            if column not in columns:
                raise KeyError(column)
        self._width = len(columns)
        self._id, self._key, self._strokes = (columns.index(column) for column in COLUMNS)

    def row(self, line: bytes, overlong: bool = False) -> Row | None:
        """The row of a line; None when it hasn't the right number of columns."""
        # COPY writes a carriage return in the data as \r: one at the end belongs to a file with CRLF lines.
        fields = line.removesuffix(b"\r").split(b"\t")
        if overlong:
            # Only what stands whole before the cut can be told.
            whole = [unescape(field) for field in fields[:-1]] + [None] * self._width
            return Row(whole[self._id], whole[self._key], None, oversized=True)
        if len(fields) != self._width:
            return None
        return Row(unescape(fields[self._id]), unescape(fields[self._key]), unescape(fields[self._strokes]))
