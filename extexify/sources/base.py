"""The protocol of sources, their rows, and the error that a source raises.

A source streams raw rows (id, key, strokes JSON); `extexify.sources.rows` checks them. No source is read into memory
as a whole.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from extexify.core.errors import UserError, printable

TABLE = "samples"
COLUMNS = ("id", "key", "strokes")


class SourceError(UserError, ValueError):
    """A source can't be read; the message is one sentence that names it and says what to do."""


class NoDrawings(SourceError):
    """A file is none with drawings; one in a folder or an archive is skipped then."""


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


def shown_path(path: Path) -> str:
    """A path as printable text: file names may contain bytes that are not valid UTF-8."""
    return printable(os.fsencode(path).decode("utf-8", "replace"))
