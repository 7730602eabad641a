"""Conversion between drawings and the JSON of Fabric.js, the library behind the canvas component.

The JSON is a list of objects (a pen stroke is a `Path`), each with its own coordinates and a transformation. A drawing
holds the positions of the pen in canvas pixels, as the training data do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from extexify.drawing.strokes import MAX_ABS_COORDINATE, MAX_POINTS, BadDrawing, Drawing
from extexify.ui.draw.curves import Points, box_of, middle, quadratic_extremes, sample

Matrix = NDArray[np.float64]

MAX_DEPTH = 8
"""Nested groups that are accepted; the canvas component itself makes none."""

DOT_EXTENT = 0.1
"""A path smaller than this, in its own pixels, is a dot: Fabric draws a tap as a line of 1/500 of the pen's width."""

POINT_RADIUS = 10.0
"""A circle up to this radius is a point, a larger one an outline."""

MIDPOINT_TOLERANCE = 2e-3
"""Tolerance for the midpoints of Fabric's brush; its JSON may be rounded to four decimals."""

_ORIGINS = {"left": -0.5, "top": -0.5, "center": 0.0, "right": 0.5, "bottom": 0.5}
_ARGUMENTS = {"M": 2, "L": 2, "Q": 4, "C": 6, "Z": 0}


def drawing_from_canvas(json_data: object) -> Drawing:
    """The strokes on the canvas, in the order in which they were drawn, in canvas pixels.

    `json_data` is the attribute of the same name that `st_canvas` returns. A pen stroke becomes the positions of the
    pen (see `_pen_stroke`), any other curve is sampled; a tap becomes a stroke of one point. Moved, scaled, rotated,
    skewed, flipped and grouped objects are transformed; invisible ones are left out. An empty canvas is an empty list.
    Raises `BadDrawing` for JSON that the canvas component doesn't produce.
    """
    if json_data is None:
        return []
    drawing: Drawing = []
    total = 0
    for points in _strokes(_list_of_objects(json_data), np.eye(3), 0):
        total += len(points)
        if total > MAX_POINTS:
            raise BadDrawing("too many points", f"the drawing has over {MAX_POINTS:,} points")
        # Also False for NaN.
        if not (np.abs(points) <= MAX_ABS_COORDINATE).all():
            raise BadDrawing("out of range", f"the canvas sent a coordinate beyond ±{MAX_ABS_COORDINATE:g}")
        drawing.append(points.astype(np.float32))
    return drawing


def canvas_from_drawing(drawing: Drawing, *, color: str, stroke_width: float) -> dict[str, Any]:
    """The canvas JSON that shows `drawing` (canvas pixels), for `st_canvas(initial_drawing=…)`.

    The strokes become the paths that the pen would have made, so they look and behave like drawn ones, and
    `drawing_from_canvas` gives back the same points (a stroke of equal points comes back as one point).
    """
    return {"objects": [_path_object(stroke.astype(np.float64), color, stroke_width) for stroke in drawing]}


def _path_object(points: Points, color: str, stroke_width: float) -> dict[str, Any]:
    """A stroke (n, 2) as the `Path` that Fabric's brush makes of it: a smooth curve through the midpoints."""
    if len(points) == 1:
        nudge = np.array([stroke_width / 1000, 0.0])
        path: list[list[Any]] = [["M", *(points[0] - nudge)], ["L", *(points[0] + nudge)]]
    else:
        middles = (points[:-1] + points[1:]) / 2
        path = [["M", *points[0]]]
        path += [["Q", *control, *end] for control, end in zip(points[:-1], middles, strict=True)]
        path.append(["L", *points[-1]])
    path = [[command, *map(float, numbers)] for command, *numbers in path]
    low, high = _Outline(path).box()
    (left, top), (width, height) = middle(low, high).tolist(), (high - low).tolist()
    return {
        "type": "Path",
        "originX": "center",
        "originY": "center",
        "left": left,
        "top": top,
        "width": width,
        "height": height,
        "fill": None,
        "stroke": color,
        "strokeWidth": stroke_width,
        "strokeLineCap": "round",
        "strokeLineJoin": "round",
        "path": path,
    }


