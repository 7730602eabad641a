"""Every printed glyph → handwritten strokes: ``python -m tools.starter.trace``.

Writes ``extexify/catalog/data/skeletons.json`` from ``extexify/catalog/data/glyphs.json``.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.measure import approximate_polygon, find_contours
from skimage.morphology import convex_hull_image, skeletonize

from extexify.catalog.lookalikes import look_alike_groups
from extexify.catalog.symbols import all_glyphs
from extexify.core.processes import available_cores
from tools.catalog.files import DATA, named_keys, write_lines
from tools.starter.graph import Path as Stroke
from tools.starter.graph import Picture, strokes_of

SIDE = 400  # pixels of a glyph's longer side
PAD = 12
GRID = 250  # the longer side in the file
TOLERANCE = 0.9  # pixels by which a simplified line may leave the true one

# Lines are up to a tenth of a glyph wide on either side; what is wider, on a scale that leaves commas out, is an
# area, and people draw its edge.
AREA_PART, AREA_UNITS = 0.115, 62
# An isolated round piece of ink this small is a dot: parts of the longer side.
DOT_PART = 0.2


# People fill areas without dents; of a club or a bat they draw the edge only. Part of the convex hull.
FILLED_PART = 0.94
# A serif: how long it may be and how far it may lie off a level line, and where a stem may end on it.
SERIF_PART, LEVEL_PART = 0.45, 0.06
# Corrections of the rules, from the sheets: areas that people draw as lines, and lines that they draw as areas.
NEVER_AREAS = {"marvosym-OT1-_MVRightarrow"}
ALWAYS_AREAS = {
    "amssymb-OT1-_maltese",
    "latex2e-OT1-_star",
    "marvosym-OT1-_Bat",
    "tipa-OT1-_textlengthmark",
    "wasysym-OT1-_kreuz",
}
# Pictures and foreign shapes have bars that belong to them.
WITHOUT_SERIFS = ("marvosym-", "cmll-", "upgreek-OT1-_upzeta")


@dataclass
class Skeleton:
    """The parts of a glyph: open or closed lines, dots (lines of one point), the edges of filled areas, and serifs."""

    lines: list[Stroke] = field(default_factory=list)
    areas: list[Stroke] = field(default_factory=list)
    serifs: list[Stroke] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--new", action="store_true", help="only the glyphs of symbols that have no skeleton yet")
    file = DATA / "skeletons.json"
    stored = json.loads(file.read_text(encoding="utf-8")) if parser.parse_args().new else {}
    named = named_keys()
    # A symbol that prints like others has the skeleton of one of them.
    first_of = {
        key: min(group, key=lambda other: (other not in named, other))
        for group in look_alike_groups("prints")
        for key in group
        if key not in named
    }
    shapes = [key for key in all_glyphs() if first_of.get(key, key) == key]
    keys = [key for key in shapes if not isinstance(stored.get(key), dict)]
    with ProcessPoolExecutor(available_cores()) as pool:
        traced = dict(zip(keys, pool.map(_traced, keys, chunksize=16), strict=True))
    skeletons = {key: traced.get(key) or stored[key] for key in shapes}
    write_lines(file, {key: skeletons.get(key) or first_of[key] for key in all_glyphs()})
    print(f"{len(skeletons)} skeletons, {len(traced)} of them new, {file.stat().st_size:,} bytes")


def _traced(key: str) -> dict[str, list[list[int]]]:
    return encoded(trace(key, all_glyphs()[key]))


def trace(key: str, glyph: dict[str, Any]) -> Skeleton:
    """The skeleton of a glyph, in pixels of its picture."""
    picture, scale = picture_of(glyph)
    skeleton = Skeleton()
    pieces, count = ndimage.label(picture, structure=np.ones((3, 3), int))
    for number in range(1, count + 1):
        piece = pieces == number
        if key in ALWAYS_AREAS:
            _trace_area(piece, skeleton)
            continue
        limit = np.inf if key in NEVER_AREAS else max(AREA_PART * SIDE, AREA_UNITS * scale)
        _trace_piece(piece, scale, limit, skeleton)
    if not skeleton.lines + skeleton.areas + skeleton.serifs:
        # Ink so thin or torn that nothing of it is left as a line: its edges.
        skeleton.lines = [simplified(contour[:, ::-1]) for contour in find_contours(picture.astype(float), 0.5)]
    if key.startswith(WITHOUT_SERIFS):
        skeleton.lines += skeleton.serifs
        skeleton.serifs = []
    skeleton.lines.sort(key=lambda line: line[:, 0].min() + line[:, 1].min())
    return skeleton


def picture_of(glyph: dict[str, Any]) -> tuple[Picture, float]:
    """The glyph's ink, and the pixels of one of its units."""
    left, top, right, bottom = glyph["box"]
    scale = SIDE / max(right - left, bottom - top)
    width, height = (round((end - start) * scale) + 2 * PAD for start, end in ((left, right), (top, bottom)))
    paths = "".join(f'<path d="{d}"/>' for d in glyph["ink"])
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">'
        f'<rect width="100%" height="100%" fill="#fff"/>'
        f'<g transform="translate({PAD - scale * left} {PAD - scale * top}) scale({scale})">{paths}</g></svg>'
    )
    png = subprocess.run(["rsvg-convert"], input=svg.encode(), capture_output=True, check=True).stdout
    return np.asarray(Image.open(io.BytesIO(png)).convert("L")) < 128, scale


