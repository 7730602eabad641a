"""How alike symbols are drawn, from nearest neighbours among drawings of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from extexify.drawing.raster import preset, rasterize
from extexify.drawing.strokes import Drawings

SIZE = 48  # pixels of a drawing's picture
GRID = 8  # cells a side in which line directions are counted
DIRECTIONS = 8
NEIGHBOURS = 12


def affinities(drawings: Drawings, labels: NDArray[np.integer], classes: int) -> NDArray[np.float32]:
    """Between every two classes, from drawings of them with labels (N,): 0 (never confused) to about 1 (the drawings
    are indistinguishable), float32 (classes, classes).

    For each drawing, its nearest other drawings are found. How often one of another class is among them, compared to
    one of its own class, is the affinity: 1 means that a drawing is as near to the other class as to its own.
    """
    features = _features(drawings)
    counts = np.bincount(labels, minlength=classes)
    hits = np.zeros((classes, classes), np.float32)
    random = np.random.default_rng(0)
    for start in range(0, len(labels), 1000):
        block = slice(start, start + 1000)
        similar = features[block] @ features.T
        similar[np.arange(len(similar)), np.arange(start, start + len(similar))] = -1  # itself
        # All single dots have one picture; which are nearest must not depend on their order in the dataset.
        similar += random.uniform(0, 1e-4, similar.shape).astype(np.float32)
        nearest = np.argpartition(-similar, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
        np.add.at(hits, (np.repeat(labels[block], NEIGHBOURS), labels[nearest].ravel()), 1)
    # Hits are relative to the size of the class; the added one keeps chance hits in tiny classes from counting much.
    own = (np.diag(hits) + 1) / np.maximum(counts - 1, 1)
    one_way = hits / np.maximum(counts, 1)[None] / own[:, None]
    result: NDArray[np.float32] = np.sqrt(one_way * one_way.T)
    np.fill_diagonal(result, 1)
    return result


def _features(drawings: Drawings) -> NDArray[np.float32]:
    """A unit vector a drawing: where its ink is, and in which directions its lines run there."""
    settings = preset("default", size=SIZE)
    parts = []
    for start in range(0, len(drawings), 2000):
        batch = drawings.take(np.arange(start, min(start + 2000, len(drawings))))
        images = rasterize(batch, settings).astype(np.float32)
        parts.append(np.concatenate([_directions(images), 0.5 * _ink(images)], axis=1))
    vectors = np.concatenate(parts)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _directions(images: NDArray[np.float32]) -> NDArray[np.float32]:
    down, right = np.gradient(images, axis=(1, 2))
    strength = np.hypot(down, right)
    # Lines have no beginning: half a turn is all directions. Each pixel counts for its two nearest directions.
    place = np.mod(np.arctan2(down, right), np.pi) / np.pi * DIRECTIONS
    lower = np.floor(place).astype(int)
    weight = place - lower
    maps = [
        _pool(strength * ((lower % DIRECTIONS == d) * (1 - weight) + ((lower + 1) % DIRECTIONS == d) * weight), GRID)
        for d in range(DIRECTIONS)
    ]
    return _unit(np.sqrt(np.concatenate(maps, axis=1)))


def _ink(images: NDArray[np.float32]) -> NDArray[np.float32]:
    return _unit(np.sqrt(_pool(images, 2 * GRID)))


def _pool(images: NDArray[np.float32], cells: int) -> NDArray[np.float32]:
    """Sums over overlapping cells, so that a line near a border counts on both sides of it: (N, cells²)."""
    cell = images.shape[1] // cells
    sums = images.reshape(len(images), cells, cell, cells, cell).sum(axis=(2, 4))
    padded = np.pad(sums, ((0, 0), (1, 1), (1, 1)))
    across = padded[:, 1:-1] + 0.5 * (padded[:, :-2] + padded[:, 2:])
    both = across[:, :, 1:-1] + 0.5 * (across[:, :, :-2] + across[:, :, 2:])
    return both.reshape(len(images), -1).astype(np.float32)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
