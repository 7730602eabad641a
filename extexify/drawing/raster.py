"""The rasterizer: drawings → images. Rendering, training, evaluation and the canvas all use this one.

A drawing is fitted into the unit square. The coverage of a pixel is `clip(r + 0.5 - d, 0, 1)`, where `d` is the
distance in pixels from its center to the nearest segment and `r` half the line width: the usual approximation of a box
filter. An image depends neither on the batch nor on the number of threads.

The kernels are compiled by numba, cached in `__pycache__` (or NUMBA_CACHE_DIR) where that can be written, and release
the GIL. The threads are Python threads, because a server would enter numba's parallel layer from two threads at once,
which is forbidden.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from extexify.core.compiled import njit
from extexify.core.errors import UserError
from extexify.core.processes import available_cores
from extexify.core.schema import validate
from extexify.drawing.strokes import Drawing, Drawings

Fit = Literal["aspect", "stretch"]

MIN_SIZE, MAX_SIZE = 8, 512


class RasterError(UserError, ValueError):
    """A raster setting or preset that doesn't exist, or is out of range."""


@dataclass(frozen=True, slots=True)
class RasterSettings:
    """Settings of the rasterizer, stored in every model, so that serving uses those of training.

    size: pixels per side (8 to 512). stroke_width: line width in pixels. margin: empty border on each side, as a
    fraction of the side (0 to 0.45). fit: "aspect" keeps the proportions and centers the drawing, "stretch" scales
    each axis. antialias: False draws one-pixel lines as Pillow's `ImageDraw.line` does and needs a stroke_width of 1.
    """

    size: int = 40
    stroke_width: float = 1.333
    margin: float = 0.06
    fit: Fit = "aspect"
    antialias: bool = True

    def __post_init__(self) -> None:
        if not MIN_SIZE <= self.size <= MAX_SIZE:
            raise RasterError(f"raster size must be {MIN_SIZE} to {MAX_SIZE} pixels, not {self.size}")
        if not 0 < self.stroke_width <= self.size / 2:
            raise RasterError(f"stroke width must be above 0 and at most half the size, not {self.stroke_width}")
        if not 0 <= self.margin <= 0.45:
            raise RasterError(f"margin must be 0 to 0.45 of the side, not {self.margin}")
        if self.fit not in ("aspect", "stretch"):
            raise RasterError(f"fit must be 'aspect' or 'stretch', not {self.fit!r}")
        if not self.antialias and self.stroke_width != 1:
            raise RasterError("without anti-aliasing lines are one pixel wide: set stroke_width to 1")

    def to_json(self) -> dict[str, Any]:
        """The settings as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> RasterSettings:
        """Settings from `to_json`'s object. Raises `SchemaError` (a ValueError) that names the field."""
        return validate(value, cls)


PRESETS: dict[str, RasterSettings] = {
    "default": RasterSettings(),
    # Of the blog post: each axis scaled to the middle 95 %, one-pixel lines, 32 × 32 pixels.
    "original": RasterSettings(size=32, stroke_width=1, margin=0.025, fit="stretch", antialias=False),
}
"""Raster settings by name."""

DOT_FACTOR = 1.5
"""Diameter of a dot in line widths; a dot as thin as a line is hard to see."""

MIN_DOT_RADIUS = 1.0
"""Minimum radius of a dot in pixels."""

_DRAWINGS_PER_TASK = 256  # large enough to hide the thread pool's overhead


def preset(name: str, **changes: Any) -> RasterSettings:
    """A preset with some of its settings changed. Raises `RasterError` for an unknown name or a bad setting."""
    if name not in PRESETS:
        raise RasterError(f"no raster preset {name!r}: there are {', '.join(sorted(PRESETS))}")
    return replace(PRESETS[name], **changes)


