"""Conversion between drawings and the JSON of Fabric.js, the library behind the canvas component.

The JSON is a list of objects (a pen stroke is a `Path`), each with its own coordinates and a transformation. A drawing
holds the positions of the pen in canvas pixels, as the training data do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple, cast

import numpy as np

from extexify.drawing.strokes import (
    MAX_ABS_COORDINATE,
    MAX_DRAWN_POINTS,
    MAX_DRAWN_STROKES,
    BadDrawing,
    Drawing,
)
from extexify.ui.draw.paths import ARGUMENTS, Commands, Paths

MAX_DEPTH = 8
"""Nested groups that are accepted; the canvas component itself makes none."""

MAX_OBJECTS = MAX_DRAWN_STROKES
"""Objects that are accepted, including invisible ones and groups: the pen makes one a stroke."""

MAX_COMMANDS = MAX_DRAWN_POINTS + MAX_DRAWN_STROKES
"""Path commands that are accepted: the pen makes one more than points."""

POINT_RADIUS = 10.0
"""A circle up to this radius is a point, a larger one an outline."""

_ORIGINS = {"left": -0.5, "top": -0.5, "center": 0.0, "right": 0.5, "bottom": 0.5}
_CIRCLE = [(math.cos(turn), math.sin(turn)) for turn in np.linspace(0, 2 * np.pi, 65).tolist()]


class _Transform(NamedTuple):
    """x′ = xx x + xy y + x, y′ = yx x + yy y + y."""

    xx: float = 1.0
    xy: float = 0.0
    yx: float = 0.0
    yy: float = 1.0
    x: float = 0.0
    y: float = 0.0

    def after(self, first: _Transform) -> _Transform:
        """This transformation after another one."""
        xx, xy, yx, yy, x, y = first
        return _Transform(
            self.xx * xx + self.xy * yx,
            self.xx * xy + self.xy * yy,
            self.yx * xx + self.yy * yx,
            self.yx * xy + self.yy * yy,
            self.xx * x + self.xy * y + self.x,
            self.yx * x + self.yy * y + self.y,
        )


def drawing_from_canvas(json_data: object) -> Drawing:
    """The strokes on the canvas, in the order in which they were drawn, in canvas pixels.

    `json_data` is the attribute of the same name that `st_canvas` returns. A pen stroke becomes the positions of the
    pen (see `Paths.strokes`), any other curve is sampled; a tap becomes a stroke of one point. Moved, scaled, rotated,
    skewed, flipped and grouped objects are transformed; invisible ones are left out. An empty canvas is an empty list.
    Raises `BadDrawing` for JSON that the canvas component doesn't produce, and for more than hands can draw.
    """
    if json_data is None:
        return []
    canvas = _Canvas()
    canvas.read(json_data, _Transform(), 0)
    if not canvas.paths:
        return []
    paths = Paths(canvas.paths)
    points, starts, path_of = paths.strokes()
    low, high = paths.boxes()
    lengths = np.diff(starts, append=len(points))
    x, y = (points - np.repeat(((low + high) / 2)[path_of], lengths, axis=0)).T
    xx, xy, yx, yy, left, top = np.repeat(np.array(canvas.transforms)[path_of], lengths, axis=0).T
    with np.errstate(all="ignore"):  # of coordinates that are refused
        placed = np.stack([xx * x + xy * y + left, yx * x + yy * y + top], axis=1)
    # Also False for NaN.
    if not (np.abs(placed) <= MAX_ABS_COORDINATE).all():
        raise BadDrawing("out of range", f"the canvas sent a coordinate beyond ±{MAX_ABS_COORDINATE:g}")
    return np.split(placed.astype(np.float32), starts[1:])


def canvas_from_drawing(drawing: Drawing, *, color: str, stroke_width: float) -> dict[str, Any]:
    """The canvas JSON that shows `drawing` (canvas pixels), for `st_canvas(initial_drawing=…)`.

    The strokes become the paths that the pen would have made, so they look and behave like drawn ones, and
    `drawing_from_canvas` gives back the same points (a stroke of equal points comes back as one point).
    """
    if not drawing:
        return {"objects": []}
    paths = [_pen_path(stroke.astype(np.float64).tolist(), stroke_width / 1000) for stroke in drawing]
    low, high = Paths(paths).boxes()
    places = np.concatenate([(low + high) / 2, high - low], axis=1).tolist()
    return {
        "objects": [
            {
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
            for path, (left, top, width, height) in zip(paths, places, strict=True)
        ]
    }


def _pen_path(points: list[list[float]], nudge: float) -> Commands:
    """The path that Fabric's brush makes of a stroke: a smooth curve through the midpoints; for a tap a short line."""
    if len(points) == 1:
        x, y = points[0]
        return [["M", x - nudge, y], ["L", x + nudge, y]]
    curves = [["Q", x, y, (x + next_x) / 2, (y + next_y) / 2] for (x, y), (next_x, next_y) in pairwise(points)]
    return [["M", *points[0]], *curves, ["L", *points[-1]]]


