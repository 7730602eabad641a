"""Bézier curves as arrays of control points, shape (m, k, 2): m curves of k points each."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

FLATNESS = 0.02
"""Largest distance between a curve and the chords that stand for it, in the curve's own pixels."""

MAX_SAMPLES = 200
"""Maximum number of points that a curve is sampled to; only curves far larger than a screen need more."""


def quadratic_extremes(curves: Points) -> Points:
    """Points (2, m, 2) at which quadratic curves (m, 3, 2) have an extremum in x, and in y."""
    start, control, end = curves[:, 0], curves[:, 1], curves[:, 2]
    bend = start - 2 * control + end
    turn = np.divide(start - control, bend, out=np.zeros_like(bend), where=bend != 0).clip(0, 1)
    return np.stack([points_at(curves, times) for times in turn.T])


def cubic_extremes(curves: Points) -> Points:
    """Points (4, m, 2) at which cubic curves (m, 4, 2) have an extremum in x, and in y, up to two each."""
    slope = np.diff(curves, axis=1)
    a, b, c = slope[:, 0] - 2 * slope[:, 1] + slope[:, 2], 2 * (slope[:, 1] - slope[:, 0]), slope[:, 0]
    # The roots of a t² + b t + c as q/a and c/q, which are also exact where a is nearly 0.
    q = -(b + np.copysign(np.sqrt(np.maximum(b * b - 4 * a * c, 0)), b)) / 2
    first = np.divide(q, a, out=np.zeros_like(q), where=a != 0).clip(0, 1)
    second = np.divide(c, q, out=np.zeros_like(q), where=q != 0).clip(0, 1)
    return np.stack([points_at(curves, times) for times in (*first.T, *second.T)])


def sample_counts(curves: Points) -> NDArray[np.int64]:
    """The number of points (m,) along curves (m, k, 2), without their starts, whose chords are within FLATNESS."""
    bends = np.abs(np.diff(curves, n=2, axis=1)).max(axis=(1, 2), initial=0.0)
    degree = curves.shape[1] - 1
    # A chord over 1/n of the curve is at most max |second derivative| / (8 n²) away from it.
    wanted = np.ceil(np.sqrt(degree * (degree - 1) * bends * math.sqrt(2) / (8 * FLATNESS)))
    return wanted.clip(1, MAX_SAMPLES).astype(np.int64)


def points_at(curves: Points, times: Points) -> Points:
    """The points (m, 2) of curves (m, k, 2) at parameters (m,) from 0 to 1, by de Casteljau's algorithm."""
    weight = times[:, None, None]
    while curves.shape[1] > 1:
        curves = curves[:, :-1] * (1 - weight) + curves[:, 1:] * weight
    return curves[:, 0]
