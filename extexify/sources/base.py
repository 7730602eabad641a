"""The protocol of sources, their rows, and the error that a source raises.

A source streams raw rows (id, key, strokes JSON); `extexify.sources.rows` checks them. No source is read into memory
as a whole.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from extexify.core.errors import UserError, printable

TABLE = "samples"
COLUMNS = ("id", "key", "strokes")

_SHOWN_TABLES = 10


class SourceError(UserError, ValueError):
    """A source can't be read; the message is one sentence that names it and says what to do."""


class NoDrawings(SourceError):
    """A file is none with drawings; one in a folder or an archive is skipped then."""


@dataclass(frozen=True, slots=True)
class Table:
    """The names of the table with the drawings, which may have a schema before it, and of its columns."""

    name: str = TABLE
    id: str = "id"
    key: str = "key"
    strokes: str = "strokes"

    @property
    def columns(self) -> tuple[str, str, str]:
        """The names of the columns, in the order of `COLUMNS`."""
        return self.id, self.key, self.strokes

    @classmethod
    def named(cls, name: str = "", columns: str = "") -> Table:
        """The table `name`, with `columns` such as `id=number,key=symbol`; the others have their usual names.

        Raises `SourceError` for columns of another form.
        """
        chosen = {}
        for entry in filter(None, columns.split(",")):
            what, equals, column = (part.strip() for part in entry.partition("="))
            if what not in COLUMNS or not equals or not column:
                raise SourceError(f"columns are given as id=NAME,key=NAME,strokes=NAME, not {columns}")
            chosen[what] = column
        return cls(name or TABLE, **chosen)


SAMPLES = Table()
"""Detexify's table."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row as the source has it, unchecked; None is NULL.

    `oversized` marks a row that is longer than any drawing; its strokes, and possibly its id and key, are missing.
    """

    id: bytes | int | None
    key: bytes | str | None
    strokes: bytes | str | None
    oversized: bool = False


class Source(Protocol):
    """A stream of rows. `name` is shown in reports and contains no password."""

    name: str
    unit: str
    """The unit of `position`: "bytes" or "rows"."""

    def rows(self) -> Generator[Row]:
        """All rows, from the beginning on each call. Raises `SourceError`."""
        ...

    def position(self) -> tuple[int, int | None]:
        """How much has been read, and the total (None: not known yet), in `unit`s."""
        ...


def hash63(*parts: bytes) -> int:
    """A number below 2^63 that follows from the content alone, as an id: the first 63 bits of a BLAKE2b hash."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return int.from_bytes(digest.digest(), "big") >> 1


def content_id(key: bytes | str | None, strokes: bytes | str | None) -> int:
    """The id of a drawing from a file without ids: it follows from the drawing and its label alone."""
    parts = (part.encode("utf-8", "replace") if isinstance(part, str) else part or b"" for part in (key, strokes))
    return hash63(*parts)


def no_such_table(source: str, table: str, others: Sequence[str]) -> str:
    """The message about a table that a source doesn't have; `others` are those that it has."""
    if not others:
        return f"{source} has no table {table} (with the columns {', '.join(COLUMNS)})"
    more = f" and {len(others) - _SHOWN_TABLES} more" if len(others) > _SHOWN_TABLES else ""
    return (
        f"{source} has no table {table}, but {', '.join(others[:_SHOWN_TABLES])}{more}: choose one with --table NAME "
        "(on the Export page: Table)"
    )


def no_such_column(where: str, column: str, others: Sequence[str]) -> str:
    """The message about a column that a table doesn't have; `others` are those that it has."""
    return (
        f"{where} has no column {column}, but {', '.join(others)}: --columns id=…,key=…,strokes=… says which is which"
    )


def shown_path(path: Path) -> str:
    """A path as printable text: file names may contain bytes that are not valid UTF-8."""
    return printable(os.fsencode(path).decode("utf-8", "replace"))
