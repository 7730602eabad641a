"""Borrowed drawings: people's drawings of one symbol, mirrored or turned, as drawings of another one.

Where the printed centre lines of a symbol are those of another one mirrored or turned, like those of an arrow that
points elsewhere, what people drew of that one shows how they would draw it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from extexify.dataset.dataset import Dataset
from extexify.drawing.strokes import Drawing
from extexify.sources.starter import skeleton_lines, symbols_with_skeletons

Floats = NDArray[np.float32]

TRANSFORMS: tuple[Floats, ...] = tuple(
    np.array(rows, np.float32)
    for rows in (
        [[-1, 0], [0, 1]], [[1, 0], [0, -1]], [[-1, 0], [0, -1]], [[0, 1], [1, 0]],
        [[0, -1], [1, 0]], [[0, 1], [-1, 0]], [[0, -1], [-1, 0]],
    )
)  # fmt: skip
"""Reflections and quarter turns of the plane, except for the one that changes nothing, as matrices (2, 2)."""

MOST = 48
"""Drawings that are borrowed for a symbol, at most."""

_SIZE, _MARGIN = 48, 4
"""Pixels of the pictures in which centre lines are compared, and of their margin."""

_REACH = 2
"""Pixels within which ink counts as being in the same place."""

_SIMILAR = 0.98
"""Fraction of the ink of each of two symbols that is at least in the same place as the other's: then they are alike."""


def lenders(keys: Sequence[str], drawn: Sequence[str]) -> dict[str, list[tuple[str, int]]]:
    """For symbols that are others mirrored or turned: those of `drawn`, each with the number of the transform.

    Symbols that are alike as they are lend each other nothing.
    """
    known = symbols_with_skeletons()
    keys, drawn = ([key for key in some if key in known] for some in (keys, drawn))
    if not keys or not drawn:
        return {}
    same = np.eye(2, dtype=np.float32)
    wanted = _pictures(keys, same)
    differ = _agreement(wanted, _pictures(drawn, same)) < _SIMILAR
    found: dict[str, list[tuple[str, int]]] = {}
    for number, transform in enumerate(TRANSFORMS):
        alike = differ & (_agreement(wanted, _pictures(drawn, transform)) >= _SIMILAR)
        for row, column in zip(*np.nonzero(alike), strict=True):
            found.setdefault(keys[row], []).append((drawn[column], number))
    return found


def borrowed_drawings(dataset: Dataset, split: str, classes: Sequence[str], seed: int) -> dict[int, list[Drawing]]:
    """Up to `MOST` drawings of a split for each class without real drawings that others lend some, by its number."""
    rows = dataset.indices(split)
    rows_of = {key: rows[dataset.labels[rows] == number] for number, key in enumerate(dataset.classes)}
    drawn = [key for key, some in rows_of.items() if len(some)]
    numbers = {key: number for number, key in enumerate(classes)}
    made = {}
    for key, some in lenders(sorted(numbers.keys() - set(drawn)), drawn).items():
        offered = [(row, number) for lender, number in some for row in rows_of[lender].tolist()]
        chosen = np.random.default_rng([seed, numbers[key]]).permutation(len(offered))[:MOST]
        made[numbers[key]] = [
            [stroke @ TRANSFORMS[number].T for stroke in dataset.drawings[row]]
            for row, number in (offered[place] for place in chosen.tolist())
        ]
    return made


def _pictures(keys: Sequence[str], transform: Floats) -> Floats:
    """Pictures of transformed centre lines, 1 where they pass and 0 elsewhere: (n, _SIZE, _SIZE)."""
    pictures = np.zeros((len(keys), _SIZE, _SIZE), np.float32)
    for picture, key in zip(pictures, keys, strict=True):
        points = _dense_points(key) @ transform.T
        low, high = points.min(0), points.max(0)
        scale = (_SIZE - 1 - 2 * _MARGIN) / max(float((high - low).max()), 1e-6)
        places = np.rint((points - (low + high) / 2) * scale + (_SIZE - 1) / 2).astype(np.int64)
        picture[places[:, 1], places[:, 0]] = 1
    return pictures


def _dense_points(key: str) -> Floats:
    """Points (n, 2) along a symbol's centre lines, less than a pixel of `_pictures` apart."""
    parts = []
    for line, _ in skeleton_lines(key, ("lines", "areas")):
        for start, end in zip(line, [*line[1:], line[-1]], strict=True):
            steps = int(np.abs(end - start).max() * _SIZE) + 1
            parts.append(start + (end - start) * np.linspace(0, 1, steps, endpoint=False)[:, None])
    return np.concatenate(parts).astype(np.float32)


def _agreement(one: Floats, other: Floats) -> Floats:
    """The lesser of two fractions (n, m): of the ink of each of n pictures that is near ink of each of m, and of the
    ink of each of these that is near ink of the former."""
    there = one.reshape(len(one), -1) @ _widened(other).T / one.sum((1, 2))[:, None]
    back = _widened(one) @ other.reshape(len(other), -1).T / other.sum((1, 2))
    agreement: Floats = np.minimum(there, back)
    return agreement


def _widened(pictures: Floats) -> Floats:
    """Pictures whose ink reaches `_REACH` pixels further, as rows (n, _SIZE²). The margin is wider than that."""
    wide = pictures.copy()
    for y in range(-_REACH, _REACH + 1):
        for x in range(-_REACH, _REACH + 1):
            if x * x + y * y <= _REACH * _REACH + 1:
                np.maximum(wide, np.roll(pictures, (y, x), (1, 2)), out=wide)
    return wide.reshape(len(wide), -1)
