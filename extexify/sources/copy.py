r"""PostgreSQL's COPY text format: the stream of `COPY … TO STDOUT` and the COPY block of a dump.

The format: https://www.postgresql.org/docs/current/sql-copy.html, "Text Format".
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from queue import Full, Queue
from typing import Self, TypeVar

from extexify.sources.base import SAMPLES, Row, Table

MAX_LINE = 16 * 1024 * 1024
"""Maximum bytes of a row. COPY at most doubles a row's size (every byte escaped); longer rows are skipped."""

_HEAD = 1024  # bytes read of an overlong line: enough for an id and a key that precede the strokes

_ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}

_Item = TypeVar("_Item")

_QUEUE_SIZE = 4  # chunks that `read_ahead` holds ready
_POLL_SECONDS = 0.1  # how often a waiting `put` checks whether the consumer has stopped


class LineStart:
    """What a line begins with, by a pattern without ^; upper and lower case are the same.

    A pattern with ^ is tried at every byte, one with a newline only after newlines: 14 to 25 times as fast.
    """

    def __init__(self, pattern: bytes) -> None:
        self._first = re.compile(pattern, re.IGNORECASE | re.MULTILINE)
        self._later = re.compile(rb"\n(?!\n)(?:%b)" % pattern, re.IGNORECASE | re.MULTILINE)

    def find(self, block: bytes, position: int) -> int | None:
        """Where the first line with this beginning starts, from the line at `position` on; None if there is none."""
        if self._first.match(block, position):
            return position
        found = self._later.search(block, position)
        return found.start() + 1 if found else None


class Lines:
    """Iterates over the lines of a stream of chunks: (line without its newline, whether it was truncated).

    Of a line over `MAX_LINE` bytes only the first bytes are returned, so that memory stays bounded. A last line
    without a newline is returned too.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._blocks = _blocks(chunks)
        self._block, self._truncated, self._position = b"", False, 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> tuple[bytes, bool]:
        if not self._fill():
            raise StopIteration
        start, end = self._position, self._block.find(b"\n", self._position)
        end = len(self._block) if end < 0 else end
        self._position = end + 1
        if end - start > MAX_LINE:
            return self._block[start : start + _HEAD], True
        return self._block[start:end], self._truncated

    def skip_to(self, start: LineStart) -> None:
        """Skip all lines before the next one that begins with `start`."""
        while self._fill():
            found = start.find(self._block, self._position)
            if found is not None:
                self._position = found
                return
            self._position = len(self._block)

    def _fill(self) -> bool:
        """Fetch the next block if the current one is used up; False at the end of the stream."""
        while self._position >= len(self._block):
            block = next(self._blocks, None)
            if block is None:
                return False
            (self._block, self._truncated), self._position = block, 0
        return True


def _blocks(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Regroup chunks into blocks of whole lines, each with whether it is the truncated head of one overlong line."""
    rest = b""
    truncated = False
    for chunk in chunks:
        if truncated:
            end = chunk.find(b"\n")
            if end < 0:
                continue
            yield rest, True
            rest, truncated, chunk = b"", False, chunk[end + 1 :]
        end = chunk.rfind(b"\n") + 1
        if end:
            yield rest + chunk[:end], False
        rest = chunk[end:] if end else rest + chunk
        if len(rest) > MAX_LINE:
            rest, truncated = rest[:_HEAD], True
    if rest:
        yield rest, truncated


def unescape(field: bytes) -> bytes | None:
    r"""The value of a COPY field: None for `\N`, else the bytes with their escapes resolved."""
    return None if field == rb"\N" else resolve_escapes(field)


def resolve_escapes(text: bytes) -> bytes:
    """The bytes of a field, or of a string literal E'…', with their escapes resolved."""
    return _ESCAPE.sub(_unescaped, text)


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match.group(1)
    if code in _LETTERS:
        return _LETTERS[code]
    if code[:1] == b"x" and len(code) > 1:
        return bytes([int(code[1:], 16)])
    if code.isdigit() and code[:1] in b"01234567":
        return bytes([int(code, 8) & 0xFF])
    return code


class RowReader:
    """Parses COPY lines into rows, for columns in any order; columns other than id, key and strokes are ignored."""

    def __init__(
        self, columns: list[str], table: Table = SAMPLES, delimiter: bytes = b"\t", null: bytes = rb"\N"
    ) -> None:
        """Raises KeyError naming the first of the table's columns that `columns` lacks."""
        for column in table.columns:
            if column not in columns:
                raise KeyError(column)
        self._width = len(columns)
        self._id, self._key, self._strokes = map(columns.index, table.columns)
        self._delimiter, self._null = delimiter, null

    def row(self, line: bytes, truncated: bool = False) -> Row | None:
        """The row of a line, or None if the line has a wrong number of columns.

        Of a truncated line only the fields that are complete are read.
        """
        # COPY writes a carriage return in the data as \r, so a raw one at the end is a Windows line end.
        fields = line.removesuffix(b"\r").split(self._delimiter)
        if truncated:
            return self.oversized([self._value(field) for field in fields[:-1]])
        if len(fields) != self._width:
            return None
        identifier, key, strokes = fields[self._id], fields[self._key], fields[self._strokes]
        if b"\\" not in line and self._null == rb"\N":
            return Row(identifier, key, strokes)
        return Row(self._value(identifier), self._value(key), self._value(strokes))

    def row_of_values(self, values: list[bytes | None]) -> Row | None:
        """The row of the values of all columns, or None if their number is wrong."""
        if len(values) != self._width:
            return None
        return Row(values[self._id], values[self._key], values[self._strokes])

    def oversized(self, values: list[bytes | None]) -> Row:
        """A row that is too long, with the values of its first columns."""
        known = values + [None] * self._width
        return Row(known[self._id], known[self._key], None, oversized=True)

    def _value(self, field: bytes) -> bytes | None:
        return None if field == self._null else resolve_escapes(field)


class _ConsumerStopped(Exception):
    """Raised in the producer's thread when the generator was closed."""


def read_ahead(
    produce: Callable[[Callable[[_Item], None]], None], interrupt: Callable[[], None] = lambda: None
) -> Generator[_Item]:
    """Yield the items, such as chunks of bytes, that `produce(put)` passes to `put` in a thread, a few items ahead.

    Unpacking (zlib) and receiving (psycopg2) release the interpreter lock and so overlap with parsing. An exception
    in `produce` is raised here, after the items before it. When the generator is closed early, `interrupt` is called,
    which should end any wait inside `produce`; `put` raises from then on, and the thread has ended when `close`
    returns.
    """
    items: Queue[_Item | BaseException | None] = Queue(_QUEUE_SIZE)
    stopped = threading.Event()

    def put(item: _Item | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                return items.put(item, timeout=_POLL_SECONDS)
            except Full:
                continue
        raise _ConsumerStopped

    def work() -> None:
        with suppress(_ConsumerStopped):
            try:
                produce(put)
            except BaseException as error:  # any kind: otherwise the consumer would wait forever
                put(error)
            else:
                put(None)

    worker = threading.Thread(target=work, name="read-ahead", daemon=True)
    worker.start()
    try:
        while (item := items.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        if worker.is_alive():
            interrupt()
        worker.join()
