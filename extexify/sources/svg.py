"""SVG: every path or line of a picture is a stroke. https://www.w3.org/TR/SVG11/paths.html"""

from __future__ import annotations

import math
import re
from collections.abc import Generator, Iterator

import numpy as np
from numpy.typing import NDArray

from extexify.catalog.labels import key_of_label
from extexify.drawing.strokes import MAX_POINTS, strokes_json
from extexify.sources.base import Row, SourceError, content_id
from extexify.sources.markup import Event, events
from extexify.sources.streams import TextFile

_CURVE_POINTS = 16
"""Points of a curve or of a quarter of an ellipse."""

_HIDDEN = {"defs", "clipPath", "mask", "marker", "pattern", "symbol"}
"""Elements that are not drawn by themselves."""

_ARGUMENTS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7, "Z": 0}
"""How many numbers a path command takes."""

_COMMAND = re.compile(r"[\s,]*([MmLlHhVvCcSsQqTtAaZz])")
_NUMBER = re.compile(r"[\s,]*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")
_FLAG = re.compile(r"[\s,]*([01])")
_TRANSFORM = re.compile(r"(matrix|translate|scale|rotate|skewX|skewY)\s*\(([^()]*)\)")

Points = NDArray[np.float64]


def svg_rows(file: TextFile, head: bytes) -> Generator[Row]:
    """The picture as one drawing, whose label is the picture's title if that is one of a symbol.

    `head` is the file's beginning. Raises `SourceError` for a file that is not well-formed.
    """
    strokes: list[Points] = []
    transforms = [np.eye(3)]
    hidden = 0
    title = None
    count = 0
    for event in events(file, head):
        if event.kind == "end":
            transforms.pop()
            hidden -= event.name in _HIDDEN
            if event.name == "title":
                title = title or event.text.strip()
            continue
        hidden += event.name in _HIDDEN
        try:
            transforms.append(transforms[-1] @ _transform(event.attributes.get("transform", "")))
            added = [] if hidden else [_transformed(stroke, transforms[-1]) for stroke in _strokes(event)]
        except ValueError as error:
            raise SourceError(f"{file.name} is damaged: {error}; export it again") from None
        strokes += added
        count += sum(map(len, added))
        if count > MAX_POINTS:
            yield Row(0, title, None, oversized=True)
            return
    if strokes:
        label = title if title and key_of_label(title) else None
        text = strokes_json(strokes)
        yield Row(content_id(label, text), label, text)


def _transformed(points: Points, matrix: Points) -> Points:
    return points @ matrix[:2, :2].T + matrix[:2, 2]


def _transform(text: str) -> Points:
    """The matrix (3, 3) of a transform attribute. Raises ValueError."""
    matrix = np.eye(3)
    for name, arguments in _TRANSFORM.findall(text):
        numbers = [float(number) for number in re.split(r"[\s,]+", arguments.strip()) if number]
        matrix = matrix @ _matrix(name, numbers)
    return matrix


def _matrix(name: str, numbers: list[float]) -> Points:
    first, second = [*numbers, 0.0, 0.0][:2]
    match name, len(numbers):
        case "matrix", 6:
            a, b, c, d, e, f = numbers
        case "translate", 1 | 2:
            a, b, c, d, e, f = 1, 0, 0, 1, first, second
        case "scale", 1 | 2:
            a, b, c, d, e, f = first, 0, 0, second if len(numbers) == 2 else first, 0, 0
        case "rotate", 1 | 3:
            sine, cosine = math.sin(math.radians(first)), math.cos(math.radians(first))
            x, y = numbers[1:] or (0.0, 0.0)
            a, b, c, d = cosine, sine, -sine, cosine
            e, f = x - cosine * x + sine * y, y - sine * x - cosine * y
        case "skewX", 1:
            a, b, c, d, e, f = 1, 0, math.tan(math.radians(first)), 1, 0, 0
        case "skewY", 1:
            a, b, c, d, e, f = 1, math.tan(math.radians(first)), 0, 1, 0, 0
        case _:
            raise ValueError(f"a transform {name} has {len(numbers)} numbers")
    return np.array([[a, c, e], [b, d, f], [0, 0, 1]], float)


def _strokes(event: Event) -> Iterator[Points]:
    """The strokes of an element. Raises ValueError."""

    def number(name: str) -> float:
        found = _NUMBER.match(event.attributes.get(name) or "0")
        if found is None:
            raise ValueError(f"{name} of an element {event.name} is no number")
        return float(found[1])

    if event.name == "path":
        yield from path_strokes(event.attributes.get("d", ""))
    elif event.name in ("polyline", "polygon"):
        close = "z" if event.name == "polygon" else ""
        yield from path_strokes(
            f"M{event.attributes.get('points', '')}{close}" if event.attributes.get("points") else ""
        )
    elif event.name == "line":
        yield np.array([[number("x1"), number("y1")], [number("x2"), number("y2")]])
    elif event.name == "rect":
        x, y, width, height = map(number, ("x", "y", "width", "height"))
        yield np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height], [x, y]])
    elif event.name in ("circle", "ellipse"):
        across, along = (number("r"), number("r")) if event.name == "circle" else (number("rx"), number("ry"))
        angles = np.linspace(0, 2 * np.pi, 4 * _CURVE_POINTS + 1)
        yield np.stack([number("cx") + across * np.cos(angles), number("cy") + along * np.sin(angles)], axis=1)


