"""The quick way through strokes JSON: a compiled scanner for the plain form that nearly every drawing has.

A source of 35,000 drawings holds 18 million numbers; as Python objects they take several times as long as
unpacking the file does. The scanner reads the plain form only (lists of lists of lists of decimal numbers
without exponents, that a float holds exactly enough) and gives up on everything else, errors included:
`extexify.strokes` then takes the slow way, which decides and explains. What both read, they read alike to
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
def _after_space(text: NDArray[np.uint8], at: int) -> int:
    while at < len(text) and (text[at] == 32 or 9 <= text[at] <= 10 or text[at] == 13):
        at += 1
    return at


@njit(cache=True, nogil=True)
def _after_item(text: NDArray[np.uint8], at: int) -> tuple[int, int]:
    """Past what follows an item of a list, and what that is: a comma or a bracket if all is well, 0 at the end."""
    at = _after_space(text, at)
    return (at + 1, int(text[at])) if at < len(text) else (at, 0)


@njit(cache=True, nogil=True)
def scan_strokes(
    text: NDArray[np.uint8],
    limit: float,
    points: NDArray[np.float32],
    stroke_ends: NDArray[np.int64],
) -> tuple[int, int]:
    """Read `text` (bytes) into `points` (n, 2) and the strokes' ends in them; returns how many of both.

    Returns (0, 0) for text that isn't of the plain form, is no drawing, or has a coordinate beyond ±`limit`.
    `points` needs len(text) // SHORTEST_POINT + 1 rows, `stroke_ends` len(text) // SHORTEST_STROKE + 1.
    """
    size = len(text)
    count = strokes = 0
    at = _after_space(text, 0)
    if at >= size or text[at] != _OPEN:
        return 0, 0
    at += 1
    while True:  # a stroke
        at = _after_space(text, at)
        if at >= size or text[at] != _OPEN:
            return 0, 0
        at += 1
        while True:  # a point
            at = _after_space(text, at)
            if at >= size or text[at] != _OPEN:
                return 0, 0
            at += 1
            numbers = 0
            while True:  # a number
                at = _after_space(text, at)
                negative = at < size and text[at] == _MINUS
                if negative:
                    at += 1
                first = at
                mantissa = np.int64(0)
                while at < size and _ZERO <= text[at] <= _NINE:
                    mantissa = mantissa * 10 + (np.int64(text[at]) - _ZERO)
                    at += 1
                digits = at - first
                if digits == 0 or (digits > 1 and text[first] == _ZERO):
                    return 0, 0
                decimals = 0
                if at < size and text[at] == _DOT:
                    at += 1
                    while at < size and _ZERO <= text[at] <= _NINE:
                        mantissa = mantissa * 10 + (np.int64(text[at]) - _ZERO)
                        decimals += 1
                        at += 1
                    if decimals == 0:
                        return 0, 0
                if numbers < 2:
                    if digits + decimals > _MOST_DIGITS or mantissa > _LARGEST_MANTISSA:
                        return 0, 0
                    value = mantissa / _POWERS[decimals]
                    if not value <= limit:
                        return 0, 0
                    # JSON's -0 is the integer 0, -0.0 is a float with a sign.
                    if negative and (mantissa != 0 or decimals):
                        value = -value
                    points[count, numbers] = value
                numbers += 1
                at, follows = _after_item(text, at)
                if follows == _CLOSE:
                    break
                if follows != _COMMA:
                    return 0, 0
            if numbers < 2:
                return 0, 0
            count += 1
            at, follows = _after_item(text, at)
            if follows == _CLOSE:
                break
            if follows != _COMMA:
                return 0, 0
        stroke_ends[strokes] = count
        strokes += 1
        at, follows = _after_item(text, at)
        if follows == _CLOSE:
            break
        if follows != _COMMA:
            return 0, 0
    if _after_space(text, at) != size:
        return 0, 0
    return strokes, count
