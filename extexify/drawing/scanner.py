"""The quick way through strokes JSON: a compiled scanner for the plain form that nearly every drawing has.

A source of 35,000 drawings holds 18 million numbers; as Python objects they take several times as long as
unpacking the file does. The scanner reads the plain form only (lists of lists of lists of decimal numbers
without exponents, that a float holds exactly enough) and gives up on everything else, errors included:
`extexify.drawing.strokes` then takes the slow way, which decides and explains. What both read, they read alike to
the last bit.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

_COMMA, _MINUS, _DOT, _ZERO, _NINE, _OPEN, _CLOSE = (ord(character) for character in ",-.09[]")

# Clinger (PLDI 1990): a mantissa up to 2^53 divided by a power of ten up to 10^22 is rounded once, hence right.
_LARGEST_MANTISSA = 2**53
_MOST_DIGITS = 18  # what an int64 holds, so that the mantissa can't overflow before it is compared
_POWERS = 10.0 ** np.arange(_MOST_DIGITS + 1)

SHORTEST_POINT = len("[1,2],")
SHORTEST_STROKE = len("[[1,2]],")


@njit(cache=True, nogil=True)
def _after_space(text: NDArray[np.uint8], at: int, in_line: bool) -> int:
    """Past JSON's white space; past blanks alone inside a line, where a tab or a newline ends the field."""
    while at < len(text) and (text[at] == 32 or (not in_line and (9 <= text[at] <= 10 or text[at] == 13))):
        at += 1
    return at


@njit(cache=True, nogil=True)
def _after_item(text: NDArray[np.uint8], at: int, in_line: bool) -> tuple[int, int]:
    """Past what follows an item of a list, and what that is: a comma or a bracket if all is well, 0 at the end."""
    at = _after_space(text, at, in_line)
    return (at + 1, int(text[at])) if at < len(text) else (at, 0)


@njit(cache=True, nogil=True)
def scan_drawing(
    text: NDArray[np.uint8],
    at: int,
    in_line: bool,
    limit: float,
    points: NDArray[np.float32],
    count: int,
    stroke_ends: NDArray[np.int64],
    strokes: int,
) -> tuple[int, int, int]:
    """Read one drawing of `text` (bytes) from `at` on, `in_line` as a field of COPY's format.

    Its points go to `points` (n, 2) from row `count` on, the ends of its strokes in these to `stroke_ends` from
    `strokes` on. Returns where the text goes on and how many rows of both are filled then.

    Returns (-1, 0, 0) for text that isn't of the plain form, is no drawing, or has a coordinate beyond ±`limit`.
    Text of n bytes needs n // SHORTEST_POINT + 1 free rows of `points`, n // SHORTEST_STROKE + 1 of `stroke_ends`.
    """
    size = len(text)
    nothing = (-1, 0, 0)
    at = _after_space(text, at, in_line)
    if at >= size or text[at] != _OPEN:
        return nothing
    at += 1
    while True:  # a stroke
        at = _after_space(text, at, in_line)
        if at >= size or text[at] != _OPEN:
            return nothing
        at += 1
        while True:  # a point
            at = _after_space(text, at, in_line)
            if at >= size or text[at] != _OPEN:
                return nothing
            at += 1
            numbers = 0
            while True:  # a number
                at = _after_space(text, at, in_line)
                negative = at < size and text[at] == _MINUS
                if negative:
                    at += 1
                first = at
                while at < size and _ZERO <= text[at] <= _NINE:
                    at += 1
                digits = at - first
                if digits == 0 or (digits > 1 and text[first] == _ZERO):
                    return nothing
                decimals = 0
                if at < size and text[at] == _DOT:
                    at += 1
                    while at < size and _ZERO <= text[at] <= _NINE:
                        decimals += 1
                        at += 1
                    if decimals == 0:
                        return nothing
                if numbers < 2:  # what follows x and y, mostly a time of 13 digits, is only passed over
                    if digits + decimals > _MOST_DIGITS:
                        return nothing
                    mantissa = np.int64(0)
                    for place in range(first, at):
                        if text[place] != _DOT:
                            mantissa = mantissa * 10 + (np.int64(text[place]) - _ZERO)
                    if mantissa > _LARGEST_MANTISSA:
                        return nothing
                    value = mantissa / _POWERS[decimals] if decimals else float(mantissa)
                    if not value <= limit:
                        return nothing
                    # JSON's -0 is the integer 0, -0.0 is a float with a sign.
                    if negative and (mantissa != 0 or decimals):
                        value = -value
                    points[count, numbers] = value
                numbers += 1
                at, follows = _after_item(text, at, in_line)
                if follows == _CLOSE:
                    break
                if follows != _COMMA:
                    return nothing
            if numbers < 2:
                return nothing
            count += 1
            at, follows = _after_item(text, at, in_line)
            if follows == _CLOSE:
                break
            if follows != _COMMA:
                return nothing
        stroke_ends[strokes] = count
        strokes += 1
        at, follows = _after_item(text, at, in_line)
        if follows == _CLOSE:
            break
        if follows != _COMMA:
            return nothing
    return _after_space(text, at, in_line), count, strokes


@njit(cache=True, nogil=True)
def scan_strokes(
    text: NDArray[np.uint8],
    limit: float,
    points: NDArray[np.float32],
    stroke_ends: NDArray[np.int64],
) -> tuple[int, int]:
    """Read `text` (bytes), all of it, into `points` (n, 2) and the strokes' ends in them; returns how many of both.

    Returns (0, 0) for text that isn't of the plain form, is no drawing, or has a coordinate beyond ±`limit`.
    `points` needs len(text) // SHORTEST_POINT + 1 rows, `stroke_ends` len(text) // SHORTEST_STROKE + 1.
    """
    at, count, strokes = scan_drawing(text, 0, False, limit, points, 0, stroke_ends, 0)
    return (strokes, count) if at == len(text) else (0, 0)
