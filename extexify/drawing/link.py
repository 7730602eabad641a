"""A drawing ↔ the short text that a link carries: `encode` and `decode`.

The text is a version character and then one long number, in digits that no address and no chat program changes
(0–9, A–Z, a–z). Version 1 is made like this:

1. The drawing's box is fitted to a grid, its longer side to 0 … GRID; the box's corner and size on the canvas are
   rounded and kept, so that the drawing comes back where it was and can be drawn on.
2. Points that lie within a tolerance of the line without them are left out (`extexify.drawing.simplify`). Where the
box's
   sides are touched stays, because the rasterizer fits a drawing by its box.
3. Every point is written as the step from the one before it, as Exp-Golomb numbers whose bits are coded with odds
   that adapt as they go (Krichevsky and Trofimov 1981): an asymmetric numeral system (Duda 2009) whose state is one
   large integer. There are no tables to keep, and a text of this length needs no renormalisation.
4. The state starts from a checksum of what is coded, and decoding must end with it: a damaged text is told.

Simplifying on the grid can't be done twice: `encode(decode(text)) == text`, so a drawing that was opened and sent
on doesn't change.
"""

from __future__ import annotations

import math
import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import numpy as np
from numpy.typing import NDArray

from extexify.core.errors import UserError
from extexify.drawing.strokes import Drawing

VERSION = "1"

LINK = "d"
"""The query parameter of an address that holds the text."""

MAX_QR_LINK = 700
"""Characters of a whole link that a QR code is made for: beyond, its squares are too small for a phone's camera."""

CANVAS_SIDE = 400
"""Side of the canvas that places and sizes are for; a drawing that isn't near it is put in its middle."""

MAX_TEXT = 1900
"""Characters of a text, so that an address with one stays below 2,000."""

GRID = 512
"""Steps of the grid along the box's longer side: 12 of them are one pixel of the default raster."""

TOLERANCES = (1.0, 1.5, 2.0, 3.0, 4.0)
"""How far, in steps of the grid, a point that is left out may lie from the line: the first that fits MAX_TEXT."""

MAX_LINK_POINTS = 2048
"""Points of a text's drawing; hardly any drawing of so many fits in MAX_TEXT."""

TRACES = (64, 48, 32, 24)
"""What is too rich even for the last tolerance is traced from a raster this large, in horizontal lines: the first
that fits. The last one always does."""

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_MAX_PARAMETERS = 20  # of an address; ours has two

_CHECK_BITS = 18  # a damaged text passes once in 262,144 times

# The box on the canvas: its corner in whole pixels, as far beyond the canvas as a pen that is dragged gets, and
# its longer side in 128ths of a doubling (within 0.3 %), from one pixel on.
_NEAR = range(-CANVAS_SIDE, 2 * CANVAS_SIDE)
_SIZES_PER_DOUBLING = 128
_SIZES = 1 + round(_SIZES_PER_DOUBLING * math.log2(len(_NEAR)))
_CENTERED_SIDE = 280

_MAX_CLASS = 12  # numbers are below 2¹³ − 1

Grid = NDArray[np.int64]


class BadLink(UserError, ValueError):
    """A text that is no drawing; the message says in one sentence why."""


_DAMAGED = "the link is damaged: a part of it is missing or has changed"


def encode(drawing: Drawing) -> str:
    """The text of a drawing, at most MAX_TEXT letters and digits. Raises ValueError for one without strokes."""
    if not drawing:
        raise ValueError("a link needs a drawing with at least one stroke")
    return next(text for text in _texts(drawing) if text and len(text) <= MAX_TEXT)


def decode(text: str) -> Drawing:
    """The drawing of a text, in canvas pixels. Raises `BadLink` for a text that `encode` didn't make.

    The time and memory that it takes are bounded, whatever the text is.
    """
    if not text:
        raise BadLink("the link carries no drawing")
    if len(text) > MAX_TEXT:
        raise BadLink(f"the link is too long to be a drawing's: {len(text):,} characters, over {MAX_TEXT:,}")
    if not re.fullmatch("[0-9A-Za-z]+", text):
        raise BadLink(_DAMAGED)
    if text[0] != VERSION:
        raise BadLink("the link was made by a newer version of Extexify: update this one to open it")
    return _Placed.read(_Reader(_number_of(text[1:]))).drawing()


def open_link(link: str) -> Drawing:
    """The drawing of a whole link, or of its text alone. Raises `BadLink`, as `decode` does."""
    try:
        address = urlsplit(link.strip())
        texts = parse_qs(address.query, max_num_fields=_MAX_PARAMETERS).get(LINK, [""])
    except ValueError:
        raise BadLink(_DAMAGED) from None
    return decode(texts[-1] if address.scheme or address.query else address.path)


