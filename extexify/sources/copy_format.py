"""PostgreSQL's COPY text format: a server's `COPY … TO STDOUT` stream and a dump's COPY block are the same.

The format: https://www.postgresql.org/docs/current/sql-copy.html, "Text Format".
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator
from typing import Self

from extexify.sources.base import COLUMNS, PlainRows, Row

MAX_LINE = 16 * 1024 * 1024
"""Bytes of a row that are kept. COPY at most doubles a row (every byte escaped); what is longer is passed over."""

_HEAD = 1024  # bytes kept of an overlong line: enough for an id and a key ahead of the strokes

_ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


class CopySource(ABC):
    """A source whose rows come in the format, to be read one by one or, where they are plain, many at a time."""

    def rows(self) -> Generator[Row]:
        """All rows, in the source's order. Raises `SourceError`."""
        for row in self._rows(quick=False):
            assert isinstance(row, Row)
            yield row

    def quick_rows(self) -> Generator[Row | PlainRows]:
        """The same rows, those of the plain form many at a time."""
        return self._rows(quick=True)

    @abstractmethod
    def _rows(self, *, quick: bool) -> Generator[Row | PlainRows]:
        """All rows, in the source's order; only with `quick` are there plain ones among them."""


class Lines:
    """A stream of byte chunks as lines without their newline, each with whether it was cut to its head.

    Of a line over `MAX_LINE` only the first bytes come, so that no line can fill the memory. A last line without a
    newline comes too.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._blocks = _blocks(chunks)
        self._block, self._cut, self._at = b"", False, 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> tuple[bytes, bool]:
        if not self._more():
            raise StopIteration
        start, end = self._at, self._block.find(b"\n", self._at)
        end = len(self._block) if end < 0 else end
        self._at = end + 1
        if end - start > MAX_LINE:
            return self._block[start : start + _HEAD], True
        return self._block[start:end], self._cut

    def skip_to(self, start: re.Pattern[bytes]) -> None:
        """Pass over all lines before the next one that `start`, a pattern with ^ and re.MULTILINE, matches."""
        while self._more():
            if found := start.search(self._block, self._at):
                self._at = found.start()
                return
            self._at = len(self._block)

    def plain_rows(self, reader: RowReader) -> Iterator[PlainRows]:
        """The plain rows that come next, many at a time, up to the first line that is to be read by itself."""
        # Here, because most who import this module read no rows, and numba takes its time.
        from extexify.sources.copy_scanner import scan_rows

        while self._more() and not self._cut:
            rows, self._at = scan_rows(self._block, self._at, reader.width, reader.columns)
            if rows is None:
                return
            yield rows

    def _more(self) -> bool:
        """Go to the next block at the end of one; False at the end of all."""
        while self._at >= len(self._block):
            block = next(self._blocks, None)
            if block is None:
                return False
            (self._block, self._cut), self._at = block, 0
        return True


def _blocks(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Cut a stream of chunks into blocks of whole lines, each with whether it is but the head of one long line."""
    rest = b""
    cut = False
    for chunk in chunks:
        if cut:
            end = chunk.find(b"\n")
            if end < 0:
                continue
            yield rest, True
            rest, cut, chunk = b"", False, chunk[end + 1 :]
        end = chunk.rfind(b"\n") + 1
        if end:
            yield rest + chunk[:end], False
        rest = chunk[end:] if end else rest + chunk
        if len(rest) > MAX_LINE:
            rest, cut = rest[:_HEAD], True
    if rest:
        yield rest, cut


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
    """Turns COPY lines into rows, for any order of columns.

    width is the number of columns, columns the places of id, key and strokes among them.
    """

    def __init__(self, columns: list[str]) -> None:
        """Raises KeyError naming the first of id, key, strokes that `columns` lacks."""
        for column in COLUMNS:
            if column not in columns:
                raise KeyError(column)
        self.width = len(columns)
        self.columns = columns.index("id"), columns.index("key"), columns.index("strokes")

    def row(self, line: bytes, overlong: bool = False) -> Row | None:
        """The row of a line; None when it hasn't the right number of columns."""
        # COPY writes a carriage return in the data as \r: one at the end belongs to a file with CRLF lines.
        fields = line.removesuffix(b"\r").split(b"\t")
        identifier, key, strokes = self.columns
        if overlong:
            # Only what stands whole before the cut can be told.
            whole = [unescape(field) for field in fields[:-1]] + [None] * self.width
            return Row(whole[identifier], whole[key], None, oversized=True)
        if len(fields) != self.width:
            return None
        return Row(unescape(fields[identifier]), unescape(fields[key]), unescape(fields[strokes]))
