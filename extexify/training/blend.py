"""Blending: a drawing moved part of the way towards another one of the same symbol.

Between two people's drawings of a symbol lie drawings that a third one might make: interpolating examples of a class,
as SMOTE does with feature vectors (Chawla et al., JAIR 2002), but along strokes. Only drawings of equally many strokes
are blended, and only where each stroke finds one of its own shape; others stay as they are.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from extexify.drawing.strokes import Drawings
from extexify.training.rng import number_state, uniform

REACH = (-0.25, 0.6)
"""Of the way to the other drawing, training goes a part between these: sometimes a little away from it."""

LIMIT = 0.25
"""How far apart strokes that are paired may lie, as a part of the longer side: of two real drawings of a symbol with
equally many strokes, two thirds fit."""

PROBES = 8
"""Strokes are compared at so many points, equally far apart along them."""

FLATTEST = 0.3
"""Of drawings at least this broad (or high), the proportions don't matter when strokes are compared."""


class Kin:
    """Which drawings can be blended: those of one symbol, labels (N,), with equally many strokes (N,)."""

    def __init__(self, labels: NDArray[np.integer], strokes: NDArray[np.integer]) -> None:
        self._order = np.lexsort((strokes, labels))
        pairs = np.stack([labels[self._order], strokes[self._order]])
        begins = np.flatnonzero(np.any(np.diff(pairs, prepend=-1), axis=0))
        sizes = np.diff(begins, append=len(labels))
        self._begin, self._size = np.empty(len(labels), np.int64), np.empty(len(labels), np.int64)
        self._begin[self._order], self._size[self._order] = np.repeat(begins, sizes), np.repeat(sizes, sizes)

    def of(self, rows: NDArray[np.integer], chance: NDArray[np.floating]) -> NDArray[np.int64]:
        """For each row another of its kin, by a number from 0 to 1; a row without kin has itself."""
        return self._order[self._begin[rows] + (chance * self._size[rows]).astype(np.int64)]


def chances(numbers: NDArray[np.integer], *, seed: int, epoch: int, each: int) -> NDArray[np.float64]:
    """Uniform numbers from 0 to 1, (N, each), that depend on nothing but seed, epoch and the drawing's number."""
    base = np.uint64(np.random.SeedSequence([seed, epoch, 1]).generate_state(1, np.uint64)[0])
    made = np.empty((len(numbers), each))
    _fill(np.asarray(numbers, np.uint64), base, made)
    return made


def blend(drawings: Drawings, towards: Drawings, parts: NDArray[np.floating], *, limit: float = LIMIT) -> Drawings:
    """Each drawing moved by its part (N,) of the way towards the other: 0 is the drawing itself, below 0 moves away.

    `towards` has as many strokes a drawing. Strokes are paired by shape, either direction; where one lies farther than
    `limit` (of the longer side) from its pair in the mean, the drawing stays. Coordinates come out with the middle at 0
    and the longer side about 1; number, order, and direction of the strokes are those of `drawings`.
    """
    points = np.empty((len(drawings.points), 2), np.float32)
    _blend(
        np.asarray(drawings.points), np.asarray(drawings.stroke_ends), np.asarray(drawings.sample_ends),
        np.asarray(towards.points), np.asarray(towards.stroke_ends), np.asarray(towards.sample_ends),
        np.asarray(parts, np.float64), limit, points,
    )  # fmt: skip
    return Drawings(points, drawings.stroke_ends, drawings.sample_ends)


@njit(cache=True, nogil=True)
def _fill(numbers, base, made):  # type: ignore[no-untyped-def]
    state = np.empty(1, np.uint64)
    for row in range(len(numbers)):
        number_state(state, base, numbers[row])
        for column in range(made.shape[1]):
            made[row, column] = uniform(state)


@njit(cache=True, nogil=True)
def _fitted(points, begin, end):  # type: ignore[no-untyped-def]
    """Points begin…end with their middle at 0 and the longer side 1, float64."""
    fitted = points[begin:end].astype(np.float64)
    low_x, high_x = fitted[:, 0].min(), fitted[:, 0].max()
    low_y, high_y = fitted[:, 1].min(), fitted[:, 1].max()
    side = max(high_x - low_x, high_y - low_y)
    unit = 1.0 / side if side > 0 else 1.0
    fitted[:, 0] = (fitted[:, 0] - (low_x + high_x) / 2) * unit
    fitted[:, 1] = (fitted[:, 1] - (low_y + high_y) / 2) * unit
    return fitted


@njit(cache=True, nogil=True)
def _stretched(fitted):  # type: ignore[no-untyped-def]
    """Fitted points with both axes as long as the longer one; a line isn't blown up to a square, though."""
    stretched = np.empty_like(fitted)
    for axis in range(2):
        stretched[:, axis] = fitted[:, axis] / max(fitted[:, axis].max() - fitted[:, axis].min(), FLATTEST)
    return stretched


