"""Model inputs: drawings as the arrays that a network reads, images and optionally sequences of points."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from extexify.drawing.raster import RasterSettings, rasterize
from extexify.drawing.resample import SequenceSettings, resample
from extexify.drawing.strokes import Drawings


class ModelInputs(NamedTuple):
    """images: uint8 (N, size, size), ink 255 on 0; sequences: float32 (N, CHANNELS, points), or None."""

    images: NDArray[np.uint8]
    sequences: NDArray[np.float32] | None = None


def model_inputs(
    drawings: Drawings,
    raster: RasterSettings,
    sequence: SequenceSettings | None,
    *,
    threads: int | None = None,
    width_factors: NDArray[np.floating] | None = None,
    shifts: NDArray[np.floating] | None = None,
) -> ModelInputs:
    """The model inputs of N drawings; without `sequence` there are no sequences.

    `threads`, `width_factors` and `shifts` are those of `raster.rasterize` and affect the images only.
    """
    images = rasterize(drawings, raster, threads=threads, width_factors=width_factors, shifts=shifts)
    return ModelInputs(images, resample(drawings, sequence) if sequence else None)