def warm_up() -> None:
    """Compile what is compiled, so that the first drawing is encoded as fast as the next."""
    encode([np.array([[0, 0], [1, 1]], np.float32)])


def _texts(drawing: Drawing) -> Iterator[str]:
    """Texts of a drawing, from the most exact to the shortest; "" for one that has too many points."""
    if sum(map(len, drawing)) <= 4 * MAX_LINK_POINTS:  # with more, simplifying would take its time
        placed = _Placed.of(drawing)
        for tolerance in TOLERANCES:
            yield placed.simplified(tolerance).text()
    for size in TRACES:
        yield _Placed.of(_traced(drawing, size)).text()


@dataclass(frozen=True, slots=True)
class _Placed:
    """A drawing on the grid, and where on the canvas it lies.

    corner: the box's upper left, whole canvas pixels. size: its longer side, 2^(size / 128) canvas pixels. strokes:
    int64 (n, 2) each, 0 … GRID.
    """

    corner: tuple[int, int]
    size: int
    strokes: list[Grid]

    @classmethod
    def of(cls, drawing: Drawing) -> _Placed:
        """A drawing as it is, but for the rounding; points that fall together are one."""
        points = np.concatenate(drawing).astype(np.float64)
        low, high = points.min(axis=0), points.max(axis=0)
        side = float((high - low).max())
        steps = GRID / side if side else 0.0
        strokes = [_without_repeats(np.rint((stroke - low) * steps).astype(np.int64)) for stroke in drawing]
        if min(*low, *high) < _NEAR.start or max(*low, *high) > _NEAR.stop:
            factor = _CENTERED_SIDE / side if side else 0.0
            low = CANVAS_SIDE / 2 - (high - low) * factor / 2
            side *= factor
        size = round(_SIZES_PER_DOUBLING * math.log2(max(side, 1.0)))
        left, top = (min(max(round(edge), _NEAR.start), _NEAR.stop - 1) for edge in low.tolist())
        return cls((left, top), size, strokes)

    @property
    def points(self) -> int:
        return sum(map(len, self.strokes))

    def simplified(self, tolerance: float) -> _Placed:
        """Without the points that lie within `tolerance` of the line without them."""
        # Here and not above, because numba takes its time, and decoding does without.
        from extexify.drawing.simplify import keep_needed

        points = np.concatenate(self.strokes)
        kept = np.zeros(len(points), bool)
        kept[[*points.argmin(axis=0), *points.argmax(axis=0)]] = True
        strokes = []
        for stroke in self.strokes:
            ours, kept = kept[: len(stroke)], kept[len(stroke) :]
            ours[[0, -1]] = True
            keep_needed(stroke, ours, tolerance)
            strokes.append(_without_repeats(stroke[ours]))
        return _Placed(self.corner, self.size, strokes)

    def drawing(self) -> Drawing:
        """The drawing in canvas pixels."""
        step = 2 ** (self.size / _SIZES_PER_DOUBLING) / GRID
        return [(np.array(self.corner) + stroke * step).astype(np.float32) for stroke in self.strokes]

    def text(self) -> str:
        """The text that `read` reads; "" for more than MAX_LINK_POINTS."""
        if self.points > MAX_LINK_POINTS:
            return ""
        writer = _Writer()
        for edge in self.corner:
            writer.choice(len(_NEAR), edge - _NEAR.start)
        writer.choice(_SIZES, self.size)
        writer.number("strokes", len(self.strokes) - 1)
        at = np.zeros(2, np.int64)
        for stroke in self.strokes:
            writer.number("points", len(stroke) - 1)
            _write_stroke(writer, np.diff(np.concatenate([at[None], stroke]), axis=0).tolist())
            at = stroke[-1]
        return VERSION + _digits_of(writer.finish(self._check()))

    @classmethod
    def read(cls, reader: _Reader) -> _Placed:
        """What `text` has written. Raises `BadLink` for anything else."""
        left, top = (_NEAR.start + reader.choice(len(_NEAR)) for _ in range(2))
        size = reader.choice(_SIZES)
        count = reader.number("strokes") + 1
        strokes: list[Grid] = []
        total, at = 0, np.zeros(2, np.int64)
        for _ in range(count):
            length = reader.number("points") + 1
            total += length
            if total > MAX_LINK_POINTS:
                raise BadLink(_DAMAGED)
            strokes.append(at + np.cumsum(_read_stroke(reader, length), axis=0))
            at = strokes[-1][-1]
        placed = cls((left, top), size, strokes)
        inside = all(stroke.min() >= 0 and stroke.max() <= GRID for stroke in strokes)
        if not inside or reader.state != placed._check():
            raise BadLink(_DAMAGED)
        return placed

    def _check(self) -> int:
        """The state that the number starts from: a checksum of everything, below a leading one."""
        header = np.array([*self.corner, self.size, *map(len, self.strokes)], "<i4")
        check = zlib.crc32(np.concatenate(self.strokes).astype("<i4").tobytes(), zlib.crc32(header.tobytes()))
        return 1 << _CHECK_BITS | check & ((1 << _CHECK_BITS) - 1)


