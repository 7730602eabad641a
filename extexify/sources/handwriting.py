"""Simulated handwriting: the centre lines of a printed symbol → varied drawings of it.

Each drawing is rotated, scaled, sheared and bent as a whole; each stroke is shifted, rotated and scaled separately, has
slow and fast noise, and ends early or late. The order and direction of strokes vary, some are joined or split, some
have hooks, loops may not close. Coordinates are whole pixels, and points are denser where a pen slows down.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extexify.drawing.strokes import Drawing

Points = NDArray[np.float64]

# How much drawings vary: lengths as fractions of the symbol's longer side, angles in radians. The values were chosen by
# the accuracy on real drawings of a nearest-neighbour search over the result (benchmarks/starter.py), and by eye.
_SQUARE = 0.3  # how much of a long symbol's length a drawing may lose: 1 makes it square
_TURN = 0.07  # σ of the whole drawing's turn
_SIZE = 0.14  # σ of each axis's log scale
_SLANT = 0.1  # σ of the shear
_WARP = 0.025  # σ of the amplitude of the sine waves that bend each axis
_STROKE_SHIFT = 0.03  # σ of what each stroke does by itself
_STROKE_TURN = 0.06
_STROKE_SIZE = 0.09
_BEND = 0.015  # σ of the slow wandering of the hand off its course, one knot every _BEND_SPACING
_BEND_SPACING = 0.3
_TREMBLE = 0.005  # and of the quick one
_TREMBLE_SPACING = 0.08
_SOFT = 0.06  # σ of the smoothing that a hurried drawing gets in full, a careful one not at all
_STEP = 0.022  # mean distance of the points of a slow pen
_END = 0.03  # σ of how far a line ends short of its end, or beyond it
_REACH = 4  # points that a line can be longer at each end
_SERIFS = 0.2  # part of the drawings that have the serifs
_GAP = 0.05  # σ of the gap, or overlap, where a loop closes
_SMALL_SIDE, _LARGE_SIDE = 90.0, 260.0  # pixels of a drawing's longer side, before its turn and scale


@dataclass(frozen=True, slots=True)
class _Line:
    """A stroke to vary: points (n, 2) spaced as a pen's, and the same after hurried smoothing."""

    sharp: Points
    soft: Points
    closed: bool
    part: str
    """"lines", "areas" (edges of filled areas) or "serifs", as in the file."""

    @property
    def printed(self) -> Points:
        """The points without those beyond the printed ends."""
        return self.sharp if self.closed or len(self.sharp) == 1 else self.sharp[_REACH:-_REACH]


class _Random:
    """Random numbers for `each` drawings of a symbol; row n doesn't depend on the number of rows."""

    def __init__(self, seed: int, key: str, each: int) -> None:
        self._entropy = int.from_bytes(hashlib.blake2b(f"{seed}:{key}".encode(), digest_size=16).digest(), "little")
        self._each = each
        self._calls = 0

    def _generator(self) -> np.random.Generator:
        self._calls += 1
        return np.random.Generator(np.random.PCG64([self._entropy, self._calls]))

    def normal(self, *shape: int) -> Points:
        """Standard normal numbers (each, *shape), held within ±2.5 so that no drawing becomes another symbol."""
        return self._generator().standard_normal((self._each, *shape)).clip(-2.5, 2.5)

    def uniform(self, *shape: int) -> Points:
        """Numbers (each, *shape) from 0 to 1."""
        return self._generator().random((self._each, *shape))


def handwritten(skeleton: Sequence[tuple[Points, str]], *, key: str, each: int, seed: int) -> list[Drawing]:
    """`each` drawings of a skeleton, in whole pixels; drawing n doesn't depend on `each`.

    The skeleton is centre lines (n, 2) with their part: "lines", "areas" (edges of filled areas) or "serifs". `key` and
    `seed` determine all random numbers.
    """
    lines = [_line(points, part) for points, part in skeleton]
    rng = _Random(seed, key, each)
    varied = _vary(lines, rng)
    pick = rng.uniform(len(lines), 12)
    whole = rng.uniform(7)
    return [_drawn(lines, [stroke[number] for stroke in varied], pick[number], whole[number]) for number in range(each)]


