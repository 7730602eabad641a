"""Centre lines of printed ink: a picture of a glyph → the strokes that a pen would draw.

The ink is thinned to lines of one pixel (Zhang & Suen, CACM 1984), whose pixels form a graph: lines between ends and
junctions. Short lines with a free end are corners of the outline, no strokes; junctions close to each other are one
crossing, and through a crossing a stroke goes on in the straightest direction.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Points = NDArray[np.float64]
_Pixel = tuple[int, int]

_SPUR = 1.5
"""A line with a free end is a corner of the outline if it is shorter than this many half widths of the ink."""

_CROSSING = 1.7
"""Junctions are one crossing if the line between them is shorter than this many half widths of the ink."""

_TURN = math.radians(60)
"""Largest turn of a stroke at a junction."""

_AHEAD = 8  # pixels of a line that give its direction at an end
_SMOOTHING = 3  # pixels to either side over which lines are averaged
_RING = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))  # clockwise from above: row, column


def centre_lines(ink: Mask) -> list[Points]:
    """The strokes (n, 2) of ink (H, W), x right, y down, in pixels; closed ones end where they begin, dots have one
    point. The longer side should have some hundred pixels."""
    padded = np.pad(ink, 1)
    depth = _depth(padded)
    lines = list(_lines(thinned(padded)))
    lines = _contracted(_without_spurs(lines, depth), depth)
    return [_smoothed(np.array(line, float)[:, ::-1] - 1) for line in _joined(lines)]


def thinned(ink: Mask) -> Mask:
    """Ink thinned to lines of about one pixel; the picture's edge must be empty."""
    left = ink.copy()
    while True:
        before = int(left.sum())
        for side in (0, 2):
            p = [np.roll(left, (-row, -column), (0, 1)) for row, column in _RING]
            count = sum(one.astype(np.int8) for one in p)
            changes = sum((~one & other).astype(np.int8) for one, other in zip(p, [*p[1:], p[0]], strict=True))
            first, second = (p[0], p[2], p[4]), (p[2], p[4], p[6])
            if side:
                first, second = (p[0], p[2], p[6]), (p[0], p[4], p[6])
            kept = (first[0] & first[1] & first[2]) | (second[0] & second[1] & second[2])
            left &= ~((count >= 2) & (count <= 6) & (changes == 1) & ~kept)
        if int(left.sum()) == before:
            return left


def _depth(ink: Mask) -> NDArray[np.int32]:
    """How many layers of ink are around each pixel: about its distance to the edge."""
    depth = np.zeros(ink.shape, np.int32)
    left, cross = ink.copy(), True
    while left.any():
        depth += left
        around = _RING[::2] if cross else _RING  # both in turn: distances are about those of a circle
        left = np.logical_and.reduce([left, *(np.roll(left, shift, (0, 1)) for shift in around)])
        cross = not cross
    return depth


def _neighbours(pixel: _Pixel, pixels: set[_Pixel]) -> list[_Pixel]:
    """The pixels next to one; diagonal ones only if no path of straight steps leads there."""
    row, column = pixel
    found = []
    for down, right in _RING:
        other = row + down, column + right
        if other not in pixels:
            continue
        if down and right and ((row + down, column) in pixels or (row, column + right) in pixels):
            continue
        found.append(other)
    return found


def _lines(thin: Mask) -> Iterator[list[_Pixel]]:
    """The lines of a thinned picture, between ends and junctions; loops without a junction; single pixels."""
    pixels = {(int(row), int(column)) for row, column in np.argwhere(thin)}
    next_to = {pixel: _neighbours(pixel, pixels) for pixel in pixels}
    nodes = {pixel for pixel, others in next_to.items() if len(others) != 2}
    walked: set[tuple[_Pixel, _Pixel]] = set()
    seen: set[_Pixel] = set()

    def walk(start: _Pixel, after: _Pixel) -> list[_Pixel]:
        line = [start, after]
        while line[-1] not in nodes and line[-1] != start:
            line.append(next(other for other in next_to[line[-1]] if other != line[-2]))
        walked.update(((line[0], line[1]), (line[-1], line[-2])))
        seen.update(line)
        return line

    for node in sorted(nodes):
        seen.add(node)
        if not next_to[node]:
            yield [node]
        for other in next_to[node]:
            if (node, other) not in walked:
                yield walk(node, other)
    for pixel in sorted(pixels):
        if pixel not in seen:
            yield walk(pixel, next_to[pixel][0])