def _list_of_objects(holder: object) -> list[Any]:
    """The objects in a canvas or a group."""
    objects = holder.get("objects", []) if isinstance(holder, Mapping) else None
    if not isinstance(objects, list):
        raise BadDrawing("not JSON", "the canvas sent something other than a list of objects")
    return objects


def _strokes(objects: list[Any], outer: Matrix, depth: int) -> Iterator[Points]:
    """The strokes of the objects; `outer` (3, 3) transforms their coordinates to canvas pixels."""
    if depth > MAX_DEPTH:
        raise BadDrawing("not JSON", f"the canvas sent groups nested over {MAX_DEPTH} deep")
    for item in objects:
        if not isinstance(item, Mapping):
            raise BadDrawing("not JSON", "the canvas sent an object that is none")
        if item.get("visible") is False:
            continue
        kind = str(item.get("type", "")).lower()
        if kind == "group":
            yield from _strokes(_list_of_objects(item), outer @ _matrix(item), depth + 1)
        elif kind in _READERS:
            strokes = _READERS[kind](item)
            if strokes:
                matrix = outer @ _matrix(item)
                for points in strokes:
                    yield points @ matrix[:2, :2].T + matrix[:2, 2]
        else:
            raise BadDrawing("not JSON", f"the canvas holds an object of type {kind[:40]!r}, which is no stroke")


def _matrix(item: Mapping[str, Any]) -> Matrix:
    """The transformation (3, 3) from an object's coordinates, relative to its centre, to its parent's."""
    angle = math.radians(_number(item, "angle", 0.0))
    cosine, sine = math.cos(angle), math.sin(angle)
    rotation = np.array([[cosine, -sine], [sine, cosine]])
    shape = np.diag(
        [
            _number(item, "scaleX", 1.0) * (-1 if item.get("flipX") is True else 1),
            _number(item, "scaleY", 1.0) * (-1 if item.get("flipY") is True else 1),
        ]
    )
    skewed = False
    for axis, name in enumerate(("skewX", "skewY")):
        if skew := _number(item, name, 0.0):
            skewing = np.eye(2)
            skewing[axis, 1 - axis] = math.tan(math.radians(skew))
            shape = shape @ skewing
            skewed = True
    position = np.array([_number(item, "left", 0.0), _number(item, "top", 0.0)])
    origin = np.array([_origin(item, "originX"), _origin(item, "originY")])
    if origin.any():
        # `left` and `top` name an edge, and the edge includes the line's width.
        position -= rotation @ (origin * _outer_size(item, shape, skewed))
    matrix = np.eye(3)
    matrix[:2, :2] = rotation @ shape
    matrix[:2, 2] = position
    return matrix


def _outer_size(item: Mapping[str, Any], shape: Matrix, skewed: bool) -> Points:
    """Width and height (2,) of an object before its rotation, including the line's width."""
    line = _number(item, "strokeWidth", 0.0)
    size = np.array([_number(item, "width", 0.0), _number(item, "height", 0.0)])
    uniform = item.get("strokeUniform") is True
    if not uniform:
        size += line
    if skewed:
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * size / 2 @ shape.T
        size = np.ptp(corners, axis=0)
    else:
        size *= np.abs(np.diag(shape))
    return size + line if uniform else size


def _origin(item: Mapping[str, Any], name: str) -> float:
    """The position within the object that `left` or `top` refers to, −0.5 (its start) to 0.5 (its end)."""
    value = item.get(name, "left")
    if not isinstance(value, str) or value not in _ORIGINS:
        raise BadDrawing("not JSON", f"the canvas sent an unknown {name}")
    return _ORIGINS[value]


