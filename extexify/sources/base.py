"""The protocol of sources, their rows, and the error that a source raises.

A source is a stream of raw rows (id, key, strokes JSON); `extexify.dataset.export` checks them one at a time. Nothing
is read whole, so memory doesn't grow with the source.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from extexify.core.errors import UserError, printable
from extexify.drawing.strokes import Drawings

TABLE = "samples"
COLUMNS = ("id", "key", "strokes")


class SourceError(UserError, ValueError):
    """A source that can't be read; the message is one sentence that names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it stands in the source, unchecked; None is NULL.

    A row whose text is longer than any drawing's comes with `oversized` and without its strokes.
    """

    id: bytes | int | None
    key: bytes | str | None
    strokes: bytes | str | None
    oversized: bool = False


@dataclass(frozen=True, slots=True)
class PlainRows:
    """Rows that follow one another in a source, read at once: n ids and good drawings, keys still to be checked."""

    ids: NDArray[np.int64]
    keys: list[bytes]
    drawings: Drawings


class Source(Protocol):
    """A stream of rows. `name` may be shown anywhere: it holds no password."""

    name: str
    unit: str
    """What `position` counts: "bytes" or "rows"."""

    def rows(self) -> Generator[Row]:
        """All rows, once. Raises `SourceError`."""
        ...

    def position(self) -> tuple[int, int | None]:
        """How far reading has come and the end (None: not known yet), in `unit`s."""
        ...


@runtime_checkable
class QuickSource(Source, Protocol):
    """A source that can read many rows at once."""

    def quick_rows(self) -> Generator[Row | PlainRows]:
        """All rows, once, in the same order; those of the plain form many at a time. Raises `SourceError`."""
        ...


def shown_path(path: Path) -> str:
    """A path as text that can be stored and shown anywhere: file names may hold bytes that are no text."""
    return printable(os.fsencode(path).decode("utf-8", "replace"))