def _without_spurs(lines: list[list[_Pixel]], depth: NDArray[np.int32]) -> list[list[_Pixel]]:
    """The lines without short ones that have one free end."""
    for _ in range(3):  # a line that is removed may leave another one with a free end
        ends = [end for line in lines for end in (line[0], line[-1])]
        free = {end for end in ends if ends.count(end) == 1}
        kept = [
            line
            for line in lines
            if len(line) == 1
            or (line[0] in free) == (line[-1] in free)
            or len(line) > _SPUR * depth[line[-1] if line[0] in free else line[0]]
        ]
        if len(kept) == len(lines):
            break
        lines = kept
    return lines


def _contracted(lines: list[list[_Pixel]], depth: NDArray[np.int32]) -> list[list[_Pixel]]:
    """The lines without short ones between two junctions, whose junctions become one."""
    ends = [end for line in lines for end in (line[0], line[-1])]
    junctions = {end for end in ends if ends.count(end) > 2}
    places: dict[_Pixel, _Pixel] = {}

    def place(pixel: _Pixel) -> _Pixel:
        while pixel in places:
            pixel = places[pixel]
        return pixel

    kept = []
    for line in lines:
        short = len(line) <= _CROSSING * max(depth[line[0]], depth[line[-1]])
        if short and line[0] != line[-1] and line[0] in junctions and line[-1] in junctions:
            one, other = place(line[0]), place(line[-1])
            if one != other:
                places[other] = one
        else:
            kept.append(line)
    return [[place(line[0]), *line[1:-1], place(line[-1])] if len(line) > 1 else line for line in kept]


def _joined(lines: list[list[_Pixel]]) -> list[list[_Pixel]]:
    """The lines, those that meet at a junction joined in pairs as straight as possible."""
    lines = [list(line) for line in lines]
    while True:
        best, choice = _TURN, None
        for number, line in enumerate(lines):
            for other_number in range(number + 1, len(lines)):
                for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
                    one, other = line[:: 1 - 2 * a], lines[other_number][:: 1 - 2 * b]
                    if (
                        one[0] != other[0]
                        or min(len(one), len(other)) < 2
                        or one[0] == one[-1]
                        or other[0] == other[-1]
                    ):
                        continue
                    turn = _turn(one, other)
                    if turn < best:
                        best, choice = turn, (number, other_number, one, other)
        if choice is None:
            return lines
        number, other_number, one, other = choice
        lines[number] = [*one[::-1], *other[1:]]
        del lines[other_number]


def _turn(one: list[_Pixel], other: list[_Pixel]) -> float:
    """The turn, in radians, of a stroke that comes along one line backwards and leaves along another one."""
    (a, b), (c, d) = (np.subtract(line[min(_AHEAD, len(line) - 1)], line[0]) for line in (one, other))
    return float(abs(math.pi - math.acos(np.clip((a * c + b * d) / (math.hypot(a, b) * math.hypot(c, d)), -1, 1))))


def _smoothed(line: Points) -> Points:
    """Averages of neighbouring points, every third of them; the ends stay where they are."""
    if len(line) < 3:
        return line
    closed = len(line) > 3 and bool((line[0] == line[-1]).all())
    reach = min(_SMOOTHING, len(line) // 3)
    if closed:
        padded = np.vstack([line[-reach - 1 : -1], line, line[1 : reach + 1]])
    else:
        padded = np.vstack([np.repeat(line[:1], reach, 0), line, np.repeat(line[-1:], reach, 0)])
    kernel = np.full(2 * reach + 1, 1 / (2 * reach + 1))
    smooth = np.column_stack([np.convolve(padded[:, axis], kernel, "valid") for axis in (0, 1)])
    if closed:
        smooth[-1] = smooth[0]
    else:
        smooth[0], smooth[-1] = line[0], line[-1]
    return np.vstack([smooth[:-1:3], smooth[-1:]])
