"""Drawings in memory: validation, JSON, and many drawings packed into three arrays.

A *stroke* is a float32 array (n, 2) of points, x right, y down; a *drawing* is an ordered list of strokes, as one
person drew one symbol. Units are those of the source, mostly pixels; the rasterizer scales.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from extexify.core.errors import UserError

Stroke = NDArray[np.float32]
Drawing = list[Stroke]

MAX_ABS_COORDINATE = 1e6
"""Maximum absolute coordinate; larger ones are corrupt data, since screens have less than 10,000 pixels."""

MAX_POINTS = 100_000
"""Maximum points of a drawing; the longest real ones have a few thousand."""

MAX_DRAWN_POINTS, MAX_DRAWN_STROKES = 20_000, 1_000
"""Maximum points and strokes of a drawing on the canvas: many times as many as hands draw for a symbol."""

MAX_STROKES_JSON = 8 * 1024 * 1024
"""Maximum bytes of strokes JSON; 100,000 points with times take about 3 MB."""


class BadDrawing(UserError, ValueError):
    """An invalid drawing; `reason` is a key of `DRAWING_REASONS`, the message says where the fault is."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


DRAWING_REASONS = {
    "no strokes": "strokes are NULL or an empty list",
    "not JSON": "strokes are not valid JSON of the form [[[x, y], …], …]",
    "empty stroke": "no stroke has a point",
    "short point": "a point with fewer than two numbers",
    "not finite": "a coordinate that is NaN or infinite",
    "out of range": f"a coordinate beyond ±{MAX_ABS_COORDINATE:g}",
    "too many points": f"more than {MAX_POINTS:,} points",
}
"""The reasons for which a drawing is invalid, with their descriptions in reports."""


@dataclass(frozen=True, slots=True)
class ParsedStrokes:
    """A drawing as it was parsed.

    empty: how many strokes without points it had, which are left out. by_axis: each stroke was stored as a list of all
    x and one of all y, as Quick Draw does.
    """

    drawing: Drawing
    empty: int = 0
    by_axis: bool = False


@dataclass(frozen=True, slots=True)
class ParsedTexts:
    """The drawings of many texts: the valid ones, packed in order, and the error of each invalid one by its index.

    empty: indices of the texts that had strokes without points; by_axis: how many drawings were stored by axis.
    """

    drawings: Drawings
    errors: dict[int, BadDrawing]
    empty: list[int]
    by_axis: int


def parse_strokes(text: bytes | str | None) -> Drawing:
    """Parse strokes JSON, `[[[x, y], …], …]`; a point's further numbers, such as its time, are ignored.

    Accepted as well are points `{"x": x, "y": y, …}`, a single stroke `[[x, y], …]`, Quick Draw's strokes
    `[[x, …], [y, …]]`, with a third list of times or without, and strokes without points, which are left out. Returns a
    drawing with at least one stroke and at least one point per stroke. Raises `BadDrawing` for anything else.
    """
    return read_strokes(text).drawing


def read_strokes(text: bytes | str | None, *, by_axis: bool = False) -> ParsedStrokes:
    """Parse strokes JSON as `parse_strokes` does.

    Quick Draw's form is recognized by lists of more than four numbers, which no point has. Drawings of short strokes
    may be either; with `by_axis` they are taken for Quick Draw's.
    """
    if text is None:
        raise BadDrawing("no strokes", "the strokes are NULL")
    if len(text) > MAX_STROKES_JSON:
        raise BadDrawing("too many points", f"the strokes take {len(text):,} bytes, over {MAX_STROKES_JSON:,}")
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        value = _parse_lenient(text, str(error))
    return _read_lists(value, by_axis)