def _trace_piece(piece: Picture, scale: float, limit: float, skeleton: Skeleton) -> None:
    """Add the strokes of one connected piece of ink; what is more than `limit` pixels from its edge is an area."""
    rows, columns = np.nonzero(piece)
    width, height = np.ptp(columns) + 1, np.ptp(rows) + 1
    centre = np.array([[columns.mean(), rows.mean()]])
    half_width = ndimage.distance_transform_edt(piece)
    thickest = half_width.max()
    fills = len(rows) > 0.6 * width * height
    small = max(width, height) < DOT_PART * SIDE
    alone_small = max(width, height) < 140 * scale
    if fills and max(width, height) < 1.5 * min(width, height) and (small or alone_small):
        skeleton.lines.append(centre)
        return
    if thickest > limit:
        core = ndimage.distance_transform_edt(half_width <= limit) < limit  # what is wider than a line
        core &= piece
        inside = half_width > 6
        if core.sum() > 0.75 * piece.sum():
            _trace_area(piece, skeleton)
            return
        # An area with lines at it: drawn as its edge, to which the lines join.
        piece = piece & ~(core & inside)
        half_width = ndimage.distance_transform_edt(piece)
    lines = [simplified(stroke) for stroke in strokes_of(skeletonize(piece), half_width)]
    for number, line in enumerate(lines):
        other_lines = lines[:number] + lines[number + 1 :]
        (skeleton.serifs if _is_serif(line, other_lines) else skeleton.lines).append(line)


def _trace_area(piece: Picture, skeleton: Skeleton) -> None:
    filled = piece.sum() > FILLED_PART * convex_hull_image(piece).sum()
    (skeleton.areas if filled else skeleton.lines).extend(_edges(piece))


def _is_serif(line: Stroke, other_lines: list[Stroke]) -> bool:
    """Whether this is a short level line on whose middle a longer upright one ends, which people mostly leave out."""
    width, height = np.ptp(line, axis=0)
    if not 2 * height < width <= SERIF_PART * SIDE:
        return False
    left, level = line[:, 0].min(), line[:, 1].mean()
    sides = set()
    for other in other_lines:
        for end, before in ((other[0], other[1]), (other[-1], other[-2])):
            upright = abs(end[1] - before[1]) > abs(end[0] - before[0]) and np.ptp(other[:, 1]) > 1.3 * width
            if abs(end[1] - level) < LEVEL_PART * SIDE and 0.15 < (end[0] - left) / width < 0.85:
                sides.add((upright, bool(other[:, 1].mean() > level)))
    # Lines on both sides mean a bar across.
    return len(sides) == 1 and next(iter(sides))[0]


def _edges(piece: Picture) -> list[Stroke]:
    """The closed outlines of an area, outer and inner ones."""
    contours = find_contours(piece.astype(float), 0.5)
    return [simplified(contour[:, ::-1]) for contour in contours if len(contour) > 40]


def simplified(stroke: Stroke) -> Stroke:
    """A line smoothed from its pixels and reduced to the points within TOLERANCE."""
    closed = len(stroke) > 8 and bool(np.allclose(stroke[0], stroke[-1]))
    even = _evenly(stroke)
    if len(even) > 5:
        smooth = ndimage.gaussian_filter1d(
            even[:-1] if closed else even, 2.0, axis=0, mode="wrap" if closed else "nearest"
        )
        if not closed:
            smooth[0], smooth[-1] = even[0], even[-1]
        even = np.vstack([smooth, smooth[:1]]) if closed else smooth
    return np.asarray(approximate_polygon(even, TOLERANCE))


def _evenly(stroke: Stroke) -> Stroke:
    """Points one pixel apart along the line."""
    lengths = np.r_[0, np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))]
    at = np.linspace(0, lengths[-1], max(int(lengths[-1]) + 1, 2))
    return np.column_stack([np.interp(at, lengths, stroke[:, axis]) for axis in (0, 1)])


def encoded(skeleton: Skeleton) -> dict[str, list[list[int]]]:
    """Whole numbers from 0 to `GRID` on the longer side, each line flat: x, y, x, y, …"""
    everything = np.vstack(skeleton.lines + skeleton.areas + skeleton.serifs)
    low = everything.min(axis=0)
    extent = np.ptp(everything, axis=0).max()
    scale = GRID / extent if extent else 0.0

    def flat(lines: list[Stroke]) -> list[list[int]]:
        return [[round(value) for value in ((line - low) * scale).ravel().tolist()] for line in lines]

    parts = {"lines": flat(skeleton.lines), "areas": flat(skeleton.areas), "serifs": flat(skeleton.serifs)}
    return {name: lines for name, lines in parts.items() if lines}


if __name__ == "__main__":
    main()
