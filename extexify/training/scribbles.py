"""Scribbles: drawings of no symbol, from which a network learns to be unsure.

A network that has seen nothing but symbols finds one in everything. Shown scribbles whose answer is "any of them, all
equally likely", it says so of others, too (Hendrycks, Mazeika & Dietterich, “Deep Anomaly Detection with Outlier
Exposure”, ICLR 2019).

Five kinds, all too tangled for a symbol: a curve that wanders, a polyline that jumps about, hatching to and fro, coils,
and many short strokes in all places.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from extexify.drawing.strokes import Drawing, Drawings, Stroke

SIDE = 240.0
"""About the longer side of a scribble, in pixels."""


def scribbles(count: int, rng: np.random.Generator) -> Drawings:
    """`count` scribbles of all kinds."""
    kinds = rng.integers(len(KINDS), size=count)
    return Drawings.pack([KINDS[kind](rng) for kind in kinds])


def _wandering(rng: np.random.Generator) -> Drawing:
    """One to three smooth curves, each a sum of waves that cross it many times."""
    return [_curve(rng, waves=int(rng.integers(7, 12))) for _ in range(rng.integers(1, 4))]


def _curve(rng: np.random.Generator, waves: int) -> Stroke:
    number = np.arange(1, waves + 1)
    # Waves of all lengths are about equally high, so that the curve turns all over the place.
    heights = rng.normal(size=(2, waves)) / np.sqrt(number)
    phases = rng.uniform(0, 2 * np.pi, (2, waves))
    along = np.linspace(0, 1, 16 * waves)
    angles = 2 * np.pi * number[:, None] * along * rng.uniform(0.7, 1.0)
    points = [(heights[axis][:, None] * np.sin(angles + phases[axis][:, None])).sum(0) for axis in (0, 1)]
    return _sized(np.stack(points, 1), rng)


def _jumping(rng: np.random.Generator) -> Drawing:
    """A polyline from place to place, one or two strokes."""
    return [_sized(rng.uniform(-1, 1, (int(rng.integers(10, 24)), 2)), rng) for _ in range(rng.integers(1, 3))]


def _hatching(rng: np.random.Generator) -> Drawing:
    """To and fro across an area, in any direction, the turns uneven; sometimes crossed a second time."""
    strokes = []
    for _ in range(rng.integers(1, 3)):
        turns = int(rng.integers(8, 24))
        across = np.where(np.arange(turns) % 2, 1.0, -1.0) * rng.uniform(0.5, 1.0, turns)
        along = np.linspace(-1, 1, turns) * rng.uniform(0.4, 1.0) + rng.normal(0, 0.06, turns)
        strokes.append(_sized(np.stack([along, across], 1) @ _turn(rng), rng))
    return strokes


def _coiling(rng: np.random.Generator) -> Drawing:
    """Five to twelve loops along a way. (Loops in one place are how people draw a filled disc.)"""
    turns = rng.uniform(5, 12)
    along = np.linspace(0, 1, int(24 * turns))
    angle = 2 * np.pi * turns * along + rng.uniform(0, 2 * np.pi)
    inner, wobble = rng.uniform(0, 1), rng.uniform(0, 0.25)
    radius = (inner + (1 - inner) * along) * (1 + wobble * np.sin(rng.uniform(0.3, 0.9) * angle))
    way = np.outer(along, [rng.uniform(4, 8), 0]) @ _turn(rng)
    return [_sized(np.stack([np.cos(angle), np.sin(angle)], 1) * radius[:, None] + way, rng)]


def _scattered(rng: np.random.Generator) -> Drawing:
    """Short lines and arcs in all places and directions."""
    strokes = []
    for _ in range(rng.integers(8, 18)):
        bend = rng.normal(0, 1.0)
        along = np.linspace(-1, 1, 8) * rng.uniform(0.08, 0.45)
        stroke = np.stack([along, bend * along**2], 1) @ _turn(rng) + rng.uniform(-0.9, 0.9, 2)
        strokes.append((stroke * SIDE / 2).astype(np.float32))
    return strokes


KINDS: tuple[Callable[[np.random.Generator], Drawing], ...] = (_wandering, _jumping, _hatching, _coiling, _scattered)


def _turn(rng: np.random.Generator) -> NDArray[np.float64]:
    angle = rng.uniform(0, 2 * np.pi)
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def _sized(points: NDArray[np.float64], rng: np.random.Generator) -> Stroke:
    """Fitted to the scribble's square, each axis a little less than all of it."""
    low, side = points.min(0), np.maximum(np.ptp(points, axis=0), 1e-6)
    return ((points - low) / side * SIDE * rng.uniform(0.6, 1.0, 2)).astype(np.float32)