def path_strokes(data: str) -> list[Points]:
    """The strokes (n, 2) of a path's data, curves as lines between points on them. Raises ValueError."""
    strokes: list[Points] = []
    course: list[Points] = []  # of the current subpath
    start = at = np.zeros(2)
    control: tuple[str, Points] = "", at  # the kind of the last curve and its last control point
    for command, numbers in _commands(data):
        kind = command.upper()
        relative = command.islower()
        values = np.array(numbers)
        if kind == "Z":
            course.append(start[None])
            at = start
        elif kind == "A":
            end = values[5:] + at * relative
            course.append(_arc(at, *numbers[:5], end))  # type: ignore[arg-type, call-arg]
            at = end
        elif kind in "HV":
            axis = "HV".index(kind)
            at = at.copy()
            at[axis] = values[0] + at[axis] * relative
            course.append(at[None])
        else:
            points = values.reshape(-1, 2) + at * relative
            if kind == "M":
                if course:
                    strokes.append(np.concatenate(course))
                start, course = points[0], [points]
            elif kind == "L":
                course.append(points)
            else:
                if kind in "ST":
                    mirrored = 2 * at - control[1] if control[0] in ("CS" if kind == "S" else "QT") else at
                    points = np.concatenate([mirrored[None], points])
                course.append(_bezier(np.concatenate([at[None], points])))
                control = kind, points[-2]
            at = points[-1]
        if kind not in "CSQT":
            control = "", at
    if course:
        strokes.append(np.concatenate(course))
    return strokes


def _commands(data: str) -> Iterator[tuple[str, list[float]]]:
    """The commands of a path with their numbers; a repeated command may be left out in the text. Raises ValueError."""
    position, command = 0, ""
    data = data.rstrip(" \t\r\n,")
    while position < len(data):
        if match := _COMMAND.match(data, position):
            command, position = match[1], match.end()
        elif command in "Zz":
            raise ValueError(f"a path's data has no command at {data[position : position + 20]!r}")
        elif command in "Mm":
            command = "L" if command == "M" else "l"  # further points of a move are lines
        kind = command.upper()
        numbers = []
        for number in range(_ARGUMENTS[kind]):
            match = (_FLAG if kind == "A" and number in (3, 4) else _NUMBER).match(data, position)
            if match is None:
                raise ValueError(f"a path's data has no number at {data[position : position + 20]!r}")
            numbers.append(float(match[1]))
            position = match.end()
        yield command, numbers


def _bezier(points: Points) -> Points:
    """Points (n, 2) on a quadratic or cubic curve with these control points, without the first (de Casteljau)."""
    share = np.linspace(0, 1, _CURVE_POINTS + 1)[1:, None, None]
    layer = np.broadcast_to(points, (_CURVE_POINTS, *points.shape))
    while layer.shape[1] > 1:
        layer = layer[:, :-1] * (1 - share) + layer[:, 1:] * share
    return layer[:, 0]


def _arc(start: Points, rx: float, ry: float, turn: float, large: float, sweep: float, end: Points) -> Points:
    """Points (n, 2) on an elliptical arc, without the first: SVG 1.1, appendix F.6.5, center parameterization."""
    rx, ry = abs(rx), abs(ry)
    if not rx or not ry or (start == end).all():
        return end[None]
    angle = math.radians(turn)
    axes = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    x, y = axes @ (start - end) / 2
    reach = (x / rx) ** 2 + (y / ry) ** 2
    if reach > 1:  # radii that are too small for the distance are enlarged
        rx, ry = rx * math.sqrt(reach), ry * math.sqrt(reach)
    square = max((rx * ry) ** 2 / ((rx * y) ** 2 + (ry * x) ** 2) - 1, 0.0)
    center = (1 if large != sweep else -1) * math.sqrt(square) * np.array([rx * y / ry, -ry * x / rx])
    first = math.atan2((y - center[1]) / ry, (x - center[0]) / rx)
    last = math.atan2((-y - center[1]) / ry, (-x - center[0]) / rx)
    if sweep and last < first:
        last += 2 * math.pi
    elif not sweep and last > first:
        last -= 2 * math.pi
    angles = np.linspace(first, last, _CURVE_POINTS + 1)[1:]
    ellipse = np.stack([rx * np.cos(angles), ry * np.sin(angles)], axis=1) + center
    return ellipse @ axes + (start + end) / 2
