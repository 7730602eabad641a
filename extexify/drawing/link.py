"""Links to drawings: a drawing ↔ the short text in a link's query.

The text is a version character and one long number in base 62 (0–9, A–Z, a–z), which URLs and chat programs leave
unchanged. Version 1 is made like this:

1. The drawing's bounding box is fitted to a grid, its longer side to 0 … GRID. The box's position and size on the
   canvas are quantized and stored, so that the drawing appears where it was.
2. Points within a tolerance of the line through the others are dropped (`extexify.drawing.resample.mark_needed`).
   Points on the bounding box stay, because the rasterizer fits drawings by it.
3. Each point is stored as its step from the previous one, by `extexify.drawing.link_codec`.
4. The coder's initial state is a checksum of the drawing, which decoding must end with.

Simplification on the grid is idempotent: `encode(decode(text)) == text`, so that a drawing that was opened from a link
gets the same link again.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import numpy as np
from numpy.typing import NDArray

from extexify.core.errors import UserError
from extexify.drawing.link_codec import (
    DIGITS,
    DamagedCode,
    Reader,
    Writer,
    bits_of_flags,
    bits_of_numbers,
    from_digits,
    to_digits,
)
from extexify.drawing.strokes import Drawing

VERSION = "1"

LINK_PARAMETER = "d"
"""The query parameter that contains the text."""

MAX_QR_LINK = 700
"""Maximum characters of a link in a QR code; the modules of a larger code are too small for a phone's camera."""

CANVAS_SIDE = 400
"""Side of the canvas in pixels. Drawings far off the canvas are centered on it."""

MAX_TEXT = 1900
"""Maximum characters of a text, so that the whole link stays below 2,000."""

GRID = 512
"""Grid steps along the bounding box's longer side; one pixel of the default raster is about 14 steps."""

TOLERANCES = (1.0, 1.5, 2.0, 3.0, 4.0)
"""Tolerances of the simplification in grid steps; the first with which the text fits MAX_TEXT is used."""

MAX_LINK_POINTS = 2048
"""Maximum points of a text's drawing; hardly any drawing with that many fits MAX_TEXT."""

MAX_DISTANCES = 4_000_000
"""Maximum distances of points from lines that the simplification computes, about 12 ms of it; drawings whose text fits
need a tenth of that. A zigzag would take their number of points squared."""

TRACE_SIZES = (64, 48, 32, 24)
"""Raster sizes for drawings that no tolerance makes short enough: they become horizontal runs of pixels. The first
size that fits MAX_TEXT is used; the last one always fits."""

_MAX_PARAMETERS = 20  # of a query; our links have two

_CHECKSUM_BITS = 18  # a damaged text is accepted with probability 1 / 262,144

# Range of the bounding box's corner in whole pixels, including what a dragged pen reaches beyond the canvas. The
# longer side is stored in steps of 2^(1/128), from one pixel up, within 0.3 %.
_CORNERS = range(-CANVAS_SIDE, 2 * CANVAS_SIDE)
_SIZES_PER_DOUBLING = 128
_SIZES = 1 + round(_SIZES_PER_DOUBLING * math.log2(len(_CORNERS)))
_CENTERED_SIDE = 280

_MAX_BITS = math.log2(len(DIGITS)) * (MAX_TEXT - len(VERSION))
_BITS_TOLERANCE = 8  # of the estimated bits; the error is below 2
_SHORT = 128  # points that take less time to write than to estimate

Grid = NDArray[np.int64]


class BadLink(UserError, ValueError):
    """A link or text that contains no drawing."""


_DAMAGED = "the link is damaged: a part of it is missing or has changed"


def encode(drawing: Drawing) -> str:
    """The text of a drawing, at most MAX_TEXT letters and digits. Raises ValueError for a drawing without strokes."""
    if not drawing:
        raise ValueError("a link needs a drawing with at least one stroke")
    return next(text for text in _texts(drawing) if text and len(text) <= MAX_TEXT)


def decode(text: str) -> Drawing:
    """The drawing of a text, in canvas pixels. Raises `BadLink` for a text that `encode` didn't make.

    Time and memory are bounded for any text.
    """
    if not text:
        raise BadLink("the link carries no drawing")
    if len(text) > MAX_TEXT:
        raise BadLink(f"the link is too long to be a drawing's: {len(text):,} characters, over {MAX_TEXT:,}")
    if not re.fullmatch("[0-9A-Za-z]+", text):
        raise BadLink(_DAMAGED)
    if text[0] != VERSION:
        raise BadLink("the link was made by a newer version of Extexify: update this one to open it")
    try:
        return _GridDrawing.read(Reader(from_digits(text[1:]))).drawing()
    except DamagedCode:
        raise BadLink(_DAMAGED) from None


