"""How alike symbols print: the distance between their glyphs, each scaled to one size."""

from __future__ import annotations

import io
import subprocess
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CELL = 48  # pixels of a glyph's picture
INK = 40  # pixels of its longer side
COLUMNS = 32

# Beyond these, two glyphs of one shape are not taken for one symbol: a full stop and a bullet, a comma and a quote.
MAX_SIZE_RATIO = 1.35
MAX_HEIGHT_OFFSET = 150  # units between the glyphs' middles


def distances(glyphs: dict[str, dict[str, Any]]) -> NDArray[np.float32]:
    """Between every two glyphs, in pixels of ``CELL``; infinite where size or height rule them out.

    The distance is the fourth-power mean of how far each ink pixel of one is from the nearest ink of the other, the
    larger of the two directions: an extra stroke weighs more than a slightly different curve.
    """
    pictures = _pictures(list(glyphs.values())).reshape(len(glyphs), -1)
    nearest = np.stack([_distance_to_ink(picture) for picture in pictures]) ** 4
    ink = pictures / pictures.sum(axis=1, keepdims=True)
    one_way = (ink @ nearest.T) ** 0.25
    result: NDArray[np.float32] = np.maximum(one_way, one_way.T)
    boxes = np.array([glyph["box"] for glyph in glyphs.values()], np.float64)
    size = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    middle = (boxes[:, 1] + boxes[:, 3]) / 2
    ratio = size[:, None] / size[None]
    apart = np.abs(middle[:, None] - middle[None]) > MAX_HEIGHT_OFFSET
    result[apart | (ratio > MAX_SIZE_RATIO) | (ratio < 1 / MAX_SIZE_RATIO)] = np.inf
    return result


def _pictures(glyphs: list[dict[str, Any]]) -> NDArray[np.float32]:
    """Ink of each glyph: float32 (N, CELL, CELL), 0 or 1."""
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


def _distance_to_ink(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """From every pixel of a flattened picture to its nearest ink."""
    rows, columns = np.divmod(np.arange(CELL * CELL), CELL)
    inked = np.flatnonzero(picture)
    squared = (rows[:, None] - rows[inked]) ** 2 + (columns[:, None] - columns[inked]) ** 2
    nearest: NDArray[np.float32] = np.sqrt(squared.min(axis=1)).astype(np.float32)
    return nearest