class _Canvas:
    """Collects the paths of the objects on a canvas: their commands, and their transformations to canvas pixels."""

    def __init__(self) -> None:
        self.paths: list[Commands] = []
        self.transforms: list[_Transform] = []
        self._objects = self._commands = 0

    def read(self, holder: object, outer: _Transform, depth: int) -> None:
        """Add the objects in a canvas or a group; `outer` transforms their coordinates to canvas pixels."""
        if depth > MAX_DEPTH:
            raise BadDrawing("not JSON", f"the canvas sent groups nested over {MAX_DEPTH} deep")
        objects = _list_of_objects(holder)
        self._objects += len(objects)
        if self._objects > MAX_OBJECTS:
            raise BadDrawing("too many points", f"the canvas sent over {MAX_OBJECTS:,} objects")
        for item in objects:
            if not isinstance(item, Mapping):
                raise BadDrawing("not JSON", "the canvas sent an object that is none")
            if item.get("visible") is False:
                continue
            kind = item.get("type")
            kind = kind.lower() if isinstance(kind, str) else ""
            if kind == "group":
                self.read(item, outer.after(_transform(item)), depth + 1)
            elif kind in _READERS:
                path = _READERS[kind](item)
                self._commands += len(path)
                if self._commands > MAX_COMMANDS:
                    raise BadDrawing("too many points", f"the drawing has over {MAX_DRAWN_POINTS:,} points")
                if path:
                    self.paths.append(path)
                    self.transforms.append(outer.after(_transform(item)))
            else:
                raise BadDrawing("not JSON", f"the canvas holds an object of type {kind[:40]!r}, which is no stroke")


def _list_of_objects(holder: object) -> list[Any]:
    """The objects in a canvas or a group."""
    objects = holder.get("objects", []) if isinstance(holder, Mapping) else None
    if not isinstance(objects, list):
        raise BadDrawing("not JSON", "the canvas sent something other than a list of objects")
    return objects


def _transform(item: Mapping[str, Any]) -> _Transform:
    """The transformation from an object's coordinates, relative to its centre, to its parent's."""
    xx = _number(item, "scaleX", 1.0) * (-1 if item.get("flipX") is True else 1)
    yy = _number(item, "scaleY", 1.0) * (-1 if item.get("flipY") is True else 1)
    xy = yx = 0.0
    if skew := _number(item, "skewX", 0.0):
        xy = xx * math.tan(math.radians(skew))
    if skew := _number(item, "skewY", 0.0):
        slope = math.tan(math.radians(skew))
        xx, yx = xx + xy * slope, yy * slope
    angle = math.radians(_number(item, "angle", 0.0))
    turn = _Transform(math.cos(angle), -math.sin(angle), math.sin(angle), math.cos(angle))
    turned = turn.after(_Transform(xx, xy, yx, yy))
    # `left` and `top` name an edge or the centre, and the edge includes the line's width.
    line = _number(item, "strokeWidth", 0.0)
    inner, outer = (0.0, line) if item.get("strokeUniform") is True else (line, 0.0)
    width, height = _number(item, "width", 0.0) + inner, _number(item, "height", 0.0) + inner
    to_edge = turn.after(
        _Transform(
            x=_origin(item, "originX") * (abs(xx) * width + abs(xy) * height + outer),
            y=_origin(item, "originY") * (abs(yx) * width + abs(yy) * height + outer),
        )
    )
    left, top = _number(item, "left", 0.0), _number(item, "top", 0.0)
    return turned._replace(x=left - to_edge.x, y=top - to_edge.y)


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


def _read_path(item: Mapping[str, Any]) -> Commands:
    path = item.get("path")
    if not isinstance(path, list) or len(path) > MAX_COMMANDS:
        raise BadDrawing("not JSON", "the canvas sent a path that is no list of commands")
    for command in path:
        if not isinstance(command, list) or not command or not isinstance(command[0], str):
            raise BadDrawing("not JSON", "the canvas sent a path with something other than commands")
        if ARGUMENTS.get(command[0]) != len(command) - 1:
            raise BadDrawing("not JSON", f"the canvas sent an unknown path command {command[0][:10]!r}")
    if path and path[0][0] != "M":
        raise BadDrawing("not JSON", "the canvas sent a path that starts nowhere")
    return cast("Commands", path)


def _read_line(item: Mapping[str, Any]) -> Commands:
    return _through([(_number(item, f"x{end}", 0.0), _number(item, f"y{end}", 0.0)) for end in (1, 2)])


def _read_polyline(item: Mapping[str, Any]) -> Commands:
    corners = item.get("points")
    if not isinstance(corners, list) or len(corners) > MAX_COMMANDS:
        raise BadDrawing("not JSON", "the canvas sent a line that is no list of points")
    if not all(isinstance(corner, Mapping) for corner in corners):
        raise BadDrawing("not JSON", "the canvas sent a line with something other than points")
    return _through([(corner.get("x"), corner.get("y")) for corner in corners])


def _read_polygon(item: Mapping[str, Any]) -> Commands:
    path = _read_polyline(item)
    return [*path, ["Z"]] if len(path) > 1 else path


def _read_circle(item: Mapping[str, Any]) -> Commands:
    """A point for a small circle, its outline for a large one."""
    radius = _number(item, "radius", 0.0)
    return _through([(0.0, 0.0)] if radius <= POINT_RADIUS else [(radius * x, radius * y) for x, y in _CIRCLE])


def _through(points: Iterable[tuple[Any, Any]]) -> Commands:
    """The path of straight lines through points."""
    path = [["L", x, y] for x, y in points]
    if path:
        path[0][0] = "M"
    return path


_READERS: dict[str, Callable[[Mapping[str, Any]], Commands]] = {
    "path": _read_path,
    "line": _read_line,
    "polyline": _read_polyline,
    "polygon": _read_polygon,
    "circle": _read_circle,
}
"""For each type of object, the function that makes its path."""