def parse_many(texts: Sequence[bytes | str | None], *, by_axis: bool = False) -> ParsedTexts:
    """Parse many strokes JSON texts.

    Compiled code parses those of the plain form (see `extexify.drawing.scanner`), `read_strokes` the others; with
    `by_axis` all.
    """
    # Imported here, because most importers of this module parse nothing, and numba takes half a second.
    from extexify.drawing.scanner import scan_drawings

    if not texts:
        return ParsedTexts(Drawings.pack([]), {}, [], 0)
    scanned = [b""] * len(texts) if by_axis else [_scannable(text) for text in texts]
    points, stroke_ends, sample_ends, parsed = scan_drawings(scanned, MAX_POINTS, MAX_ABS_COORDINATE)
    drawings = Drawings(points, stroke_ends, sample_ends)
    others: list[Drawing] = []
    places: list[int] = []
    errors: dict[int, BadDrawing] = {}
    empty: list[int] = []
    count = 0
    for index in np.flatnonzero(~parsed).tolist():
        try:
            found = read_strokes(texts[index], by_axis=by_axis)
        except BadDrawing as error:
            errors[index] = error
            continue
        others.append(found.drawing)
        places.append(index)
        count += found.by_axis
        if found.empty:
            empty.append(index)
    if others:
        order = np.argsort(np.concatenate([np.flatnonzero(parsed), places]))
        drawings = Drawings.join([drawings, Drawings.pack(others)]).take(order)
    return ParsedTexts(drawings, errors, empty, count)


def _scannable(text: bytes | str | None) -> bytes:
    """The bytes to scan, or none where `parse_strokes` has to decide."""
    if text is None or len(text) > MAX_STROKES_JSON:
        return b""
    return text if isinstance(text, bytes) else text.encode("utf-8", "replace")


def _parse_lenient(text: bytes | str, why: str) -> Any:
    """Parse with Python's json, which accepts NaN and Infinity, so that the check can name them."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadDrawing("not JSON", f"the strokes are not valid JSON ({why})") from None


def drawing_from_lists(value: Any) -> Drawing:
    """The drawing of decoded strokes JSON, in any form that `parse_strokes` accepts. Raises `BadDrawing`."""
    return _read_lists(value, by_axis=False).drawing


def _read_lists(value: Any, by_axis: bool) -> ParsedStrokes:
    if not isinstance(value, list):
        raise BadDrawing("not JSON", f"strokes must be a list of strokes, not {_json_type(value)}")
    if not value:
        raise BadDrawing("no strokes", "the drawing has no strokes")
    if _is_point(value[0]):
        value = [value]  # a single stroke
    for number, stroke in enumerate(value, 1):
        if not isinstance(stroke, list):
            raise BadDrawing("not JSON", f"stroke {number} must be a list of points, not {_json_type(stroke)}")
    strokes = {number: stroke for number, stroke in enumerate(value, 1) if stroke}
    if not strokes:
        raise BadDrawing("empty stroke", "no stroke has a point")
    empty = len(value) - len(strokes)
    by_axis = _is_by_axis(list(strokes.values()), by_axis)
    if by_axis:
        strokes = {number: list(map(list, zip(*axes[:2], strict=True))) for number, axes in strokes.items()}
    total = sum(map(len, strokes.values()))
    if total > MAX_POINTS:
        raise BadDrawing("too many points", f"the drawing has {total:,} points, over {MAX_POINTS:,}")
    points = list(chain.from_iterable(strokes.values()))
    if type(points[0]) is dict:
        strokes = {number: [_as_list(point) for point in stroke] for number, stroke in strokes.items()}
        points = list(chain.from_iterable(strokes.values()))
    xy = _xy_of_uniform_points(points)
    if xy is None:
        drawing = [_stroke_point_by_point(stroke, number) for number, stroke in strokes.items()]
    else:
        drawing = np.split(xy, np.cumsum(list(map(len, strokes.values())))[:-1])
    return ParsedStrokes(drawing, empty, by_axis)


def _is_point(value: Any) -> bool:
    """Whether a value is a point and no stroke: an object, or a list of two numbers or more."""
    return isinstance(value, dict) or (
        isinstance(value, list) and len(value) > 1 and type(value[0]) in _NUMBERS and type(value[1]) in _NUMBERS
    )


_LONGEST_POINT = 4  # numbers: x, y, time, pressure


def _is_by_axis(strokes: list[list[Any]], by_axis: bool) -> bool:
    """Whether strokes are stored as Quick Draw's: a list of all x, one of all y, and in raw data one of all times.

    Without `by_axis`, a list that is longer than any point is needed, too.
    """
    axes = len(strokes[0])
    if axes not in (2, 3):
        return False
    for stroke in strokes:
        if len(stroke) != axes or any(type(numbers) is not list for numbers in stroke):
            return False
        if len(set(map(len, stroke))) != 1:
            return False
        by_axis = by_axis or len(stroke[0]) > _LONGEST_POINT
    return by_axis and bool(strokes[0][0])


def _as_list(point: Any) -> Any:
    """A point `{"x": x, "y": y}` as a list; other values as they are."""
    return [point.get("x"), point.get("y")] if isinstance(point, dict) else point


def _xy_of_uniform_points(points: list[Any]) -> Stroke | None:
    """The points as an array if all are valid and of the same length, else None.

    The checks run over whole lists in C (map, set), several times as fast as a loop.
    """
    if set(map(type, points)) != {list}:
        return None
    widths = set(map(len, points))
    width = widths.pop()
    if widths or width < 2:
        return None
    numbers = list(chain.from_iterable(points))
    if not set(map(type, numbers)) <= _NUMBERS:
        return None
    try:
        xy = np.array(numbers, np.float64).reshape(-1, width)[:, :2]
    except OverflowError:  # an integer that no float can hold
        return None
    # One comparison catches NaN, infinities and absurd magnitudes alike.
    if not (np.abs(xy) <= MAX_ABS_COORDINATE).all():
        return None
    return xy.astype(np.float32)


_NUMBERS = frozenset((int, float))


def _stroke_point_by_point(points: list[Any], number: int) -> Stroke:
    """The points of a stroke, one by one: accepts points of mixed lengths and names the first invalid one."""
    xy = np.empty((len(points), 2), np.float32)
    for index, point in enumerate(points):
        where = f"point {index + 1} of stroke {number}"
        if not isinstance(point, list):
            raise BadDrawing("not JSON", f"{where} must be a list of numbers, not {_json_type(point)}")
        if len(point) < 2:
            raise BadDrawing("short point", f"{where} has fewer than two numbers")
        for axis in (0, 1):
            coordinate = point[axis]
            if type(coordinate) not in _NUMBERS:
                raise BadDrawing("not JSON", f"{where} must hold numbers, not {_json_type(coordinate)}")
            # Compared before the conversion, because an integer of a thousand digits has no float.
            if not -MAX_ABS_COORDINATE <= coordinate <= MAX_ABS_COORDINATE:
                finite = type(coordinate) is int or np.isfinite(coordinate)
                reason = "out of range" if finite else "not finite"
                raise BadDrawing(reason, f"{where} has {DRAWING_REASONS[reason]}")
            xy[index, axis] = coordinate
    return xy


def _json_type(value: Any) -> str:
    """The JSON name of a value's type, for messages."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def strokes_json(drawing: Sequence[NDArray[np.floating]]) -> bytes:
    """The strokes JSON of a drawing; `parse_strokes` returns the same float32 points."""
    return orjson.dumps(
        [np.ascontiguousarray(stroke, np.float32) for stroke in drawing], option=orjson.OPT_SERIALIZE_NUMPY
    )


