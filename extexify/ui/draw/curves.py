"""Bézier curves as arrays of control points, shape (k, 2): their extent, and points along them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

FLATNESS = 0.02
"""Largest distance between a curve and the chords that stand for it, in the curve's own pixels."""

MAX_SAMPLES = 200
"""Maximum number of points that a curve is sampled to; only curves far larger than a screen need more."""


def middle(low: Points, high: Points) -> Points:
    """The centre (2,) of a box."""
    return (low + high) / 2


def box_of(curves: list[Points]) -> tuple[Points, Points]:
    """Minimum and maximum (2,) of straight, quadratic and cubic curves (k, 2), k = 1 to 4, themselves."""
    corners = [curve[[0, -1]] for curve in curves]
    corners += [quadratic_extremes(curve[None]) for curve in curves if len(curve) == 3]
    corners += [cubic_extremes(curve) for curve in curves if len(curve) == 4]
    points = np.concatenate(corners)
    return points.min(axis=0), points.max(axis=0)


def quadratic_extremes(curves: Points) -> Points:
    """Points (2m, 2) at which quadratic curves (m, 3, 2) have an extremum in x or in y."""
    start, control, end = curves[:, 0], curves[:, 1], curves[:, 2]
    bend = start - 2 * control + end
    turn = np.divide(start - control, bend, out=np.zeros_like(bend), where=bend != 0).clip(0, 1)
    return np.concatenate(
        [(1 - t) ** 2 * start + 2 * (1 - t) * t * control + t**2 * end for t in (turn[:, :1], turn[:, 1:])]
    )


def cubic_extremes(curve: Points) -> Points:
    """Points (k, 2) at which a cubic curve (4, 2) has an extremum in x or in y, and its start."""
    slope = np.diff(curve, axis=0)
    times = [0.0]
    for a, b, c in zip(slope[0] - 2 * slope[1] + slope[2], 2 * (slope[1] - slope[0]), slope[0], strict=True):
        roots = np.roots([a, b, c])
        times += [float(root.real) for root in roots if abs(root.imag) < 1e-9 and 0 < root.real < 1]
    return _at(curve, np.array(times))


def sample(curve: Points) -> Points:
    """Points (n, 2) along a curve (k, 2) within FLATNESS of it, excluding its start and including its end."""
    bends = np.abs(np.diff(curve, n=2, axis=0)).max(initial=0.0)
    degree = len(curve) - 1
    # A chord over 1/n of the curve is at most max |second derivative| / (8 n²) away from it.
    wanted = math.ceil(math.sqrt(degree * (degree - 1) * bends * math.sqrt(2) / (8 * FLATNESS)))
    count = min(max(wanted, 1), MAX_SAMPLES)
    return _at(curve, np.arange(1, count + 1) / count)


def _at(curve: Points, times: Points) -> Points:
    """The points (n, 2) of a curve (k, 2) at parameters (n,) from 0 to 1, by de Casteljau's algorithm."""
    layers = np.repeat(curve[None], len(times), axis=0)
    weight = times[:, None, None]
    while layers.shape[1] > 1:
        layers = layers[:, :-1] * (1 - weight) + layers[:, 1:] * weight
    return layers[:, 0]
