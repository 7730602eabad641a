"""Blending: interpolation between two drawings of the same symbol, stroke by stroke.

SMOTE (Chawla et al., JAIR 2002) interpolates feature vectors of a class; this interpolates the points of paired
strokes. Only drawings with equally many strokes are blended, and only if every stroke has a counterpart of similar
shape; others are left unchanged.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from extexify.core.compiled import njit
from extexify.drawing.strokes import Drawings

REACH = (-0.25, 0.6)
"""Range of the blended part, as a fraction of the way to the other drawing; below 0 it moves away from it."""

LIMIT = 0.25
"""Largest mean distance of paired strokes, as a fraction of the longer side. Two thirds of the pairs of real drawings
of a symbol with equally many strokes are within it."""

PROBES = 8
"""Points at which strokes are compared, equally spaced along them."""

FLATTEST = 0.3
"""Smallest extent of an axis that is stretched to 1 before strokes are compared: lines are not blown up to squares."""


class SameClassNeighbours:
    """The drawings that can be blended with each other: equal labels (N,) and equal numbers of strokes (N,)."""

    def __init__(self, labels: NDArray[np.integer], strokes: NDArray[np.integer]) -> None:
        self._order = np.lexsort((strokes, labels))
        pairs = np.stack([labels[self._order], strokes[self._order]])
        begins = np.flatnonzero(np.any(np.diff(pairs, prepend=-1), axis=0))
        sizes = np.diff(begins, append=len(labels))
        self._begin, self._size = np.empty(len(labels), np.int64), np.empty(len(labels), np.int64)
        self._begin[self._order], self._size[self._order] = np.repeat(begins, sizes), np.repeat(sizes, sizes)

    def pick(self, rows: NDArray[np.integer], uniforms: NDArray[np.floating]) -> NDArray[np.int64]:
        """A neighbour of each row (n,), chosen by a number in [0, 1) (n,); it may be the row itself."""
        return self._order[self._begin[rows] + (uniforms * self._size[rows]).astype(np.int64)]


def blend(drawings: Drawings, towards: Drawings, parts: NDArray[np.floating], *, limit: float = LIMIT) -> Drawings:
    """Each drawing moved by a part (N,) of the way towards its counterpart; 0 leaves it, below 0 moves away.

    Strokes are paired by shape, in either direction. A drawing is left unchanged if the counterpart has another number
    of strokes, or a pair's mean distance is above `limit` (a fraction of the longer side). Coordinates of the result
    are centred, with the longer side about 1; number, order and direction of the strokes are those of `drawings`.
    """
    points = np.empty((len(drawings.points), 2), np.float32)
    _blend(
        np.asarray(drawings.points), np.asarray(drawings.stroke_ends), np.asarray(drawings.sample_ends),
        np.asarray(towards.points), np.asarray(towards.stroke_ends), np.asarray(towards.sample_ends),
        np.asarray(parts, np.float64), limit, points,
    )  # fmt: skip
    return Drawings(points, drawings.stroke_ends, drawings.sample_ends)


@njit(cache=True, nogil=True)
def _fitted(points, begin, end):  # type: ignore[no-untyped-def]
    """Points begin…end, float64, centred and scaled to a longer side of 1."""
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
    """Fitted points with each axis scaled to an extent of 1, unless that is below FLATTEST."""
    stretched = np.empty_like(fitted)
    for axis in range(2):
        stretched[:, axis] = fitted[:, axis] / max(fitted[:, axis].max() - fitted[:, axis].min(), FLATTEST)
    return stretched


@njit(cache=True, nogil=True)
def _fractions(stroke):  # type: ignore[no-untyped-def]
    """The arc length up to each point of a stroke, 0 to 1; evenly spaced for a stroke without length."""
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
    """Points of each stroke to compare, (strokes, PROBES, 2). points[0] is point number `begin` of the batch."""
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
    """The mean distance of two strokes' probes (PROBES, 2), the other's taken in order or backwards."""
    distance = 0.0
    for index in range(PROBES):
        place = PROBES - 1 - index if backwards else index
        dx, dy = one[index, 0] - other[place, 0], one[index, 1] - other[place, 1]
        distance += np.sqrt(dx * dx + dy * dy) / PROBES
    return distance


@njit(cache=True, nogil=True)
def _paired(a_probes, b_probes, limit):  # type: ignore[no-untyped-def]
    """For each stroke of one drawing the nearest unpaired stroke of the other, and whether it runs backwards; cut off
    before the first stroke without one within the limit."""
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
        a_fitted = _fitted(a, a_begin, a_end)
        out[a_begin:a_end] = a_fitted
        strokes, part = a_last - a_first, parts[sample]
        if part == 0.0 or strokes != b_last - b_first:
            continue
        b_fitted = _fitted(b, b_begin, b_end)
        a_probes = _probes(_stretched(a_fitted), a_strokes, a_first, a_last, a_begin)
        b_probes = _probes(_stretched(b_fitted), b_strokes, b_first, b_last, b_begin)
        pairs, turned = _paired(a_probes, b_probes, limit)
        if len(pairs) < strokes:
            continue
        for stroke in range(strokes):
            start = (a_strokes[a_first + stroke - 1] if a_first + stroke > 0 else 0) - a_begin
            own = a_fitted[start : a_strokes[a_first + stroke] - a_begin]
            paired = b_first + pairs[stroke]
            start_b = (b_strokes[paired - 1] if paired > 0 else 0) - b_begin
            counterpart = b_fitted[start_b : b_strokes[paired] - b_begin]
            along, along_b = _fractions(own), _fractions(counterpart)
            wanted = 1.0 - along if turned[stroke] else along
            for axis in range(2):
                target = np.interp(wanted, along_b, counterpart[:, axis])
                for index in range(len(own)):
                    out[a_begin + start + index, axis] = own[index, axis] + part * (target[index] - own[index, axis])
