"""How alike symbols print: the distance between their glyphs, each scaled to one size."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt

CELL = 48  # pixels of a glyph's picture
INK = 40  # pixels of its longer side
COLUMNS = 32
SHEET = 2048  # glyphs that are drawn at once
COARSE = 4  # pixels of the cells by which glyphs are found that may be alike
POWER = 4
NEAR = 0.85  # cosine of their inks' square roots in these cells
SMALLEST = 1e-3  # pixels that equal glyphs are apart

# Beyond these, two glyphs of one shape are not taken for one symbol: a full stop and a bullet, a comma and a quote.
MAX_SIZE_RATIO = 1.35
MAX_HEIGHT_OFFSET = 150  # units between the glyphs' middles


Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Distances:
    """Between a glyph and others, in pixels of ``CELL``, at least SMALLEST: float32 (N,) each.

    ink: the fourth-power mean of how far each ink pixel of one is from the nearest ink of the other, the larger of the
    two directions: an extra stroke weighs more than a slightly different curve. paper: the same of the pixels without
    ink, which tells a face from a disc. detail: that of ink with the sixteenth power, which tells small arrowheads.
    """

    ink: Floats
    paper: Floats
    detail: Floats


class Shapes:
    """Glyphs as pictures of one size, to be compared wherever and however large they are printed."""

    def __init__(self, glyphs: Sequence[Mapping[str, Any]]) -> None:
        pictures = _pictures(glyphs)
        # To the power POWER, float32 (N, CELL²).
        self._to_ink = _stacked(distance_transform_edt(1 - picture) for picture in pictures)
        self._to_paper = _stacked(distance_transform_edt(picture) for picture in pictures)
        self._ink = pictures.reshape(len(pictures), -1)
        self._paper = 1 - self._ink
        boxes = np.array([glyph["box"] for glyph in glyphs], np.float32)
        self._size = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
        self._middle = (boxes[:, 1] + boxes[:, 3]) / 2

    def __len__(self) -> int:
        return len(self._ink)

    def distances(self, one: int, others: NDArray[np.integer]) -> Distances:
        """How differently a glyph and others, by their numbers, are shaped."""

        def between(weights: Floats, to_nearest: Floats, power: int) -> Floats:
            """Of weights and distances to the power, (N, CELL²) each."""
            mine, theirs = weights[one], weights[others]
            distance, distances = to_nearest[one], to_nearest[others]
            if power > POWER:
                distance, distances = distance**4, np.square(np.square(distances))
            there = (distances @ mine) / mine.sum()
            back = (theirs @ distance) / theirs.sum(axis=1)
            return _root(np.maximum(there, back), power)

        paper = between(self._paper, self._to_paper, POWER)
        return Distances(between(self._ink, self._to_ink, POWER), paper, between(self._ink, self._to_ink, 4 * POWER))

    def ink_distances(self) -> Floats:
        """`Distances.ink` between every two glyphs, float32 (N, N)."""
        one_way = self._ink / self._ink.sum(axis=1, keepdims=True) @ self._to_ink.T
        return _root(np.maximum(one_way, one_way.T), POWER)

    def differ_in_size(self, one: int, others: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Which others are not one symbol with a glyph in spite of their shape, because of their size or height."""
        ratio = self._size[others] / self._size[one]
        apart: NDArray[np.bool_] = np.abs(self._middle[others] - self._middle[one]) > MAX_HEIGHT_OFFSET
        return apart | (ratio > MAX_SIZE_RATIO) | (ratio < 1 / MAX_SIZE_RATIO)

    def near(self) -> Iterator[NDArray[np.integer]]:
        """For each glyph, the numbers of the later ones that may be shaped alike."""
        cells = self._ink.reshape(-1, CELL // COARSE, COARSE, CELL // COARSE, COARSE).sum(axis=(2, 4))
        coarse = np.sqrt(cells).reshape(len(cells), -1)
        coarse /= np.linalg.norm(coarse, axis=1, keepdims=True)
        for start in range(0, len(coarse), SHEET):
            similar = coarse[start : start + SHEET] @ coarse.T
            for row, one in enumerate(similar, start):
                yield row + 1 + np.flatnonzero(one[row + 1 :] > NEAR)


def _root(means: Floats, power: int) -> Floats:
    distances: Floats = np.maximum(means ** (1 / power), SMALLEST).astype(np.float32)
    return distances


def _stacked(distances: Iterable[NDArray[np.floating]]) -> Floats:
    return np.stack([distance.astype(np.float32).ravel() for distance in distances]) ** POWER


def _pictures(glyphs: Sequence[Mapping[str, Any]]) -> Floats:
    """Ink of each glyph: float32 (N, CELL, CELL), 0 or 1."""
    return np.concatenate([_sheet(glyphs[start : start + SHEET]) for start in range(0, len(glyphs), SHEET)])


def _sheet(glyphs: Sequence[Mapping[str, Any]]) -> Floats:
    cells = []
    for number, glyph in enumerate(glyphs):
        left, top, right, bottom = glyph["box"]
        scale = INK / max(right - left, bottom - top)
        x = number % COLUMNS * CELL + CELL / 2 - scale * (left + right) / 2
        y = number // COLUMNS * CELL + CELL / 2 - scale * (top + bottom) / 2
        paths = "".join(f'<path d="{d}"/>' for d in glyph["ink"])
        cells.append(f'<g transform="translate({x:.2f} {y:.2f}) scale({scale:.5f})">{paths}</g>')
    rows = -(-len(glyphs) // COLUMNS)
    sheet = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{COLUMNS * CELL}" height="{rows * CELL}">'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(cells)}</svg>'
    )
    png = subprocess.run(["rsvg-convert"], input=sheet.encode(), capture_output=True, check=True).stdout
    page = np.asarray(Image.open(io.BytesIO(png)).convert("L"))
    cut = page.reshape(rows, CELL, COLUMNS, CELL).swapaxes(1, 2).reshape(-1, CELL, CELL)[: len(glyphs)]
    return (cut < 160).astype(np.float32)