def open_link(link: str) -> Drawing:
    """The drawing of a link, or of its text alone. Raises `BadLink` as `decode` does."""
    try:
        address = urlsplit(link.strip())
        texts = parse_qs(address.query, max_num_fields=_MAX_PARAMETERS).get(LINK_PARAMETER, [""])
    except ValueError:
        raise BadLink(_DAMAGED) from None
    return decode(texts[-1] if address.scheme or address.query else address.path)


def warm_up() -> None:
    """Have numba compile the functions that `encode` uses."""
    drawing = [np.array([[0, 0], [1, 1]], np.float32)]
    encode(drawing)
    _traced(drawing, TRACE_SIZES[0])


def _texts(drawing: Drawing) -> Iterator[str]:
    """Texts of a drawing, from the most exact to the shortest; "" for those that are far too long."""
    if sum(map(len, drawing)) <= 4 * MAX_LINK_POINTS:  # simplifying more would take long
        on_grid, distances = _GridDrawing.of(drawing), 0
        for tolerance in TOLERANCES:
            simplified, computed = on_grid.simplified(tolerance, MAX_DISTANCES - distances)
            distances += computed
            if distances > MAX_DISTANCES:
                break
            yield simplified.text()
    for size in TRACE_SIZES:
        yield _GridDrawing.of(_traced(drawing, size)).text()


@dataclass(frozen=True, slots=True)
class _GridDrawing:
    """A quantized drawing.

    corner: the bounding box's upper left corner in whole canvas pixels. size: its longer side, 2^(size / 128) canvas
    pixels. points: grid points 0 … GRID, int64 (n, 2), strokes concatenated. ends: int64 (s,), the end of each stroke
    in points.
    """

    corner: tuple[int, int]
    size: int
    points: Grid
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, drawing: Drawing) -> _GridDrawing:
        """Round a drawing to the grid; successive equal points become one."""
        points = np.concatenate(drawing).astype(np.float64)
        ends = np.cumsum([len(stroke) for stroke in drawing])
        low, high = points.min(axis=0), points.max(axis=0)
        side = float((high - low).max())
        steps = GRID / side if side else 0.0
        rounded = np.rint((points - low) * steps).astype(np.int64)
        if min(*low, *high) < _CORNERS.start or max(*low, *high) > _CORNERS.stop:
            factor = _CENTERED_SIDE / side if side else 0.0
            low = CANVAS_SIDE / 2 - (high - low) * factor / 2
            side *= factor
        size = round(_SIZES_PER_DOUBLING * math.log2(max(side, 1.0)))
        left, top = (min(max(round(edge), _CORNERS.start), _CORNERS.stop - 1) for edge in low.tolist())
        return cls((left, top), size, *_without_repeats(rounded, ends))

    def simplified(self, tolerance: float, most: int) -> tuple[_GridDrawing, int]:
        """The drawing without points that lie within `tolerance` of the line through the others.

        Also returns the number of distances computed; with more than `most`, the drawing is only half done.
        """
        # Imported here, because numba loads slowly and decoding doesn't need it.
        from extexify.drawing.resample import mark_needed

        needed = np.zeros(len(self.points), bool)
        needed[[*self.points.argmin(axis=0), *self.points.argmax(axis=0)]] = True
        needed[self.ends - 1] = needed[self._starts] = True
        distances = mark_needed(self.points, needed, tolerance, most)
        kept = _without_repeats(self.points[needed], np.cumsum(needed)[self.ends - 1])
        return _GridDrawing(self.corner, self.size, *kept), distances

    @property
    def _starts(self) -> NDArray[np.int64]:
        """The start of each stroke in points."""
        return np.concatenate([[0], self.ends[:-1]])

    def drawing(self) -> Drawing:
        """The drawing in canvas pixels."""
        step = 2 ** (self.size / _SIZES_PER_DOUBLING) / GRID
        return np.split((np.array(self.corner) + self.points * step).astype(np.float32), self.ends[:-1])

    def text(self) -> str:
        """The text of the drawing; "" if it has more than MAX_LINK_POINTS or is far too long."""
        count = len(self.points)
        if count > MAX_LINK_POINTS or (count > _SHORT and self._bits() > _MAX_BITS + _BITS_TOLERANCE):
            return ""
        writer = Writer()
        for coordinate in self.corner:
            writer.choice(len(_CORNERS), coordinate - _CORNERS.start)
        writer.choice(_SIZES, self.size)
        writer.number("strokes", len(self.ends) - 1)
        steps = np.diff(self.points, axis=0, prepend=0).tolist()
        for start, end in zip(self._starts.tolist(), self.ends.tolist(), strict=True):
            writer.number("points", end - start - 1)
            _write_stroke(writer, steps[start:end])
        return VERSION + to_digits(writer.finish(self._checksum()))

    def _bits(self) -> float:
        """The length of the number that `text` writes, in bits, without writing it: division takes long."""
        starts = self._starts
        steps = np.diff(self.points, axis=0, prepend=0)
        begins = np.zeros(len(steps), bool)
        begins[starts] = True
        bits = _CHECKSUM_BITS + 2 * math.log2(len(_CORNERS)) + math.log2(_SIZES)
        bits += bits_of_numbers(np.array([len(starts) - 1])) + bits_of_numbers(self.ends - starts - 1)
        turns, turns_at_begin = [], []
        strokes = np.repeat(np.arange(len(starts)), self.ends - starts)
        for lengths in steps.T:
            moved = np.flatnonzero(lengths)
            backwards = lengths[moved] < 0
            before = np.zeros(len(moved), bool)  # the direction at a stroke's beginning
            before[1:] = backwards[:-1] & (strokes[moved[1:]] == strokes[moved[:-1]])
            turned, at_begin = backwards != before, begins[moved]
            turns.append(turned[~at_begin])
            turns_at_begin.append(turned[at_begin])
        for kind, flags in ((~begins, turns), (begins, turns_at_begin)):
            bits += bits_of_numbers(np.abs(steps[kind]).ravel()) + bits_of_flags(np.concatenate(flags))
        return bits

    @classmethod
    def read(cls, reader: Reader) -> _GridDrawing:
        """Read the code of a `text`. Raises `BadLink` or `DamagedCode` for anything else."""
        left, top = (_CORNERS.start + reader.choice(len(_CORNERS)) for _ in range(2))
        size = reader.choice(_SIZES)
        steps: list[list[int]] = []
        ends = []
        for _ in range(reader.number("strokes") + 1):
            length = reader.number("points") + 1
            if len(steps) + length > MAX_LINK_POINTS:
                raise BadLink(_DAMAGED)
            steps += _read_stroke(reader, length)
            ends.append(len(steps))
        found = cls((left, top), size, np.cumsum(np.array(steps, np.int64), axis=0), np.array(ends, np.int64))
        inside = found.points.min() >= 0 and found.points.max() <= GRID
        if not inside or reader.state != found._checksum():
            raise BadLink(_DAMAGED)
        return found

    def _checksum(self) -> int:
        """The coder's initial state: a checksum of the drawing, with a leading one bit."""
        header = np.array([*self.corner, self.size, *(self.ends - self._starts)], "<i4")
        check = zlib.crc32(self.points.astype("<i4").tobytes(), zlib.crc32(header.tobytes()))
        return 1 << _CHECKSUM_BITS | check & ((1 << _CHECKSUM_BITS) - 1)


