"""Outlines: SVG paths of dvisvgm → whole numbers on one scale, in short form.

One unit is a thousandth of the type size (10 TeX points = 1000), x to the right, y down, the baseline at y = 0.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

UNITS_PER_BIG_POINT = 1000 / (10 * 72 / 72.27)

Point = tuple[int, int]
# A command letter (M, L, C, Q or Z, absolute) with its points, the last one being where the pen ends up.
Segment = tuple[str, tuple[Point, ...]]
Path = tuple[Segment, ...]

_TOKEN = re.compile(r"[A-Za-z]|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_ARGUMENTS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "Z": 0}


@dataclass
class Outline:
    """The paths of a symbol, and those of the placeholder it is printed with (shown lighter)."""

    ink: list[Path] = field(default_factory=list)
    placeholder: list[Path] = field(default_factory=list)

    def has_ink(self) -> bool:
        if not self.ink:
            return False
        left, top, right, bottom = self.box()
        return right > left and bottom > top

    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of everything that is shown, in units."""
        points = [point for path in self.ink + self.placeholder for point in flattened(path)]
        xs, ys = zip(*points, strict=True)
        return round(min(xs)), round(min(ys)), round(max(xs)), round(max(ys))

    def nearly_equals(self, other: Outline) -> bool:
        """Whether these are equal glyphs up to rounding and position on the page."""
        if [[kind for kind, _ in path] for path in self.ink] != [[kind for kind, _ in path] for path in other.ink]:
            return False
        (left, top, right, bottom), (left2, top2, right2, bottom2) = self.box(), other.box()
        return abs((right - left) - (right2 - left2)) <= 3 and abs((bottom - top) - (bottom2 - top2)) <= 3

    def scaled(self, factor: float) -> Outline:
        def scaled(path: Path) -> Path:
            return tuple(
                (kind, tuple((round(x * factor), round(y * factor)) for x, y in points)) for kind, points in path
            )

        return Outline([scaled(path) for path in self.ink], [scaled(path) for path in self.placeholder])


def outline_from_svg(root: ElementTree.Element) -> Outline:
    """The outline on one page. Anything coloured is the placeholder."""
    outline = Outline()
    _collect(root, coloured=False, outline=outline)
    return outline


def _collect(element: ElementTree.Element, *, coloured: bool, outline: Outline) -> None:
    if element.get("transform"):
        raise ValueError("an outline with a transform: dvisvgm is expected to write plain coordinates")
    coloured = coloured or element.get("fill") not in (None, "#000")
    tag = element.tag.rpartition("}")[2]
    target = outline.placeholder if coloured else outline.ink
    if tag == "path":
        path = _parse_path(element.attrib["d"])
        if len(path) > 1:  # the outline of a space is empty
            target.append(path)
    elif tag == "rect":
        x, y, width, height = (float(element.attrib[name]) for name in ("x", "y", "width", "height"))
        target.append(_parse_path(f"M{x} {y}V{y + height}H{x + width}V{y}Z"))
    for child in element:
        _collect(child, coloured=coloured, outline=outline)


def _parse_path(d: str) -> Path:
    tokens = _TOKEN.findall(d)
    position = 0
    x = y = start_x = start_y = 0.0
    handle: tuple[float, float] | None = None  # the last control point, which S and T mirror
    segments: list[Segment] = []
    letter = ""
    while position < len(tokens):
        if tokens[position].isalpha():
            letter = tokens[position]
            position += 1
            if letter not in _ARGUMENTS:
                raise ValueError(f"unexpected path command {letter!r}")
        elif letter == "M":
            letter = "L"  # more points after a moveto are lines
        count = _ARGUMENTS[letter]
        numbers = [float(token) for token in tokens[position : position + count]]
        position += count
        if letter == "Z":
            x, y, handle = start_x, start_y, None
            segments.append(("Z", ()))
            continue
        if letter == "H":
            points = [(numbers[0], y)]
        elif letter == "V":
            points = [(x, numbers[0])]
        else:
            points = list(zip(numbers[::2], numbers[1::2], strict=True))
        kind = {"H": "L", "V": "L", "S": "C", "T": "Q"}.get(letter, letter)
        if letter in "ST":
            mirrored = (2 * x - handle[0], 2 * y - handle[1]) if handle else (x, y)
            points.insert(0, mirrored)
        handle = points[-2] if kind in "CQ" else None
        x, y = points[-1]
        if kind == "M":
            start_x, start_y = x, y
        segments.append((kind, tuple(_rounded(point) for point in points)))
    return tuple(segments)


def _rounded(point: tuple[float, float]) -> Point:
    return round(point[0] * UNITS_PER_BIG_POINT), round(point[1] * UNITS_PER_BIG_POINT)


def short_path(path: Path) -> str:
    """The shortest ``d`` of an SVG path, in relative coordinates."""
    parts: list[str] = []
    x = y = start_x = start_y = 0
    last = ""
    for kind, points in path:
        if kind == "Z":
            parts.append("z")
            x, y, last = start_x, start_y, "z"
            continue
        end_x, end_y = points[-1]
        if kind == "L" and (end_x, end_y) == (x, y):
            continue
        if kind == "L" and end_y == y:
            letter, numbers = "h", [end_x - x]
        elif kind == "L" and end_x == x:
            letter, numbers = "v", [end_y - y]
        else:
            letter, numbers = kind.lower(), [value for px, py in points for value in (px - x, py - y)]
        text = "".join(f"{number}" if number < 0 else f" {number}" for number in numbers)
        # A letter is left out where it repeats, except after a moveto, where numbers would mean a line.
        parts.append(text if letter == last != "m" else letter + text.lstrip())
        x, y, last = end_x, end_y, letter
        if kind == "M":
            start_x, start_y = x, y
    return "".join(parts)


def flattened(path: Path, *, steps: int = 8) -> Iterator[tuple[float, float]]:
    """Points along the path: the ends of lines, and ``steps`` points on each curve."""
    for contour in contours(path, steps=steps):
        yield from contour


def contours(path: Path, *, steps: int = 8) -> Iterator[list[tuple[float, float]]]:
    """The closed contours of the path as polygons, curves cut into ``steps`` lines."""
    contour: list[tuple[float, float]] = []
    for kind, points in path:
        if kind == "M":
            if len(contour) > 1:
                yield contour
            contour = [points[0]]
        elif kind == "L":
            contour.append(points[0])
        elif kind in "CQ":
            contour.extend(_curve([contour[-1], *points], steps))
    if len(contour) > 1:
        yield contour


def _curve(controls: list[tuple[float, float]], steps: int) -> Iterator[tuple[float, float]]:
    for step in range(1, steps + 1):
        t = step / steps
        level = controls
        while len(level) > 1:  # de Casteljau
            level = [((1 - t) * ax + t * bx, (1 - t) * ay + t * by) for (ax, ay), (bx, by) in pairwise(level)]
        yield level[0]