def _number(item: Mapping[str, Any], name: str, default: float) -> float:
    """A number of an object. Raises `BadDrawing` for another type, and out of range."""
    value = item.get(name, default)
    # Compared before any conversion: an integer of a thousand digits has no float.
    if type(value) not in (int, float) or not -MAX_ABS_COORDINATE <= value <= MAX_ABS_COORDINATE:
        raise BadDrawing("out of range", f"the canvas sent an object whose {name} is no usable number")
    return float(value)


def _numbers(rows: list[Any], what: str) -> Points:
    """Rows of numbers, equally long, as an array. Raises `BadDrawing`, whose message names `what`."""
    flat = list(chain.from_iterable(rows))
    if not set(map(type, flat)) <= {int, float}:
        raise BadDrawing("not JSON", f"the canvas sent {what} with something other than numbers")
    try:
        numbers = np.array(flat, np.float64).reshape(len(rows), -1)
    except (OverflowError, ValueError):
        raise BadDrawing("out of range", f"the canvas sent {what} with unusable numbers") from None
    if not (np.abs(numbers) <= MAX_ABS_COORDINATE).all():
        raise BadDrawing("out of range", f"the canvas sent {what} with unusable numbers")
    return numbers


def _read_path(item: Mapping[str, Any]) -> list[Points]:
    """A path's strokes, relative to its centre; several where it has several `M` commands."""
    path = item.get("path")
    if not isinstance(path, list) or len(path) > MAX_POINTS:
        raise BadDrawing("not JSON", "the canvas sent a path that is no list of commands")
    for command in path:
        if not isinstance(command, list) or not command or not isinstance(command[0], str):
            raise BadDrawing("not JSON", "the canvas sent a path with something other than commands")
        if _ARGUMENTS.get(command[0]) != len(command) - 1:
            raise BadDrawing("not JSON", f"the canvas sent an unknown path command {command[0][:10]!r}")
    if not path:
        return []
    if path[0][0] != "M":
        raise BadDrawing("not JSON", "the canvas sent a path that starts nowhere")
    pen = _pen_stroke(path)
    if pen is not None:
        strokes, center = [pen], middle(*_box_of_pen_path(path))
    else:
        outline = _Outline(path)
        strokes, center = outline.strokes(), middle(*outline.box())
    return [_dot_or_stroke(points) - center for points in strokes]


def _dot_or_stroke(points: Points) -> Points:
    """The points, or only their centre when they extend over at most DOT_EXTENT."""
    if np.ptp(points, axis=0).max() <= DOT_EXTENT:
        return middle(points.min(axis=0), points.max(axis=0))[None]
    return points


def _pen_stroke(path: list[list[Any]]) -> Points | None:
    """The positions (n, 2) of the pen if Fabric's brush made this path, or else None.

    The brush draws `M p₀ Q p₀ m₀₁ Q p₁ m₁₂ … L pₙ`: a curve through the midpoints, with the pen's positions
    as control points. Those are what a training drawing consists of, and following the curve instead would
    cut every corner. Only `M` and `L` are off, by 1/1000 of the pen's width, so the last position comes from
    the last midpoint.
    """
    if len(path) < 3 or path[-1][0] != "L" or any(command[0] != "Q" for command in path[1:-1]):
        return None
    first, controls, ends, last = _parts_of_pen_path(path)
    if np.abs(ends[:-1] - (controls[:-1] + controls[1:]) / 2).max(initial=0.0) > MIDPOINT_TOLERANCE:
        return None
    final = 2 * ends[-1] - controls[-1]
    if np.abs(np.concatenate([final - last, controls[0] - first])).max() > DOT_EXTENT:
        return None
    return np.concatenate([controls, final[None]])


def _parts_of_pen_path(path: list[list[Any]]) -> tuple[Points, Points, Points, Points]:
    """Start (2,), control points and ends of the curves (n, 2), and end (2,) of a path M Q … Q L."""
    curves = _numbers([command[1:] for command in path[1:-1]], "a path")
    first, last = _numbers([path[0][1:], path[-1][1:]], "a path")
    return first, curves[:, :2], curves[:, 2:], last