def _without_repeats(points: Grid, ends: NDArray[np.int64]) -> tuple[Grid, NDArray[np.int64]]:
    """The points of strokes, and the strokes' ends, without points that equal their predecessor in the stroke."""
    moves = np.ones(len(points), bool)
    moves[1:] = (points[1:] != points[:-1]).any(axis=1)
    moves[ends[:-1]] = True
    return points[moves], np.cumsum(moves)[ends - 1]


def _traced(drawing: Drawing, size: int) -> Drawing:
    """The horizontal runs of ink pixels of a size × size raster of the drawing, as strokes."""
    from extexify.drawing.raster import RasterSettings, rasterize_drawing

    points = np.concatenate(drawing).astype(np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    pixel = (high - low).max() / (size - 1)
    corner = (low + high - pixel * (size - 1)) / 2
    image = rasterize_drawing(drawing, RasterSettings(size=size, stroke_width=1, margin=0, antialias=False)) > 0
    edges = np.diff(np.pad(image, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges > 0)
    ends = np.nonzero(edges < 0)[1] - 1
    runs = np.stack([np.stack([starts, rows], axis=1), np.stack([ends, rows], axis=1)], axis=1)
    return list((corner + runs * pixel).astype(np.float32))


def _write_stroke(writer: Writer, steps: list[list[int]]) -> None:
    """Write a stroke's steps: the first leads to its beginning, the others are the pen's."""
    kind, backwards = "begin", [False, False]
    for step in steps:
        for axis, length in enumerate(step):
            writer.number(kind, abs(length))
            if length:
                # Whether the direction changes is more predictable than the direction.
                writer.bit(kind, (length < 0) != backwards[axis])
                backwards[axis] = length < 0
        kind = "pen"


def _read_stroke(reader: Reader, length: int) -> list[list[int]]:
    """Read the steps that `_write_stroke` wrote."""
    kind, backwards = "begin", [False, False]
    steps = []
    for _ in range(length):
        step = [0, 0]
        for axis in (0, 1):
            if size := reader.number(kind):
                backwards[axis] ^= reader.bit(kind)
                step[axis] = -size if backwards[axis] else size
        steps.append(step)
        kind = "pen"
    return steps