def content_digest(counts: NDArray[np.int64], points: NDArray[np.float32], salt: bytes = b"") -> int:
    """A 64-bit hash of a drawing's content; among ten million drawings, a collision has a probability of 1 / 400,000.

    counts: int64 (1 + S,), the number of strokes, then the number of points of each. points: float32 (P, 2).
    """
    # Adding 0 turns -0.0 into 0.0, which is equal. The number of strokes delimits the lengths from the points.
    content = counts.tobytes() + (points + np.float32(0)).tobytes() + salt
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


def content_digests(drawings: Drawings) -> NDArray[np.uint64]:
    """`content_digest` of each drawing: uint64 (N,)."""
    ends = drawings.sample_ends
    if not len(ends):
        return np.empty(0, np.uint64)
    starts = np.concatenate([[0], ends[:-1]])
    # Each drawing's number of strokes precedes their lengths.
    counts = np.insert(np.diff(drawings.stroke_ends, prepend=0), starts, ends - starts)
    points = np.ascontiguousarray(drawings.points) + np.float32(0)
    shapes, coordinates = counts.data.cast("B"), points.data.cast("B")
    shape_stops = 8 * (ends + np.arange(1, len(ends) + 1))
    point_stops = 8 * drawings.stroke_ends[ends - 1]
    found = []
    shape = point = 0
    for shape_stop, point_stop in zip(shape_stops.tolist(), point_stops.tolist(), strict=True):
        digest = hashlib.blake2b(shapes[shape:shape_stop], digest_size=8)
        digest.update(coordinates[point:point_stop])
        found.append(digest.digest())
        shape, point = shape_stop, point_stop
    return np.frombuffer(b"".join(found), "<u8").astype(np.uint64)