@njit(cache=True, nogil=True)
def _fractions(stroke):  # type: ignore[no-untyped-def]
    """How far along a stroke each of its points lies, 0 to 1; a stroke without length: evenly."""
    along = np.zeros(len(stroke))
    for index in range(1, len(stroke)):
        dx, dy = stroke[index, 0] - stroke[index - 1, 0], stroke[index, 1] - stroke[index - 1, 1]
        along[index] = along[index - 1] + np.sqrt(dx * dx + dy * dy)
    if along[-1] > 0:
        return along / along[-1]
    for index in range(len(stroke)):
        along[index] = (index + 0.5) / len(stroke)
    return along


@njit(cache=True, nogil=True)
def _probes(points, ends, first, last, begin):  # type: ignore[no-untyped-def]
    """Of each stroke PROBES points: (strokes, PROBES, 2). `points` begin at point number `begin` of the batch."""
    probes = np.empty((last - first, PROBES, 2))
    wanted = np.linspace(0.0, 1.0, PROBES)
    for stroke in range(first, last):
        start = (ends[stroke - 1] if stroke > 0 else 0) - begin
        own = points[start : ends[stroke] - begin]
        along = _fractions(own)
        for axis in range(2):
            probes[stroke - first, :, axis] = np.interp(wanted, along, own[:, axis])
    return probes


@njit(cache=True, nogil=True)
def _distance(one, other, backwards):  # type: ignore[no-untyped-def]
    """The mean distance of two strokes' probes (PROBES, 2), those of the other in their order or backwards."""
    distance = 0.0
    for index in range(PROBES):
        place = PROBES - 1 - index if backwards else index
        dx, dy = one[index, 0] - other[place, 0], one[index, 1] - other[place, 1]
        distance += np.sqrt(dx * dx + dy * dy) / PROBES
    return distance


@njit(cache=True, nogil=True)
def _paired(a_probes, b_probes, limit):  # type: ignore[no-untyped-def]
    """For each stroke of one drawing the nearest of the other's that is still free, and whether that one runs the other
    way; ends before the first stroke without any within the limit."""
    strokes = len(a_probes)
    free = np.ones(strokes, np.bool_)
    pairs = np.empty(strokes, np.int64)
    turned = np.zeros(strokes, np.bool_)
    for stroke in range(strokes):
        best = np.inf
        for candidate in range(strokes):
            if not free[candidate]:
                continue
            for backwards in (False, True):
                distance = _distance(a_probes[stroke], b_probes[candidate], backwards)
                if distance < best:
                    best, pairs[stroke], turned[stroke] = distance, candidate, backwards
        if best > limit:
            return pairs[:stroke], turned[:stroke]
        free[pairs[stroke]] = False
    return pairs, turned


@njit(cache=True, nogil=True)
def _blend(a, a_strokes, a_samples, b, b_strokes, b_samples, parts, limit, out):  # type: ignore[no-untyped-def]
    for sample in range(len(a_samples)):
        a_first = a_samples[sample - 1] if sample > 0 else 0
        b_first = b_samples[sample - 1] if sample > 0 else 0
        a_last, b_last = a_samples[sample], b_samples[sample]
        a_begin = a_strokes[a_first - 1] if a_first > 0 else 0
        b_begin = b_strokes[b_first - 1] if b_first > 0 else 0
        a_end, b_end = a_strokes[a_last - 1], b_strokes[b_last - 1]
        mine = _fitted(a, a_begin, a_end)
        out[a_begin:a_end] = mine
        strokes, part = a_last - a_first, parts[sample]
        if part == 0.0 or strokes != b_last - b_first:
            continue
        other = _fitted(b, b_begin, b_end)
        a_probes = _probes(_stretched(mine), a_strokes, a_first, a_last, a_begin)
        b_probes = _probes(_stretched(other), b_strokes, b_first, b_last, b_begin)
        pairs, turned = _paired(a_probes, b_probes, limit)
        if len(pairs) < strokes:
            continue
        for stroke in range(strokes):
            start = (a_strokes[a_first + stroke - 1] if a_first + stroke > 0 else 0) - a_begin
            own = mine[start : a_strokes[a_first + stroke] - a_begin]
            twin = b_first + pairs[stroke]
            start_b = (b_strokes[twin - 1] if twin > 0 else 0) - b_begin
            theirs = other[start_b : b_strokes[twin] - b_begin]
            along, along_b = _fractions(own), _fractions(theirs)
            wanted = 1.0 - along if turned[stroke] else along
            for axis in range(2):
                goal = np.interp(wanted, along_b, theirs[:, axis])
                for index in range(len(own)):
                    out[a_begin + start + index, axis] = own[index, axis] + part * (goal[index] - own[index, axis])
