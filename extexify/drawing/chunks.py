"""Columns of any length, a bounded number of rows at a time: what is sorted or counted stays small in memory.

The columns themselves are memory maps of scratch files, which the system writes out and reads again as it likes.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

PIECE = 1 << 16
"""Rows that are worked on at a time."""


def pieces(rows: int) -> Iterator[slice]:
    """All rows, piece by piece."""
    return (slice(start, min(start + PIECE, rows)) for start in range(0, rows, PIECE))


def parts(column: NDArray[np.integer]) -> Iterator[NDArray[np.int64]]:
    """All row numbers in parts of about a piece, such that rows of one value are in one part; each in rising order."""
    number = -(-len(column) // PIECE)
    if number <= 1:
        yield np.arange(len(column))
        return
    for part in range(number):
        yield where(column, lambda values: values % values.dtype.type(number) == part)  # noqa: B023 (called at once)


def where(column: NDArray[Any], condition: Any) -> NDArray[np.int64]:
    """The numbers of the rows whose values fulfil a condition, which is asked piece by piece."""
    found = [np.flatnonzero(condition(column[piece])) + piece.start for piece in pieces(len(column))]
    return np.concatenate(found) if found else np.empty(0, np.int64)


class Scratch:
    """Makes memory-mapped arrays in a folder of their own, which goes with everything in it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self._numbers = count()

    def array(self, dtype: DTypeLike, rows: int) -> NDArray[Any]:
        """An array of zeros (rows,), at least one. Raises OSError when the disk is full."""
        path = self.folder / f"{next(self._numbers)}.tmp"
        with path.open("wb") as file:
            # Room is taken now: on a full disk, writing to a map would kill the process without a word.
            for piece in pieces(rows):
                file.write(bytes((piece.stop - piece.start) * np.dtype(dtype).itemsize))
        return np.memmap(path, dtype, "r+", shape=(rows,))
