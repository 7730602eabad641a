"""Compiled scanner for strokes JSON of the plain form that nearly every stored drawing has.

The plain form is a list of lists of lists of two to four decimal numbers without exponents, whose digits a float64
represents exactly. For all other text, errors included, the scanner reports failure and
`extexify.drawing.strokes.parse_strokes` decides. Both give the same float32 values, bit for bit. An export of 35,502
drawings (18 million numbers) takes 2.4 times as long without it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from extexify.core.compiled import njit

_COMMA, _MINUS, _DOT, _ZERO, _NINE, _OPEN, _CLOSE = (ord(character) for character in ",-.09[]")

# Clinger (PLDI 1990): an integer up to 2^53 divided by a power of ten up to 10^22 is rounded once, hence correctly.
_MAX_MANTISSA = 2**53
_MAX_DIGITS = 18  # of an int64, so that the mantissa can't overflow before it is compared
_POWERS = 10.0 ** np.arange(_MAX_DIGITS + 1)

_LONGEST_POINT = 4  # numbers: more may be Quick Draw's lists of all x or y

_SHORTEST_POINT = len("[1,2],")
_SHORTEST_STROKE = len("[[1,2]],")

Scanned = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]


def scan_drawings(texts: list[bytes], max_points: int, max_coordinate: float) -> Scanned:
    """Parse the drawings of plain form among n texts.

    Returns points float32 (P, 2), the ends of the strokes in them int64 (S,), the ends of the parsed drawings in the
    strokes int64 (m,), and which texts were parsed, bool (n,). Not parsed are texts of another form, invalid ones,
    and drawings of more than `max_points` points or with a coordinate beyond ±`max_coordinate`.
    """
    data = b"".join(texts)
    text_ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
    points = np.empty((len(data) // _SHORTEST_POINT + 1, 2), np.float32)
    stroke_ends = np.empty(len(data) // _SHORTEST_STROKE + 1, np.int64)
    drawing_ends = np.empty(len(texts), np.int64)
    parsed = np.empty(len(texts), np.bool_)
    buffer = np.frombuffer(data, np.uint8)
    counts = _scan(buffer, text_ends, max_points, max_coordinate, points, stroke_ends, drawing_ends, parsed)
    # Copies, because the buffers are several times as long.
    return points[: counts[0]].copy(), stroke_ends[: counts[1]].copy(), drawing_ends[: counts[2]], parsed


@njit(cache=True, nogil=True)
def _scan(
    data: NDArray[np.uint8],
    text_ends: NDArray[np.int64],
    max_points: int,
    max_coordinate: float,
    points: NDArray[np.float32],
    stroke_ends: NDArray[np.int64],
    drawing_ends: NDArray[np.int64],
    parsed: NDArray[np.bool_],
) -> tuple[int, int, int]:
    """Fill the last four arrays; returns how many points, strokes and drawings were parsed."""
    start = point_count = stroke_count = drawing_count = 0
    for index in range(len(text_ends)):
        text = data[start : text_ends[index]]
        points_after, strokes_after = _scan_drawing(
            text, max_coordinate, points, point_count, stroke_ends, stroke_count
        )
        parsed[index] = 0 < points_after <= point_count + max_points
        if parsed[index]:
            point_count, stroke_count = points_after, strokes_after
            drawing_ends[drawing_count] = stroke_count
            drawing_count += 1
        start = text_ends[index]
    return point_count, stroke_count, drawing_count


@njit(cache=True, nogil=True)
def _skip_space(text: NDArray[np.uint8], at: int) -> int:
    """The position after JSON white space (space, tab, newline, carriage return)."""
    while at < len(text) and (text[at] == 32 or 9 <= text[at] <= 10 or text[at] == 13):
        at += 1
    return at


@njit(cache=True, nogil=True)
def _read_separator(text: NDArray[np.uint8], at: int) -> tuple[int, int]:
    """The character that follows an item of a list, and the position after it; 0 at the end of the text."""
    at = _skip_space(text, at)
    return (at + 1, int(text[at])) if at < len(text) else (at, 0)


@njit(cache=True, nogil=True)
def _scan_drawing(
    text: NDArray[np.uint8],
    max_coordinate: float,
    points: NDArray[np.float32],
    point_count: int,
    stroke_ends: NDArray[np.int64],
    stroke_count: int,
) -> tuple[int, int]:
    """Parse one drawing, appending to `points` after row `point_count` and to `stroke_ends` after `stroke_count`.

    Returns both counts after it, or (-1, -1) for text that is not of the plain form.
    """
    size = len(text)
    failure = (-1, -1)
    at = _skip_space(text, 0)
    if at >= size or text[at] != _OPEN:
        return failure
    at += 1
    while True:  # a stroke
        at = _skip_space(text, at)
        if at >= size or text[at] != _OPEN:
            return failure
        at += 1
        while True:  # a point
            at = _skip_space(text, at)
            if at >= size or text[at] != _OPEN:
                return failure
            at += 1
            numbers = 0
            while True:  # a number
                at = _skip_space(text, at)
                negative = at < size and text[at] == _MINUS
                if negative:
                    at += 1
                first = at
                while at < size and _ZERO <= text[at] <= _NINE:
                    at += 1
                digits = at - first
                if digits == 0 or (digits > 1 and text[first] == _ZERO):
                    return failure
                decimals = 0
                if at < size and text[at] == _DOT:
                    at += 1
                    while at < size and _ZERO <= text[at] <= _NINE:
                        decimals += 1
                        at += 1
                    if decimals == 0:
                        return failure
                if numbers < 2:  # the third number, mostly a time of 13 digits, is skipped
                    if digits + decimals > _MAX_DIGITS:
                        return failure
                    mantissa = np.int64(0)
                    for place in range(first, at):
                        if text[place] != _DOT:
                            mantissa = mantissa * 10 + (np.int64(text[place]) - _ZERO)
                    if mantissa > _MAX_MANTISSA:
                        return failure
                    value = mantissa / _POWERS[decimals] if decimals else float(mantissa)
                    if not value <= max_coordinate:
                        return failure
                    # JSON's -0 is the integer 0; -0.0 is a float with a sign.
                    if negative and (mantissa != 0 or decimals):
                        value = -value
                    points[point_count, numbers] = value
                numbers += 1
                if numbers > _LONGEST_POINT:
                    return failure
                at, separator = _read_separator(text, at)
                if separator == _CLOSE:
                    break
                if separator != _COMMA:
                    return failure
            if numbers < 2:
                return failure
            point_count += 1
            at, separator = _read_separator(text, at)
            if separator == _CLOSE:
                break
            if separator != _COMMA:
                return failure
        stroke_ends[stroke_count] = point_count
        stroke_count += 1
        at, separator = _read_separator(text, at)
        if separator == _CLOSE:
            break
        if separator != _COMMA:
            return failure
    return (point_count, stroke_count) if _skip_space(text, at) == size else failure