@dataclass(frozen=True, slots=True)
class Drawings:
    """N drawings packed into three arrays, the layout of a dataset on disk.

    points: float32 (P, 2), all points concatenated; stroke_ends: int64 (S,), the end of each stroke in `points`;
    sample_ends: int64 (N,), the end of each drawing in `stroke_ends`. The arrays may be memory maps.
    """

    points: NDArray[np.float32]
    stroke_ends: NDArray[np.int64]
    sample_ends: NDArray[np.int64]

    @classmethod
    def pack(cls, drawings: Iterable[Sequence[NDArray[np.floating]]]) -> Drawings:
        """Pack drawings, of which there may be none."""
        strokes: list[NDArray[np.floating]] = []
        counts: list[int] = []
        for drawing in drawings:
            strokes.extend(drawing)
            counts.append(len(drawing))
        points = np.concatenate(strokes).astype(np.float32, copy=False) if strokes else np.empty((0, 2), np.float32)
        lengths = np.array([len(stroke) for stroke in strokes], np.int64)
        return cls(points, np.cumsum(lengths), np.cumsum(np.array(counts, np.int64)))

    @classmethod
    def join(cls, parts: Sequence[Drawings]) -> Drawings:
        """Concatenate packed drawings."""
        points = np.cumsum([0, *(len(part.points) for part in parts)])
        strokes = np.cumsum([0, *(len(part.stroke_ends) for part in parts)])
        return cls(
            np.concatenate([part.points for part in parts]),
            np.concatenate([part.stroke_ends + first for part, first in zip(parts, points[:-1], strict=True)]),
            np.concatenate([part.sample_ends + first for part, first in zip(parts, strokes[:-1], strict=True)]),
        )

    def __len__(self) -> int:
        return len(self.sample_ends)

    def __iter__(self) -> Iterator[Drawing]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Drawing:
        """A drawing; its strokes are views of `points`. Raises IndexError, also for a negative index."""
        if not 0 <= index < len(self):
            raise IndexError(f"drawing {index} of {len(self)}")
        first = int(self.sample_ends[index - 1]) if index else 0
        last = int(self.sample_ends[index])
        drawing = []
        for stroke in range(first, last):
            start = int(self.stroke_ends[stroke - 1]) if stroke else 0
            drawing.append(np.asarray(self.points[start : int(self.stroke_ends[stroke])]))
        return drawing

    def is_whole(self) -> bool:
        """Whether both arrays of ends rise up to the lengths that they index, so that no index is out of range."""

        def rising(ends: NDArray[np.int64], last: int) -> bool:
            return bool(len(ends) and ends[0] > 0 and ends[-1] == last and (np.diff(ends) > 0).all())

        return rising(self.stroke_ends, len(self.points)) and rising(self.sample_ends, len(self.stroke_ends))

    def take(self, indices: NDArray[np.integer]) -> Drawings:
        """Copies of the drawings at `indices` (m,), in that order; an index may be repeated.

        Raises IndexError for an index that is negative or too large.
        """
        wanted = np.asarray(indices, np.int64)
        if len(wanted) and not 0 <= wanted.min() <= wanted.max() < len(self):
            raise IndexError(f"drawings {wanted.min()} to {wanted.max()} of {len(self)}")
        stroke_starts, stroke_counts = _spans(self.sample_ends, wanted)
        strokes = _ranges(stroke_starts, stroke_counts)
        point_starts, point_counts = _spans(self.stroke_ends, strokes)
        points = np.asarray(self.points)[_ranges(point_starts, point_counts)]
        return Drawings(points, np.cumsum(point_counts), np.cumsum(stroke_counts))


def _spans(ends: NDArray[np.int64], indices: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The starts and lengths of the items `indices` of a packed array with these ends."""
    stop = np.asarray(ends)[indices]
    start = np.where(indices > 0, np.asarray(ends)[indices - 1], 0) if len(indices) else stop
    return start, stop - start


def _ranges(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """`concatenate([arange(s, s + c) for s, c in zip(starts, counts)])` without the loop."""
    offsets = np.repeat(starts - np.cumsum(counts) + counts, counts)
    return offsets + np.arange(int(counts.sum()), dtype=np.int64)