def _without_repeats(stroke: Grid) -> Grid:
    """A stroke without points that are equal to the one before."""
    moves = np.ones(len(stroke), bool)
    moves[1:] = (stroke[1:] != stroke[:-1]).any(axis=1)
    return stroke[moves]


def _traced(drawing: Drawing, size: int) -> Drawing:
    """A drawing that looks like this one: the horizontal runs of pixels that its lines cross, size × size."""
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


def _write_stroke(writer: _Writer, steps: Iterable[list[int]]) -> None:
    """The steps of a stroke: first the one to where it begins, then those of the pen."""
    kind, turned = "begin", [False, False]
    for step in steps:
        for axis, length in enumerate(step):
            writer.number(kind, abs(length))
            if length:
                # Whether the pen turns back is easier to guess than whether it goes left.
                writer.bit(kind, (length < 0) != turned[axis])
                turned[axis] = length < 0
        kind = "pen"


def _read_stroke(reader: _Reader, length: int) -> Grid:
    """The steps (length, 2) that `_write_stroke` has written."""
    kind, turned = "begin", [False, False]
    steps = np.empty((length, 2), np.int64)
    for step in steps:
        for axis in (0, 1):
            step[axis] = reader.number(kind)
            if step[axis]:
                turned[axis] ^= reader.bit(kind)
                step[axis] *= -1 if turned[axis] else 1
        kind = "pen"
    return steps


Context = str | tuple[str, int] | tuple[str, int, str]


def _even_odds() -> defaultdict[Context, list[int]]:
    """How often each bit was 0 and 1 in a context, in halves: each starts with half a time."""
    return defaultdict(lambda: [1, 1])


class _Writer:
    """Collects choices and turns them into a number, the last one first, so that the reader gets them in order."""

    def __init__(self) -> None:
        self._odds = _even_odds()
        self._choices: list[tuple[int, int, int]] = []  # of how many, from which on, how many

    def choice(self, count: int, value: int) -> None:
        """One of `count` values, 0 … count − 1, all as likely."""
        self._choices.append((count, value, 1))

    def bit(self, context: Context, bit: bool) -> None:
        """A bit that is as likely as it was in this context before."""
        odds = self._odds[context]
        self._choices.append((sum(odds), odds[0] if bit else 0, odds[bit]))
        odds[bit] += 2

    def number(self, context: str, value: int) -> None:
        """A number from 0 on: how many bits it has, the highest of them, the others as they are."""
        value += 1
        bits = value.bit_length() - 1
        for length in range(bits):
            self.bit((context, length), True)
        self.bit((context, bits), False)
        if bits:
            below = bits - 1
            self.bit((context, bits, "highest"), bool(value >> below & 1))
            self.choice(1 << below, value & (1 << below) - 1)

    def finish(self, state: int) -> int:
        """The number of all choices, from a state to start with."""
        for count, start, width in reversed(self._choices):
            whole, part = divmod(state, width)
            state = whole * count + start + part
        return state


class _Reader:
    """Takes the choices out of a number again; `state` is what is left of it."""

    def __init__(self, state: int) -> None:
        self._odds = _even_odds()
        self.state = state

    def choice(self, count: int) -> int:
        """One of `count` values."""
        self.state, value = divmod(self.state, count)
        return value

    def bit(self, context: Context) -> bool:
        """The next bit of a context."""
        odds = self._odds[context]
        whole, part = divmod(self.state, sum(odds))
        bit = part >= odds[0]
        self.state = whole * odds[bit] + part - (odds[0] if bit else 0)
        odds[bit] += 2
        return bit

    def number(self, context: str) -> int:
        """The next number of a context. Raises `BadLink` for one that no drawing has."""
        bits = 0
        while self.bit((context, bits)):
            bits += 1
            if bits > _MAX_CLASS:
                raise BadLink(_DAMAGED)
        if not bits:
            return 0
        below = bits - 1
        highest = self.bit((context, bits, "highest"))
        return ((2 | highest) << below | self.choice(1 << below)) - 1


def _digits_of(number: int) -> str:
    digits = []
    while number:
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def _number_of(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number * len(_DIGITS) + _VALUES[digit]
    return number
