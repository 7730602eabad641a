"""The blog post's method of making pictures, written anew from its description, to measure against.

"Training the Symbol Recognizer" (antiprojects.com/extexify, December 2021): stretch each axis of a
drawing to the middle 95 % of the picture, then draw every segment with one `ImageDraw.line`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from extexify.strokes import Drawing

SIZE = 32


def normalize(drawing: Drawing) -> list[NDArray[np.float64]]:
    """Each axis stretched to 0.025 … 0.975; an axis without extent lies in the middle."""
    points = np.concatenate(drawing).astype(np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    extent = np.where(high > low, high - low, 1.0)
    middle = np.where(high > low, 0.0, 0.475)
    return [(stroke - low) / extent * 0.95 + 0.025 + middle for stroke in drawing]


def draw(drawing: Drawing) -> NDArray[np.uint8]:
    """The 32×32 picture of a drawing, one `draw.line` a segment."""
    image = Image.new("L", (SIZE, SIZE))
    pen = ImageDraw.Draw(image)
    for stroke in normalize(drawing):
        for start in range(len(stroke) - 1):
            (x0, y0), (x1, y1) = stroke[start] * SIZE, stroke[start + 1] * SIZE
            pen.line([(x0, y0), (x1, y1)], fill=255, width=1)
    return np.asarray(image)
