"""Rasterized drawings as pictures for the browser."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def ink_url(image: NDArray[np.uint8]) -> str:
    """The ink (H, W) as the opacity of an image, so that the page gives it the text's colour in either theme."""
    layers = np.zeros((*image.shape, 2), np.uint8)
    layers[..., 1] = image
    file = io.BytesIO()
    Image.fromarray(layers, "LA").save(file, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