def _line(points: Points, part: str) -> _Line:
    """A skeleton's line with the points of a pen that slows down in curves.

    Speed follows the power law of drawing movements (Lacquaniti, Terzuolo & Viviani, 1983): it falls with the cube
    root of the curvature.
    """
    if len(points) == 1:
        return _Line(points, points, closed=False, part=part)
    closed = len(points) > 3 and bool((points[0] == points[-1]).all())
    fine = _resampled(points, 0.004)
    sharp = _smoothed(fine, 2.5, closed)
    soft = _smoothed(fine, _SOFT / 0.004, closed)
    heading = np.unwrap(np.arctan2(*np.gradient(sharp, axis=0).T[::-1]))
    curvature = np.abs(np.gradient(heading)) / 0.004
    time = np.cumsum(np.cbrt(curvature + 1.0))
    count = max(3, round((len(fine) - 1) * 0.004 / _STEP * float(np.clip(time[-1] / len(time) / 1.6, 0.7, 1.6))))
    at = np.interp(np.linspace(time[0], time[-1], count), time, np.arange(len(time)))
    sharp, soft = (_at(course, at) for course in (sharp, soft))
    if closed:
        return _Line(sharp[:-1], soft[:-1], closed=True, part=part)
    return _Line(_extended(sharp), _extended(soft), closed=False, part=part)


def _resampled(points: Points, step: float) -> Points:
    lengths = np.r_[0, np.cumsum(np.hypot(*np.diff(points, axis=0).T))]
    at = np.linspace(0, lengths[-1], max(round(lengths[-1] / step), 4) + 1)
    return np.column_stack([np.interp(at, lengths, points[:, axis]) for axis in (0, 1)])


def _at(points: Points, index: Points) -> Points:
    whole = np.arange(len(points))
    return np.column_stack([np.interp(index, whole, points[:, axis]) for axis in (0, 1)])


def _smoothed(points: Points, sigma: float, closed: bool) -> Points:
    """Gaussian smoothing along the line; the ends of an open one stay where they are."""
    sigma = min(sigma, len(points) / 8)
    reach = min(max(int(3 * sigma), 1), len(points) - 1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    if closed:
        padded = np.vstack([points[-reach - 1 : -1], points, points[1 : reach + 1]])
    else:
        # Mirrored through its end, a line stays on it.
        before, after = 2 * points[0] - points[reach:0:-1], 2 * points[-1] - points[-2 : -reach - 2 : -1]
        padded = np.vstack([before, points, after])
    return np.column_stack([np.convolve(padded[:, axis], kernel, "valid") for axis in (0, 1)])


def _extended(points: Points) -> Points:
    """The line with `_REACH` more points straight on at each end."""
    steps = np.arange(1, _REACH + 1)[:, None] * _STEP
    near = min(2, len(points) - 1)
    ahead, behind = points[-1] - points[-1 - near], points[0] - points[near]
    ahead, behind = (way / max(float(np.hypot(*way)), 1e-9) for way in (ahead, behind))
    return np.vstack([(points[0] + steps * behind)[::-1], points, points[-1] + steps * ahead])


def _vary(lines: list[_Line], rng: _Random) -> list[Points]:
    """All drawings of the symbol at once: a list of strokes, (each, n, 2), longer side about 1."""
    haste = np.abs(rng.normal(1))[:, :, None] / 1.5
    stretch, unit = _proportions(lines, rng)
    own = rng.normal(len(lines), 5)
    turn, sizes, slant = _TURN * rng.normal(1), np.exp(_SIZE * rng.normal(2)), _SLANT * rng.normal(1)
    waves, phases = _WARP * unit * rng.normal(4), rng.uniform(8)
    cosine, sine = np.cos(turn), np.sin(turn)
    varied = []
    for number, line in enumerate(lines):
        points = (line.sharp + np.minimum(haste, 1) * (line.soft - line.sharp)) * stretch[:, None]
        wander = _wander(line, _BEND, _BEND_SPACING, rng) + _wander(line, _TREMBLE, _TREMBLE_SPACING, rng)
        points = points + unit[:, :, None] * wander
        middle = points.mean(axis=1, keepdims=True)
        angle = _STROKE_TURN * own[:, number, 0:1]
        x, y = np.moveaxis((points - middle) * np.exp(_STROKE_SIZE * own[:, number, None, 1:3]), 2, 0)
        x, y = np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y
        x = x + middle[:, :, 0] + _STROKE_SHIFT * unit * own[:, number, 3:4]
        y = y + middle[:, :, 1] + _STROKE_SHIFT * unit * own[:, number, 4:5]
        bend_x = _waves(x, y, waves[:, :2], phases[:, :4])
        bend_y = _waves(y, x, waves[:, 2:], phases[:, 4:])
        x, y = x + bend_x, y + bend_y
        x = x - slant * y
        x, y = sizes[:, :1] * x, sizes[:, 1:] * y
        varied.append(np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=2))
    return varied


