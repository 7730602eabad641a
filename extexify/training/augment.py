"""Stroke-level augmentation: each epoch bends, turns and shifts every drawing differently.

The augmentation of a drawing is a function of (seed, epoch, its number): it depends neither on the batch nor on the
thread that makes it, so that a resumed training continues exactly.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extexify.core.compiled import njit
from extexify.drawing.strokes import Drawings
from extexify.training.rng import normal, number_state, uniform
from extexify.training.stroke_style import CHANGES, restyle


@dataclass(frozen=True, slots=True)
class AugmentSettings:
    """Amount of variation. Lengths are fractions of the drawing's longer side.

    rotation: σ of the angle, radians. scale: σ of each axis's log scale. shear: σ. warp: σ of the amplitude of two sine
    waves that bend each axis. stroke_shift, stroke_turn, stroke_scale: σ of the same per stroke. thin, thick: range of
    the line width, uniform, as a factor of the raster's. shift: largest shift of the image, in pixels.

    The following change sequences, but not images: reverse: fraction of drawings with strokes reversed, in one half of
    them all strokes, in the other each with probability 1/2. shuffle: fraction with strokes in random order. coarse:
    fraction with points rounded to a grid of 24 to 96 steps a side, as on a small canvas.

    blend: fraction of drawings that are blended with another of the same symbol first (`extexify.training.blend`).

    The others are fractions of drawings, too, that are made with other strokes (`extexify.training.stroke_style`):
    enlarge: small marks drawn large. double: a line drawn twice. bow: lines and sides bent. loop: loops at corners.
    smooth: round corners. connect: strokes joined with the next. lift: strokes cut at corners. hook: hooks at ends.
    """

    rotation: float = 0.11
    scale: float = 0.12
    shear: float = 0.15
    warp: float = 0.025
    stroke_shift: float = 0.02
    stroke_turn: float = 0.04
    stroke_scale: float = 0.04
    thin: float = 0.6
    thick: float = 1.4
    shift: float = 1.5
    reverse: float = 0.0
    shuffle: float = 0.0
    coarse: float = 0.0
    blend: float = 0.0
    enlarge: float = 0.0
    double: float = 0.0
    bow: float = 0.0
    loop: float = 0.0
    smooth: float = 0.0
    connect: float = 0.0
    lift: float = 0.0
    hook: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The settings as a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Augmented:
    """Augmented drawings, and for the rasterizer width factors (N,) and shifts (N, 2) in pixels."""

    drawings: Drawings
    width_factors: NDArray[np.float32]
    shifts: NDArray[np.float32]


def augment(
    drawings: Drawings,
    numbers: NDArray[np.integer],
    settings: AugmentSettings,
    *,
    seed: int,
    epoch: int,
    wide: NDArray[np.bool_] | None = None,
) -> Augmented:
    """Augment N drawings; `numbers` (N,) seeds each one's random numbers. For `wide` (N,) see `restyle`.

    The longer side of the result is about 1.
    """
    count = len(drawings)
    fractions = [getattr(settings, change) for change in CHANGES]
    if any(fractions):
        drawings = restyle(drawings, numbers, fractions, seed=seed, epoch=epoch, wide=wide)
    points = np.empty((len(drawings.points), 2), np.float32)
    stroke_ends = np.empty(len(drawings.stroke_ends), np.int64)
    extra = np.empty((count, 3), np.float32)
    amounts = np.array(
        [
            settings.rotation, settings.scale, settings.shear, settings.warp,
            settings.stroke_shift, settings.stroke_turn, settings.stroke_scale,
            settings.reverse, settings.shuffle, settings.coarse,
        ]
    )  # fmt: skip
    base = np.uint64(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0])
    _augment(
        np.asarray(drawings.points), np.asarray(drawings.stroke_ends), np.asarray(drawings.sample_ends),
        np.asarray(numbers, np.uint64), base, amounts, points, stroke_ends, extra,
    )  # fmt: skip
    widths = settings.thin + (settings.thick - settings.thin) * extra[:, 0]
    shifts = (2 * extra[:, 1:] - 1) * np.float32(settings.shift)
    return Augmented(Drawings(points, stroke_ends, drawings.sample_ends), widths, shifts)


@njit(cache=True, nogil=True)
def _augment(points, stroke_ends, sample_ends, numbers, base, amounts, out, out_ends, extra):  # type: ignore[no-untyped-def]
    rotation, scale, shear, warp, stroke_shift, stroke_turn, stroke_scale, reverse, shuffle, coarse = amounts
    state = np.empty(1, np.uint64)
    for sample in range(len(sample_ends)):
        number_state(state, base, numbers[sample])
        extra[sample, 0], extra[sample, 1], extra[sample, 2] = uniform(state), uniform(state), uniform(state)
        first_stroke = sample_ends[sample - 1] if sample > 0 else 0
        last_stroke = sample_ends[sample]
        first = stroke_ends[first_stroke - 1] if first_stroke > 0 else 0
        last = stroke_ends[last_stroke - 1]
        low_x = high_x = np.float64(points[first, 0])
        low_y = high_y = np.float64(points[first, 1])
        for index in range(first + 1, last):
            low_x, high_x = min(low_x, points[index, 0]), max(high_x, points[index, 0])
            low_y, high_y = min(low_y, points[index, 1]), max(high_y, points[index, 1])
        middle_x, middle_y = (low_x + high_x) / 2, (low_y + high_y) / 2
        side = max(high_x - low_x, high_y - low_y)
        unit = 1.0 / side if side > 0 else 1.0

        turn = rotation * normal(state)
        cosine, sine = np.cos(turn), np.sin(turn)
        grow_x, grow_y = np.exp(scale * normal(state)), np.exp(scale * normal(state))
        slant = shear * normal(state)
        # Two waves an axis, of half a period to one and a half over the drawing.
        waves = np.empty((4, 3))
        for wave in range(4):
            waves[wave, 0] = warp * normal(state)
            waves[wave, 1] = np.pi * (1.0 + 2.0 * uniform(state))
            waves[wave, 2] = 2.0 * np.pi * uniform(state)
        order = np.arange(first_stroke, last_stroke)
        if uniform(state) < shuffle:
            for index in range(len(order) - 1, 0, -1):
                other = int(uniform(state) * (index + 1))
                order[index], order[other] = order[other], order[index]
        turned = uniform(state) / reverse if reverse > 0 else 1.0  # below 1/2: all strokes, below 1: some
        grid = 24.0 + 72.0 * uniform(state)
        if uniform(state) >= coarse:
            grid = 0.0
        place = first
        for number in range(len(order)):
            stroke = order[number]
            begin = stroke_ends[stroke - 1] if stroke > 0 else 0
            end = stroke_ends[stroke]
            center_x = center_y = 0.0
            for index in range(begin, end):
                center_x += points[index, 0]
                center_y += points[index, 1]
            center_x = (center_x / (end - begin) - middle_x) * unit
            center_y = (center_y / (end - begin) - middle_y) * unit
            shift_x, shift_y = stroke_shift * normal(state), stroke_shift * normal(state)
            own_turn = stroke_turn * normal(state)
            own_scale = np.exp(stroke_scale * normal(state))
            own_cosine, own_sine = own_scale * np.cos(own_turn), own_scale * np.sin(own_turn)
            backwards = turned < 0.5 or (turned < 1.0 and uniform(state) < 0.5)
            for index in range(begin, end):
                x = (points[index, 0] - middle_x) * unit - center_x
                y = (points[index, 1] - middle_y) * unit - center_y
                x, y = own_cosine * x - own_sine * y, own_sine * x + own_cosine * y
                x += center_x + shift_x
                y += center_y + shift_y
                x += slant * y
                x, y = grow_x * (cosine * x - sine * y), grow_y * (sine * x + cosine * y)
                bend_x = waves[0, 0] * np.sin(waves[0, 1] * y + waves[0, 2])
                bend_x += waves[1, 0] * np.sin(waves[1, 1] * x + waves[1, 2])
                bend_y = waves[2, 0] * np.sin(waves[2, 1] * x + waves[2, 2])
                bend_y += waves[3, 0] * np.sin(waves[3, 1] * y + waves[3, 2])
                x, y = x + bend_x, y + bend_y
                if grid > 0:
                    x, y = np.round(x * grid) / grid, np.round(y * grid) / grid
                target = place + (end - 1 - index if backwards else index - begin)
                out[target, 0], out[target, 1] = x, y
            place += end - begin
            out_ends[first_stroke + number] = place
