"""What a network sees of drawings: their pictures, and for networks that read them their sequences."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from extexify.drawing.raster import RasterSettings, rasterize
from extexify.drawing.resample import SequenceSettings, resample
from extexify.drawing.strokes import Drawings


class Seen(NamedTuple):
    """images: uint8 (N, size, size), ink 255 on 0; sequences: float32 (N, CHANNELS, points), or None."""

    images: NDArray[np.uint8]
    sequences: NDArray[np.float32] | None = None


def see(
    drawings: Drawings,
    raster: RasterSettings,
    sequence: SequenceSettings | None,
    *,
    threads: int | None = None,
    width_factors: NDArray[np.floating] | None = None,
    shifts: NDArray[np.floating] | None = None,
) -> Seen:
    """Pictures and sequences (where `sequence` is given) of drawings; the rest as for `raster.rasterize`."""
    images = rasterize(drawings, raster, threads=threads, width_factors=width_factors, shifts=shifts)
    return Seen(images, resample(drawings, sequence) if sequence else None)