def _proportions(lines: list[_Line], rng: _Random) -> tuple[Points, Points]:
    """Factors of both axes that make long symbols shorter (each, 2), and the unit of a hand's errors (each, 1).

    Print has room for long arrows, a drawing's square has not. A line across a flat symbol errs less than one across
    a square one: the unit is the geometric mean of the sides, the longer side being 1.
    """
    everything = np.vstack([line.printed for line in lines])
    sides = np.ptp(everything, axis=0)
    longer = max(float(sides.max()), 1e-9)
    ratio = np.log(np.clip(sides / longer, 0.15, 1))
    growth = np.exp(-ratio * _SQUARE * rng.uniform(1))
    return growth, np.sqrt(np.clip(sides / longer * growth, 0.1, 1).prod(axis=1, keepdims=True))


def _waves(along: Points, across: Points, amplitude: Points, phases: Points) -> Points:
    """Two sine waves of half a period to one and a half over the symbol: one along the axis, one across it."""
    total = np.zeros_like(along)
    for number, axis in enumerate((along, across)):
        frequency = np.pi * (1 + 2 * phases[:, 2 * number, None])
        start = 2 * np.pi * phases[:, 2 * number + 1, None]
        total += amplitude[:, number, None] * np.sin(frequency * axis + start)
    return total


def _wander(line: _Line, amount: float, spacing: float, rng: _Random) -> Points:
    """Smooth noise along a line (each, n, 2): random offsets at knots, eased from one to the next."""
    count = len(line.sharp)
    knots = max(2, round(count * _STEP / spacing) + 1)
    offsets = amount * rng.normal(knots, 2)
    if line.closed:
        offsets = np.concatenate([offsets, offsets[:, :1]], axis=1)
    at = np.linspace(0, offsets.shape[1] - 1, count + line.closed)[:count]
    low = np.minimum(at.astype(int), offsets.shape[1] - 2)
    part = ((1 - np.cos(np.pi * (at - low))) / 2)[None, :, None]
    return offsets[:, low] * (1 - part) + offsets[:, low + 1] * part


def _drawn(lines: list[_Line], varied: list[Points], pick: Points, whole: Points) -> Drawing:
    """One drawing: how the pen moves over the lines. `pick` (lines, 12) and `whole` (7,) are uniform from 0 to 1."""
    strokes: list[tuple[float, Points]] = []
    for line, points, uniform in zip(lines, varied, pick, strict=True):
        if line.part == "serifs" and whole[6] > _SERIFS:
            continue
        pieces = _pen_down(line, points, uniform, whole)
        # A pen works from the top left down, mostly.
        start = pieces[0][0]
        strokes += [(start[0] + start[1] + 0.4 * uniform[0] + 1e-6 * part, piece) for part, piece in enumerate(pieces)]
    strokes.sort(key=lambda entry: entry[0])
    side = _SMALL_SIDE + (_LARGE_SIDE - _SMALL_SIDE) * whole[0]
    drawing = []
    for stroke in _joined([piece for _, piece in strokes], whole):
        pixels = np.rint(stroke * side).astype(np.float32)
        fresh = np.ones(len(pixels), bool)
        fresh[1:] = (pixels[1:] != pixels[:-1]).any(axis=1)
        drawing.append(pixels[fresh])
    corner = np.min([stroke.min(axis=0) for stroke in drawing], axis=0)
    margin = np.floor(whole[1:3] * 60).astype(np.float32)
    return [stroke - corner + margin for stroke in drawing]


def _pen_down(line: _Line, points: Points, uniform: Points, whole: Points) -> list[Points]:
    """The strokes that one line becomes: mostly one, sometimes two, and the filling of an area."""
    if len(points) == 1:
        return [_dot(points[0], uniform)]
    every = 1 + int(whole[3] * 2.5)  # a quick pen leaves fewer points
    if line.closed:
        loop = _loop(points, uniform)
        filling = [_scribble(points, uniform)] if line.part == "areas" and whole[4] < 0.5 else []
        return [_thinned(loop, every), *filling]
    first, last = _REACH, len(points) - _REACH
    cut = [round(_normal_of(value) * _END / _STEP) for value in uniform[1:3]]
    spare = (last - first) // 5
    start = first + min(max(cut[0], -_REACH), spare)
    stop = last - min(max(cut[1], -_REACH), spare)
    path = points[start:stop]
    backwards = path[0].sum() > path[-1].sum()
    if backwards != (uniform[3] < 0.12):
        path = path[::-1]
    path = _thinned(path, every)
    if uniform[4] < 0.08:
        path = np.vstack([_hook(path[0], uniform[5:7]), path])
    if uniform[7] < 0.08:
        path = np.vstack([path, _hook(path[-1], uniform[8:10])])
    if uniform[10] < 0.05 and len(path) > 12:
        middle = round(len(path) * (0.3 + 0.4 * uniform[11]))
        return [path[:middle], path[middle:]]
    return [path]


