"""The quick way through COPY's text format: compiled code that reads plain rows, a block of lines at a time.

A row is plain when its id is a number, its key has no escapes and its strokes are JSON of the plain form (see
`extexify.drawing.scanner`); nearly all rows of a store of drawings are. The scanner stops before the first row that
isn't: that one goes the slow way, which decides and explains.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from extexify.drawing.scanner import SHORTEST_POINT, SHORTEST_STROKE, scan_drawing
from extexify.drawing.strokes import MAX_ABS_COORDINATE, MAX_POINTS, MAX_STROKES_JSON, Drawings
from extexify.sources.base import PlainRows

_TAB, _NEWLINE, _RETURN, _BACKSLASH, _MINUS, _ZERO, _NINE = (ord(character) for character in "\t\n\r\\-09")

_MOST_DIGITS = 18  # of an id: what an int64 holds whatever the digits are
_SHORTEST_ROW = len("1\tk\t[[[1,2]]]\n")
_ID, _KEY_START, _KEY_END, _STROKES, _POINTS = range(5)


def scan_rows(block: bytes, at: int, width: int, columns: tuple[int, int, int]) -> tuple[PlainRows | None, int]:
    """Read the plain rows of a block of whole lines from position `at` on, up to the first row that isn't plain.

    `width` is the number of columns of a row; `columns` are the places of id, key and strokes among them.
    Returns the rows (None: there are none), and where the block goes on.
    """
    size = len(block) - at
    text = np.frombuffer(block, np.uint8)
    points = np.empty((size // SHORTEST_POINT + 1, 2), np.float32)
    stroke_ends = np.empty(size // SHORTEST_STROKE + 1, np.int64)
    rows = np.empty((size // _SHORTEST_ROW + 1, 5), np.int64)
    count, after = _scan(text, at, width, *columns, points, stroke_ends, rows)
    if not count:
        return None, after
    rows = rows[:count]
    drawings = Drawings(points[: rows[-1, _POINTS]], stroke_ends[: rows[-1, _STROKES]], rows[:, _STROKES].copy())
    spans = zip(rows[:, _KEY_START].tolist(), rows[:, _KEY_END].tolist(), strict=True)
    return PlainRows(rows[:, _ID].copy(), [block[start:end] for start, end in spans], drawings), after


@njit(cache=True, nogil=True)
def _scan(
    text: NDArray[np.uint8],
    at: int,
    width: int,
    id_column: int,
    key_column: int,
    strokes_column: int,
    points: NDArray[np.float32],
    stroke_ends: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> tuple[int, int]:
    """Fill `rows` (n, 5): id, start and end of the key in `text`, ends of the drawing in strokes and in points.

    Returns how many rows are filled, and where the text goes on.
    """
    size = len(text)
    count = points_read = strokes_read = 0
    while at < size:
        place, new_points, new_strokes = at, points_read, strokes_read
        plain = True
        for column in range(width):
            start = place
            if column == strokes_column:
                place, new_points, new_strokes = scan_drawing(
                    text, place, True, MAX_ABS_COORDINATE, points, points_read, stroke_ends, strokes_read
                )
                if place < 0 or place - start > MAX_STROKES_JSON or new_points - points_read > MAX_POINTS:
                    plain = False
                    break
            elif column == id_column:
                negative = place < size and text[place] == _MINUS
                place += negative
                digits = place
                number = np.int64(0)
                while place < size and _ZERO <= text[place] <= _NINE:
                    number = number * 10 + (np.int64(text[place]) - _ZERO)
                    place += 1
                if not 0 < place - digits <= _MOST_DIGITS:
                    plain = False
                    break
                rows[count, _ID] = -number if negative else number
            else:
                escaped = False
                while place < size and text[place] != _TAB and text[place] != _NEWLINE:
                    escaped |= text[place] == _BACKSLASH or text[place] == _RETURN
                    place += 1
                if column == key_column:
                    if escaped:
                        plain = False
                        break
                    rows[count, _KEY_START], rows[count, _KEY_END] = start, place
            if column < width - 1:
                if place >= size or text[place] != _TAB:
                    plain = False
                    break
                place += 1
        if not plain:
            break
        # A file of Windows has a return before each newline, and the last line may have neither.
        if place < size and text[place] == _RETURN:
            place += 1
        if place < size:
            if text[place] != _NEWLINE:
                break
            place += 1
        points_read, strokes_read = new_points, new_strokes
        rows[count, _STROKES], rows[count, _POINTS] = strokes_read, points_read
        count += 1
        at = place
    return count, at
