"""Paths as in SVG and Fabric.js, all paths of a canvas at once as arrays: their boxes, and the strokes that they draw.

A path is a list of commands, of which the first is `["M", x, y]`: `M` lifts the pen and begins a stroke there, `L`
draws a line, `Q` and `C` a quadratic and a cubic curve, `Z` a line back to the last `M`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extexify.drawing.strokes import MAX_ABS_COORDINATE, MAX_DRAWN_POINTS, MAX_DRAWN_STROKES, BadDrawing
from extexify.ui.draw.curves import Points, cubic_extremes, points_at, quadratic_extremes, sample_counts

ARGUMENTS = {"M": 2, "L": 2, "Q": 4, "C": 6, "Z": 0}
"""Numbers after each command."""

DOT_EXTENT = 0.1
"""A stroke smaller than this, in its own pixels, is a dot: Fabric draws a tap as a line of 1/500 of the pen's width."""

MIDPOINT_TOLERANCE = 2e-3
"""Tolerance for the midpoints of Fabric's brush; its JSON may be rounded to four decimals."""

_M, _L, _Q, _C = b"MLQC"
_POINTS_OF = np.zeros(128, np.int64)  # by the command's character code
_POINTS_OF[[*"".join(ARGUMENTS).encode()]] = [count // 2 for count in ARGUMENTS.values()]

_ARGUMENTS_OF = itemgetter(slice(1, None))

Commands = list[list[Any]]


class Paths:
    """Valid paths: commands of ARGUMENTS, of which each path's first is an `M`."""

    def __init__(self, paths: Sequence[Commands]) -> None:
        """Raises `BadDrawing` for arguments other than numbers of a screen's size."""
        commands = list(chain.from_iterable(paths))
        self._kinds = np.frombuffer("".join([command[0] for command in commands]).encode(), np.uint8)
        self._points = _numbers(list(chain.from_iterable(map(_ARGUMENTS_OF, commands)))).reshape(-1, 2)
        self._lengths = np.array([len(path) for path in paths], np.int64)
        self._stops = np.cumsum(self._lengths)
        self._starts = self._stops - self._lengths
        self._path_of = np.repeat(np.arange(len(paths)), self._lengths)
        # The end of each command's own points, and the last of them: for Z, that of the last M.
        self._ends = np.cumsum(_POINTS_OF[self._kinds])
        moves = np.maximum.accumulate(np.where(self._kinds == _M, np.arange(len(commands)), 0))
        self._finish = self._points[np.where(_POINTS_OF[self._kinds] > 0, self._ends, self._ends[moves]) - 1]
        self._quadratic, self._cubic = self._curves(_Q), self._curves(_C)

    def _curves(self, kind: int) -> tuple[NDArray[np.int64], Points]:
        """The commands (m,) of a kind, and their curves (m, k, 2)."""
        commands = np.flatnonzero(self._kinds == kind)
        own = self._ends[commands, None] + np.arange(-_POINTS_OF[kind], 0)
        return commands, np.concatenate([self._finish[commands - 1, None], self._points[own]], axis=1)

    def boxes(self) -> tuple[Points, Points]:
        """Minimum and maximum (n, 2) of each path's curves.

        Fabric has the origin of a path's own coordinates in the middle between them.
        """
        low, high = self._finish.copy(), self._finish.copy()
        for (commands, curves), extremes in ((self._quadratic, quadratic_extremes), (self._cubic, cubic_extremes)):
            if not len(commands):
                continue
            points = extremes(curves)
            low[commands] = np.minimum(low[commands], points.min(axis=0))
            high[commands] = np.maximum(high[commands], points.max(axis=0))
        return np.minimum.reduceat(low, self._starts), np.maximum.reduceat(high, self._starts)

    def strokes(self) -> tuple[Points, NDArray[np.int64], NDArray[np.int64]]:
        """The strokes: all points (p, 2), the start of each stroke in them, and the path that it belongs to.

        A pen's path becomes the positions of the pen, any other curve is sampled, a dot becomes one point. Raises
        `BadDrawing` if there are too many.
        """
        moves = np.flatnonzero(self._kinds == _M)
        if len(moves) > MAX_DRAWN_STROKES:
            raise BadDrawing("too many points", f"the canvas sent over {MAX_DRAWN_STROKES:,} strokes")
        values = self._finish.copy()
        counts = np.ones(len(values), np.int64)
        by_pen = self._pen_paths()[self._path_of]
        sampled = []
        for commands, curves in (self._quadratic, self._cubic):
            pen = by_pen[commands]
            values[commands[pen]] = curves[pen, 1]
            if not pen.all():
                counts[commands[~pen]] = sample_counts(curves[~pen])
                sampled.append((commands[~pen], curves[~pen]))
        values[by_pen & (self._kinds == _L)] = self._last_positions(by_pen)
        counts[by_pen & (self._kinds == _M)] = 0
        ends = np.cumsum(counts)
        if ends[-1] > MAX_DRAWN_POINTS:
            raise BadDrawing("too many points", f"the drawing has over {MAX_DRAWN_POINTS:,} points")
        points = np.repeat(values, counts, axis=0)
        for commands, curves in sampled:
            repeats = counts[commands]
            steps = np.arange(1, repeats.sum() + 1) - np.repeat(np.cumsum(repeats) - repeats, repeats)
            places = np.repeat(ends[commands] - repeats, repeats) + steps - 1
            points[places] = points_at(np.repeat(curves, repeats, axis=0), steps / np.repeat(repeats, repeats))
        points, starts = _dots_as_points(points, (ends - counts)[moves])
        return points, starts, self._path_of[moves]

    def _pen_paths(self) -> NDArray[np.bool_]:
        """Whether Fabric's brush made each path (n,).

        The brush draws `M p₀ Q p₀ m₀₁ Q p₁ m₁₂ … L pₙ`: a curve through the midpoints, with the pen's positions as
        control points. Those are what a training drawing consists of, and following the curve instead would cut every
        corner. Only `M` and `L` are off, by 1/1000 of the pen's width.
        """
        quadratic, curves = self._quadratic
        curved = np.bincount(self._path_of[quadratic], minlength=len(self._lengths))
        pen = (self._kinds[self._stops - 1] == _L) & (curved > 0) & (curved == self._lengths - 2)
        controls, ends = curves[:, 1], curves[:, 2]
        off = np.abs(ends[:-1] - (controls[:-1] + controls[1:]) / 2).max(axis=1) > MIDPOINT_TOLERANCE
        paths = self._path_of[quadratic]
        pen[paths[:-1][off & (paths[:-1] == paths[1:])]] = False
        first, last = self._starts[pen], self._stops[pen] - 1
        far = np.abs(self._points[self._ends[first]] - self._finish[first]).max(axis=1) > DOT_EXTENT
        far |= np.abs(self._last_positions(pen[self._path_of]) - self._finish[last]).max(axis=1) > DOT_EXTENT
        pen[np.flatnonzero(pen)[far]] = False
        return pen

    def _last_positions(self, by_pen: NDArray[np.bool_]) -> Points:
        """The last position of the pen in each of the pen's paths, from the last midpoint."""
        last_curves = self._ends[np.flatnonzero(by_pen & (self._kinds == _L)) - 1]
        return 2 * self._points[last_curves - 1] - self._points[last_curves - 2]


def _numbers(values: list[Any]) -> Points:
    if not set(map(type, values)) <= {int, float}:
        raise BadDrawing("not JSON", "the canvas sent a line with something other than numbers")
    try:
        numbers = np.array(values, np.float64)
    except OverflowError:
        raise BadDrawing("out of range", "the canvas sent a line with unusable numbers") from None
    # Also False for NaN.
    if not (np.abs(numbers) <= MAX_ABS_COORDINATE).all():
        raise BadDrawing("out of range", "the canvas sent a line with unusable numbers")
    return numbers


def _dots_as_points(points: Points, starts: NDArray[np.int64]) -> tuple[Points, NDArray[np.int64]]:
    """The strokes, with one point, in their middle, for those that extend over at most DOT_EXTENT."""
    low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    dots = (high - low).max(axis=1) <= DOT_EXTENT
    points[starts[dots]] = (low + high)[dots] / 2
    lengths = np.diff(starts, append=len(points))
    kept = np.repeat(~dots, lengths)
    kept[starts] = True
    return points[kept], np.cumsum(kept)[starts] - 1
