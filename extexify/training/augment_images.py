"""Augmentation of images of which there are no strokes: each epoch turns, bends and shifts every one differently.

The counterpart of `extexify.training.augment`, with the same settings, as far as they don't need strokes. The
augmentation of an image is a function of (seed, epoch, its number).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from extexify.drawing.raster import RasterSettings
from extexify.training.augment import AugmentSettings
from extexify.training.rng import uniforms

_NORMAL, _UNIFORM = 8, 11  # random numbers of an image


def augment_images(
    images: NDArray[np.uint8],
    numbers: NDArray[np.integer],
    raster: RasterSettings,
    settings: AugmentSettings,
    *,
    seed: int,
    epoch: int,
) -> NDArray[np.uint8]:
    """Augment images (n, side, side) with lines as wide as `raster` draws them; returns (n, raster.size, raster.size).

    `numbers` (n,) seeds each one's random numbers.
    """
    random = torch.from_numpy(uniforms(numbers, seed=seed, epoch=epoch, columns=2 * _NORMAL + _UNIFORM)).float()
    radius = torch.sqrt(-2 * torch.log1p(-random[:, :_NORMAL]))
    normal = (radius * torch.cos(2 * math.pi * random[:, _NORMAL : 2 * _NORMAL])).clamp(-3, 3)
    places = _places(normal, random[:, 2 * _NORMAL :], raster, settings)
    # Of a larger image each pixel's surroundings are averaged before single places are looked up in it.
    moved = F.grid_sample(_resized(images, raster.size), places, align_corners=False)
    width = settings.thin + (settings.thick - settings.thin) * random[:, -1]
    return _bytes(_with_width(moved, width, raster.stroke_width))


def resize_images(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Images (n, side, side) at another size: (n, size, size)."""
    return _bytes(_resized(images, size))


def _resized(images: NDArray[np.uint8], size: int) -> Tensor:
    return F.interpolate(torch.from_numpy(images)[:, None].float(), (size, size), mode="area")


def _bytes(images: Tensor) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = images.round().to(torch.uint8)[:, 0].numpy()
    return pixels


def _places(normal: Tensor, random: Tensor, raster: RasterSettings, settings: AugmentSettings) -> Tensor:
    """Where each pixel of the result is looked up, as `grid_sample` takes it: (n, size, size, 2), from -1 to 1."""
    turn, log_x, log_y, slant, *waves = (column[:, None, None] for column in normal.T)
    frequency = math.pi * (1 + 2 * random[:, 0:4].T[..., None, None])
    phase = 2 * math.pi * random[:, 4:8].T[..., None, None]
    steps = (torch.arange(raster.size) + 0.5) / raster.size - 0.5
    y, x = torch.meshgrid(steps, steps, indexing="ij")  # in sides of the image, from its middle
    x, y = x[None], y[None]
    along = (y, x, x, y)  # two waves bend each axis, one along each
    bends = [settings.warp * waves[each] * torch.sin(frequency[each] * along[each] + phase[each]) for each in range(4)]
    x, y = x + bends[0] + bends[1], y + bends[2] + bends[3]
    x = x + settings.shear * slant * y
    cosine, sine = torch.cos(settings.rotation * turn), torch.sin(settings.rotation * turn)
    x, y = cosine * x - sine * y, sine * x + cosine * y
    x, y = x * torch.exp(settings.scale * log_x), y * torch.exp(settings.scale * log_y)
    shift = (2 * random[:, 8:10] - 1) * settings.shift / raster.size
    return 2 * torch.stack([x + shift[:, 0, None, None], y + shift[:, 1, None, None]], -1)


def _with_width(images: Tensor, factor: Tensor, stroke_width: float) -> Tensor:
    """Images (n, 1, size, size) with lines `factor` (n,) times as wide: between them and those of two pixels more or
    less, which the largest or smallest value of each pixel's surroundings gives."""
    amount = ((factor - 1) * stroke_width / 2).clamp(-1, 1)[:, None, None, None]
    wide, narrow = F.max_pool2d(images, 3, 1, 1), -F.max_pool2d(-images, 3, 1, 1)
    return torch.where(amount > 0, torch.lerp(images, wide, amount), torch.lerp(images, narrow, -amount))