def rasterize(
    drawings: Drawings,
    settings: RasterSettings,
    *,
    threads: int | None = None,
    width_factors: NDArray[np.floating] | None = None,
    shifts: NDArray[np.floating] | None = None,
) -> NDArray[np.uint8]:
    """The images of N drawings: uint8 (N, size, size), ink 255 on 0.

    `threads` (default: all processors) doesn't affect the result. For augmentation, `width_factors` (N,) scales each
    drawing's line width and `shifts` (N, 2) moves its image, in pixels.
    """
    count, size = len(drawings), settings.size
    images = np.empty((count, size, size), np.uint8)
    points = np.asarray(drawings.points)
    stroke_ends, sample_ends = np.asarray(drawings.stroke_ends), np.asarray(drawings.sample_ends)
    radii = np.full(count, settings.stroke_width / 2, np.float32)
    if width_factors is not None:
        radii *= np.asarray(width_factors, np.float32)
    moves = np.zeros((count, 2), np.float32) if shifts is None else np.asarray(shifts, np.float32)

    def draw(start: int, stop: int) -> None:
        _rasterize(
            points, stroke_ends, sample_ends, start, stop, settings.margin, settings.fit == "stretch",
            settings.antialias, radii, moves, images,
        )  # fmt: skip

    threads = min(threads or available_cores(), -(-count // _DRAWINGS_PER_TASK))
    if threads <= 1:
        draw(0, count)
    else:
        starts = range(0, count, _DRAWINGS_PER_TASK)
        for task in [_pool(threads).submit(draw, start, min(start + _DRAWINGS_PER_TASK, count)) for start in starts]:
            task.result()
    return images


def rasterize_drawing(drawing: Drawing, settings: RasterSettings) -> NDArray[np.uint8]:
    """The image of one drawing: uint8 (size, size), ink 255 on 0."""
    return rasterize(Drawings.pack([drawing]), settings, threads=1)[0]


def fit_points(drawing: Drawing, settings: RasterSettings) -> NDArray[np.float32]:
    """A drawing's points in image coordinates: float32 (n, 2), in pixels, strokes concatenated."""
    points = np.concatenate(drawing).astype(np.float32, copy=False)
    fitted = np.empty_like(points)
    still = np.zeros(2, np.float32)
    _fit(points, 0, len(points), settings.size, settings.margin, settings.fit == "stretch", still, fitted)
    return fitted


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="raster")


@njit(cache=True, nogil=True, fastmath=False)
def _rasterize(points, stroke_ends, sample_ends, start, stop, margin, stretch, antialias, radii, moves, images):  # type: ignore[no-untyped-def]
    """Draw the drawings [start, stop) into `images`."""
    size = images.shape[1]
    nearest = np.empty((size, size), np.float32)
    longest = 0
    for sample in range(start, stop):
        first = stroke_ends[sample_ends[sample - 1] - 1] if sample > 0 and sample_ends[sample - 1] > 0 else 0
        last = stroke_ends[sample_ends[sample] - 1] if sample_ends[sample] > 0 else 0
        longest = max(longest, last - first)
    fitted = np.empty((longest, 2), np.float32)
    for sample in range(start, stop):
        first_stroke = sample_ends[sample - 1] if sample > 0 else 0
        last_stroke = sample_ends[sample]
        first = stroke_ends[first_stroke - 1] if first_stroke > 0 else 0
        last = stroke_ends[last_stroke - 1] if last_stroke > 0 else 0
        _fit(points, first, last, size, margin, stretch, moves[sample], fitted)
        image = images[sample]
        if antialias:
            radius = radii[sample]
            nearest[:] = (radius + np.float32(1)) ** 2  # beyond any ink
            for stroke in range(first_stroke, last_stroke):
                begin = (stroke_ends[stroke - 1] if stroke > 0 else 0) - first
                _draw_stroke(fitted, begin, stroke_ends[stroke] - first, radius, nearest)
            _cover(nearest, radius, image)
        else:
            image[:] = 0
            for stroke in range(first_stroke, last_stroke):
                begin = (stroke_ends[stroke - 1] if stroke > 0 else 0) - first
                _draw_pixels(fitted, begin, stroke_ends[stroke] - first, image)


@njit(cache=True, nogil=True)
def _fit(points, first, last, size, margin, stretch, move, fitted):  # type: ignore[no-untyped-def]
    """Write the image coordinates of points [first, last) to `fitted`."""
    if last <= first:
        return
    low_x = high_x = np.float64(points[first, 0])
    low_y = high_y = np.float64(points[first, 1])
    for index in range(first + 1, last):
        x, y = np.float64(points[index, 0]), np.float64(points[index, 1])
        low_x, high_x = min(low_x, x), max(high_x, x)
        low_y, high_y = min(low_y, y), max(high_y, y)
    width, height = high_x - low_x, high_y - low_y
    inner = 1.0 - 2.0 * margin
    if not stretch:
        width = height = max(width, height)
    # The points of an axis without extent (a straight line, a dot) lie in the middle.
    scale_x = size * inner / width if width > 0 else 0.0
    scale_y = size * inner / height if height > 0 else 0.0
    middle_x, middle_y = (low_x + high_x) / 2, (low_y + high_y) / 2
    center_x, center_y = size / 2.0 + move[0], size / 2.0 + move[1]
    for index in range(first, last):
        fitted[index - first, 0] = center_x + (np.float64(points[index, 0]) - middle_x) * scale_x
        fitted[index - first, 1] = center_y + (np.float64(points[index, 1]) - middle_y) * scale_y


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")
def _draw_stroke(fitted, begin, end, radius, nearest):  # type: ignore[no-untyped-def]
    """Lower `nearest`, squared distances in pixels, to each pixel's distance from the stroke's segments."""
    size = nearest.shape[0]
    low_x, high_x = fitted[begin, 0], fitted[begin, 0]
    low_y, high_y = fitted[begin, 1], fitted[begin, 1]
    for index in range(begin + 1, end):
        low_x, high_x = min(low_x, fitted[index, 0]), max(high_x, fitted[index, 0])
        low_y, high_y = min(low_y, fitted[index, 1]), max(high_y, fitted[index, 1])
    # A stroke smaller than a dot is widened to a dot's size.
    extent = max(high_x - low_x, high_y - low_y)
    dot = max(radius * np.float32(DOT_FACTOR), np.float32(MIN_DOT_RADIUS))
    boost = max(np.float32(0), dot - radius - extent * np.float32(0.5))
    reach = radius + np.float32(0.5) + boost
    half = np.float32(0.5)
    for index in range(begin, max(end - 1, begin + 1)):
        ax, ay = fitted[index, 0], fitted[index, 1]
        other = min(index + 1, end - 1)
        dx, dy = fitted[other, 0] - ax, fitted[other, 1] - ay
        length2 = dx * dx + dy * dy
        inverse = np.float32(1) / length2 if length2 > 0 else np.float32(0)
        left = max(0, int(np.floor(min(ax, ax + dx) - reach - half)) + 1)
        right = min(size - 1, int(np.floor(max(ax, ax + dx) + reach - half)))
        top = max(0, int(np.floor(min(ay, ay + dy) - reach - half)) + 1)
        bottom = min(size - 1, int(np.floor(max(ay, ay + dy) + reach - half)))
        for row in range(top, bottom + 1):
            py = np.float32(row) + half - ay
            for column in range(left, right + 1):
                px = np.float32(column) + half - ax
                along = min(max((px * dx + py * dy) * inverse, np.float32(0)), np.float32(1))
                ex, ey = px - along * dx, py - along * dy
                distance2 = ex * ex + ey * ey
                if boost > 0:
                    distance = max(np.sqrt(distance2) - boost, np.float32(0))
                    distance2 = distance * distance
                nearest[row, column] = min(nearest[row, column], distance2)


@njit(cache=True, nogil=True)
def _cover(nearest, radius, image):  # type: ignore[no-untyped-def]
    """Convert squared distances to coverage, 0 to 255."""
    outer = radius + np.float32(0.5)
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            coverage = outer - np.sqrt(nearest[row, column])
            image[row, column] = np.uint8(
                min(max(coverage, np.float32(0)), np.float32(1)) * np.float32(255) + np.float32(0.5)
            )


@njit(cache=True, nogil=True)
def _draw_pixels(fitted, begin, end, image):  # type: ignore[no-untyped-def]
    """One-pixel lines by Bresenham's algorithm, with the rounding and tie-breaking of Pillow's `ImageDraw.line`."""
    size = image.shape[0]
    for index in range(begin, max(end - 1, begin + 1)):
        other = min(index + 1, end - 1)
        # Damaged data may have non-finite points; a line to one would not terminate.
        if not (np.isfinite(fitted[index, 0] + fitted[index, 1]) and np.isfinite(fitted[other, 0] + fitted[other, 1])):
            continue
        x, y = int(fitted[index, 0]), int(fitted[index, 1])
        stop_x, stop_y = int(fitted[other, 0]), int(fitted[other, 1])
        width, height = abs(stop_x - x), abs(stop_y - y)
        step_x, step_y = (1 if stop_x >= x else -1), (1 if stop_y >= y else -1)
        steep = height >= width
        longer, shorter = (height, width) if steep else (width, height)
        error = 2 * shorter - longer
        for _ in range(longer):
            if 0 <= x < size and 0 <= y < size:
                image[y, x] = 255
            sideways = error >= 0 and shorter > 0
            if sideways:
                error -= 2 * longer
            error += 2 * shorter
            if steep or sideways:
                y += step_y
            if not steep or sideways:
                x += step_x
        if 0 <= stop_x < size and 0 <= stop_y < size:
            image[stop_y, stop_x] = 255
