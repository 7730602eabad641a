"""Drawings as pictures for the browser."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from extexify.drawing.raster import RasterSettings, rasterize
from extexify.drawing.strokes import Drawings

# The line width of the default raster, relative to the picture, at about twice the size at which pages show them.
_PICTURE = RasterSettings(size=128, stroke_width=4.3)


def pictures(drawings: Drawings) -> NDArray[np.uint8]:
    """Rasterize drawings for people to look at: uint8 (n, H, W), ink 255."""
    return rasterize(drawings, _PICTURE, threads=1)


def ink_url(image: NDArray[np.uint8]) -> str:
    """A data URL of a PNG whose opacity is the ink (H, W), so that CSS gives it the text colour of either theme."""
    layers = np.zeros((*image.shape, 2), np.uint8)
    layers[..., 1] = image
    file = io.BytesIO()
    Image.fromarray(layers, "LA").save(file, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