def _box_of_pen_path(path: list[list[Any]]) -> tuple[Points, Points]:
    """Minimum and maximum (2,) of a path M Q … Q L: a vectorized `_Outline.box`.

    A drawing has hundreds of curves, and this runs after every stroke.
    """
    first, controls, ends, last = _parts_of_pen_path(path)
    starts = np.concatenate([first[None], ends[:-1]])
    extremes = quadratic_extremes(np.stack([starts, controls, ends], axis=1))
    points = np.concatenate([first[None], ends, last[None], extremes])
    return points.min(axis=0), points.max(axis=0)


class _Outline:
    """A validated path as curves with two (straight) to four control points."""

    def __init__(self, path: list[list[Any]]) -> None:
        self._runs: list[list[Points]] = []  # a stroke: curves (k, 2), each starting where the last one ended
        start = at = np.zeros(2)
        for command, *numbers in path:
            points = _numbers([numbers], "a path").reshape(-1, 2) if numbers else start[None]
            if command == "M":
                start = points[0]
                self._runs.append([points])
            else:
                self._runs[-1].append(np.concatenate([at[None], points]))
            at = points[-1]

    def box(self) -> tuple[Points, Points]:
        """Minimum and maximum (2,) of the curves.

        Its middle is where Fabric has the origin of the path's own coordinates.
        """
        curves = [curve for run in self._runs for curve in run]
        return box_of(curves)

    def strokes(self) -> list[Points]:
        """The curves, sampled within FLATNESS: an array (n, 2) a stroke."""
        strokes = []
        total = 0
        for run in self._runs:
            pieces = [run[0]]
            for curve in run[1:]:
                pieces.append(sample(curve))
                total += len(pieces[-1])
                if total > MAX_POINTS:
                    raise BadDrawing("too many points", f"the drawing has over {MAX_POINTS:,} points")
            strokes.append(np.concatenate(pieces))
        return strokes


def _read_line(item: Mapping[str, Any]) -> list[Points]:
    """A straight line, relative to its centre."""
    ends = np.array([[_number(item, f"x{end}", 0.0), _number(item, f"y{end}", 0.0)] for end in (1, 2)])
    return [_dot_or_stroke(ends - ends.mean(axis=0))]


def _read_polyline(item: Mapping[str, Any]) -> list[Points]:
    """A line through points, relative to the centre of their box."""
    corners = item.get("points")
    if not isinstance(corners, list) or len(corners) > MAX_POINTS:
        raise BadDrawing("not JSON", "the canvas sent a line that is no list of points")
    if not all(isinstance(corner, Mapping) for corner in corners):
        raise BadDrawing("not JSON", "the canvas sent a line with something other than points")
    if not corners:
        return []
    points = _numbers([[corner.get("x"), corner.get("y")] for corner in corners], "a line")
    points = points - middle(points.min(axis=0), points.max(axis=0))
    return [_dot_or_stroke(points)]


def _read_polygon(item: Mapping[str, Any]) -> list[Points]:
    """A closed line through points."""
    return [np.concatenate([points, points[:1]]) if len(points) > 1 else points for points in _read_polyline(item)]


def _read_circle(item: Mapping[str, Any]) -> list[Points]:
    """A point for a small circle, its outline for a large one."""
    radius = _number(item, "radius", 0.0)
    if radius <= POINT_RADIUS:
        return [np.zeros((1, 2))]
    turns = np.linspace(0, 2 * np.pi, 65)
    return [radius * np.stack([np.cos(turns), np.sin(turns)], axis=1)]


_READERS = {
    "path": _read_path,
    "line": _read_line,
    "polyline": _read_polyline,
    "polygon": _read_polygon,
    "circle": _read_circle,
}
