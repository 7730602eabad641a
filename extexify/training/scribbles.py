"""Random scribbles: training examples that belong to no class.

Their target is the uniform distribution over the classes. A network trained on symbols alone gives confident
predictions for any drawing; trained with scribbles as well, it gives low probabilities for drawings of no symbol
(outlier exposure: Hendrycks, Mazeika & Dietterich, “Deep Anomaly Detection with Outlier Exposure”, ICLR 2019).

There are five kinds: smooth random curves, random polylines, hatching, coils, and scattered short strokes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from extexify.drawing.strokes import Drawing, Drawings, Stroke

SIDE = 240.0
"""Approximate length of a scribble's longer side, in pixels."""


def scribbles(count: int, rng: np.random.Generator) -> Drawings:
    """`count` scribbles, each of a random kind."""
    kinds = rng.integers(len(KINDS), size=count)
    return Drawings.pack([KINDS[kind](rng) for kind in kinds])


def _curves(rng: np.random.Generator) -> Drawing:
    """One to three smooth curves, each a sum of sine waves with random amplitudes and phases."""
    return [_curve(rng, waves=int(rng.integers(7, 12))) for _ in range(rng.integers(1, 4))]


def _curve(rng: np.random.Generator, waves: int) -> Stroke:
    """A sum of `waves` sine waves in x and in y."""
    number = np.arange(1, waves + 1)
    # Amplitudes decrease slowly with the frequency, so that the curve has many turns.
    heights = rng.normal(size=(2, waves)) / np.sqrt(number)
    phases = rng.uniform(0, 2 * np.pi, (2, waves))
    along = np.linspace(0, 1, 16 * waves)
    angles = 2 * np.pi * number[:, None] * along * rng.uniform(0.7, 1.0)
    points = [(heights[axis][:, None] * np.sin(angles + phases[axis][:, None])).sum(0) for axis in (0, 1)]
    return _sized(np.stack(points, 1), rng)


def _polylines(rng: np.random.Generator) -> Drawing:
    """One or two polylines through random points."""
    return [_sized(rng.uniform(-1, 1, (int(rng.integers(10, 24)), 2)), rng) for _ in range(rng.integers(1, 3))]


def _hatching(rng: np.random.Generator) -> Drawing:
    """One or two zigzags in random directions, with uneven turning points."""
    strokes = []
    for _ in range(rng.integers(1, 3)):
        turns = int(rng.integers(8, 24))
        across = np.where(np.arange(turns) % 2, 1.0, -1.0) * rng.uniform(0.5, 1.0, turns)
        along = np.linspace(-1, 1, turns) * rng.uniform(0.4, 1.0) + rng.normal(0, 0.06, turns)
        strokes.append(_sized(np.stack([along, across], 1) @ _rotation(rng), rng))
    return strokes


def _coils(rng: np.random.Generator) -> Drawing:
    """Five to twelve loops along a line. (Loops in one place are how people draw a filled disc.)"""
    turns = rng.uniform(5, 12)
    along = np.linspace(0, 1, int(24 * turns))
    angle = 2 * np.pi * turns * along + rng.uniform(0, 2 * np.pi)
    inner, wobble = rng.uniform(0, 1), rng.uniform(0, 0.25)
    radius = (inner + (1 - inner) * along) * (1 + wobble * np.sin(rng.uniform(0.3, 0.9) * angle))
    line = np.outer(along, [rng.uniform(4, 8), 0]) @ _rotation(rng)
    return [_sized(np.stack([np.cos(angle), np.sin(angle)], 1) * radius[:, None] + line, rng)]


def _short_strokes(rng: np.random.Generator) -> Drawing:
    """Short lines and arcs at random positions and in random directions."""
    strokes = []
    for _ in range(rng.integers(8, 18)):
        bend = rng.normal(0, 1.0)
        along = np.linspace(-1, 1, 8) * rng.uniform(0.08, 0.45)
        stroke = np.stack([along, bend * along**2], 1) @ _rotation(rng) + rng.uniform(-0.9, 0.9, 2)
        strokes.append((stroke * SIDE / 2).astype(np.float32))
    return strokes


KINDS: tuple[Callable[[np.random.Generator], Drawing], ...] = (_curves, _polylines, _hatching, _coils, _short_strokes)


def _rotation(rng: np.random.Generator) -> NDArray[np.float64]:
    """A random rotation matrix (2, 2)."""
    angle = rng.uniform(0, 2 * np.pi)
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def _sized(points: NDArray[np.float64], rng: np.random.Generator) -> Stroke:
    """The points scaled to 0.6 to 1 times `SIDE`, independently in x and y."""
    low, side = points.min(0), np.maximum(np.ptp(points, axis=0), 1e-6)
    return ((points - low) / side * SIDE * rng.uniform(0.6, 1.0, 2)).astype(np.float32)