def _normal_of(uniform: float) -> float:
    """A number of about a standard normal's spread, from one of 0 to 1: the logistic's quantile, held within ±2.5."""
    inner = min(max(uniform, 0.01), 0.99)
    return float(np.clip(np.log(inner / (1 - inner)) / 1.7, -2.5, 2.5))


def _thinned(path: Points, every: int) -> Points:
    """One point of `every`, and the last."""
    return np.vstack([path[:-1:every], path[-1:]])


def _loop(points: Points, uniform: Points) -> Points:
    """A closed line from somewhere near its top, not quite to where it started or a little beyond."""
    count = len(points)
    top = int(np.argmin(points[:, 1] + 0.3 * points[:, 0]))
    start = top + round((uniform[1] - 0.5) * count * (1.0 if uniform[5] < 0.2 else 0.2))
    turn = count + 1 + round(_normal_of(uniform[2]) * _GAP / _STEP)
    turn = min(max(turn, count * 4 // 5), count + count // 5 + 1)
    order = (start + np.arange(turn)) % count
    area = points[:, 0] @ np.roll(points[:, 1], -1) - points[:, 1] @ np.roll(points[:, 0], -1)
    if (area > 0) == (uniform[3] < 0.7):  # y grows downwards: most go round counterclockwise
        order = order[::-1]
    return points[order]


def _dot(place: Points, uniform: Points) -> Points:
    """A dot: mostly a tap, sometimes a tiny circle. Never a dash: alone, it would be a line across the picture."""
    if uniform[1] < 0.85:
        return place[None]
    size, start = 0.01 + 0.03 * uniform[2], 2 * np.pi * uniform[3]
    turn = start + np.linspace(0, 2 * np.pi * (0.8 + uniform[4]), 9)
    return place + size * np.column_stack([np.cos(turn), np.sin(turn)]) / 2


def _hook(end: Points, uniform: Points) -> Points:
    """Where the pen was before it had found its place, or went while it was lifted: one point, (1, 2)."""
    angle = 2 * np.pi * uniform[0]
    return end[None] + (0.02 + 0.04 * uniform[1]) * np.array([[np.cos(angle), np.sin(angle)]])


def _scribble(outline: Points, uniform: Points) -> Points:
    """A zigzag that fills an area: between the outline's edges, from one side of it to the other."""
    angle = np.pi * uniform[4]
    cosine, sine = np.cos(angle), np.sin(angle)
    across = outline @ np.array([cosine, sine])
    along = outline @ np.array([-sine, cosine])
    count = round(5 + 12 * uniform[6])
    levels = np.linspace(across.min(), across.max(), count + 2)[1:-1]
    low, high = np.empty(count), np.empty(count)
    for number, level in enumerate(levels):
        after = np.roll(across, -1)
        cuts = np.flatnonzero((across <= level) != (after <= level))
        part = (level - across[cuts]) / (after[cuts] - across[cuts])
        crossings = along[cuts] + part * (np.roll(along, -1)[cuts] - along[cuts])
        low[number], high[number] = crossings.min(), crossings.max()
    turns = np.where(np.arange(count) % 2 == 0, low, high)
    # The turns lie a little inside or outside of the edge, by different digits of the same random number.
    turns += (high - low) * 0.15 * (np.modf(uniform[8] * 997 * (1 + np.arange(count)) ** 2)[0] - 0.5)
    return _resampled(np.column_stack([cosine * levels - sine * turns, sine * levels + cosine * turns]), _STEP * 2)


def _joined(strokes: list[Points], whole: Points) -> list[Points]:
    """The strokes, some that end where another begins drawn without lifting the pen."""
    if whole[5] > 0.35:
        return strokes
    joined = [strokes[0]]
    for stroke in strokes[1:]:
        last = joined[-1]
        if min(len(last), len(stroke)) > 1 and np.hypot(*(last[-1] - stroke[0])) < 0.12:
            joined[-1] = np.vstack([last, stroke])
        else:
            joined.append(stroke)
    return joined
