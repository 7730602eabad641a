"""Glyphs of own symbols from files: an SVG or PNG file → outlines to show, and the lines that a pen would draw."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extexify.catalog.own import Glyph
from extexify.core.errors import UserError
from extexify.drawing.centre_lines import Mask, Points, centre_lines
from extexify.sources.base import SourceError, shown_path
from extexify.sources.open import open_source
from extexify.sources.rows import one_drawing

PIXELS = 240
"""Longer side of the picture whose ink is thinned."""

_TALL = 700  # the glyph's longer side, in thousandths of an em
_MAX_SIDE = 4_000  # pixels of a PNG
_PNG = b"\x89PNG\r\n\x1a\n"


def read_glyph(path: Path) -> Glyph:
    """The glyph in an SVG or PNG file: dark ink on a light or transparent ground.

    Raises `SourceError` for a file that is neither, or shows nothing.
    """
    try:
        with path.open("rb") as file:
            is_png = file.read(len(_PNG)) == _PNG
    except OSError as error:
        raise SourceError(f"{shown_path(path)} can't be read ({error.strerror})") from None
    return _of_png(path) if is_png else _of_svg(path)


def _of_svg(path: Path) -> Glyph:
    return outlined([stroke.astype(np.float64) for stroke in one_drawing(open_source(str(path)))], shown_path(path))


def outlined(outlines: list[Points], name: str, em: float | None = None) -> Glyph:
    """The glyph of closed outlines (n, 2), x right, y down; of lines of a pen, if one of them isn't closed.

    `em` is that of the type in their unit, with the baseline at y = 0; without it the glyph stands on the baseline, in
    a size that all such glyphs have. `name` is for messages. Raises `SourceError` if they show nothing.
    """
    everything = np.concatenate(outlines)
    low, high = everything.min(0), everything.max(0)
    side = float((high - low).max())
    if side <= 0:
        raise SourceError(f"{name} shows nothing")
    placed = [(outline - low) / side for outline in outlines]
    if any(np.hypot(*(outline[0] - outline[-1])) > 0.01 for outline in placed):
        # Lines of a pen, which have no inside.
        return _glyph("", placed, _box(low, high, em))
    scale, origin = (_TALL / side, np.array([low[0], high[1]])) if em is None else (1000 / em, np.zeros(2))
    in_em = [(outline - origin) * scale for outline in outlines]
    ink = "".join("M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in outline) + "Z" for outline in in_em)
    picture = filled([outline * PIXELS for outline in placed])
    return _glyph(ink, [line / PIXELS for line in centre_lines(picture)], _box(low, high, em))


def _box(low: NDArray[np.float64], high: NDArray[np.float64], em: float | None) -> tuple[int, int, int, int]:
    """Left, top, right and bottom, in thousandths of an em, of what reaches from `low` to `high`."""
    if em is not None:
        left, top, right, bottom = (round(float(edge) * 1000 / em) for edge in (*low, *high))
        return left, top, right, bottom
    wide, tall = (round(float(length) * _TALL) for length in (high - low) / (high - low).max())
    return 0, -tall, wide, 0


def _of_png(path: Path) -> Glyph:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(path.read_bytes()), formats=["PNG"]) as image:
            if max(image.size) > _MAX_SIDE:
                raise SourceError(f"{shown_path(path)} is larger than {_MAX_SIDE:,} pixels a side: make it smaller")
            shown = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA")).convert("L")
    except UserError:
        raise
    except Exception as error:  # for damaged files Pillow raises many kinds
        raise SourceError(f"{shown_path(path)} is no PNG picture ({' '.join(str(error).split())[:100]})") from None
    rows, columns = np.nonzero(np.asarray(shown) < 128)
    if not len(rows):
        raise SourceError(f"{shown_path(path)} has no dark ink on a light ground")
    cut = shown.crop((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
    scale = PIXELS / max(cut.size)
    size = max(round(cut.width * scale), 1), max(round(cut.height * scale), 1)
    ink = np.asarray(cut.resize(size, Image.Resampling.LANCZOS)) < 128
    if not ink.any():
        raise SourceError(f"{shown_path(path)} has too little ink")
    runs = "".join(
        f"M{x1 * _TALL / PIXELS:.0f} {y * _TALL / PIXELS - size[1] * _TALL / PIXELS:.1f}"
        f"h{(x2 - x1) * _TALL / PIXELS:.0f}v{_TALL / PIXELS:.1f}h-{(x2 - x1) * _TALL / PIXELS:.0f}z"
        for y, row in enumerate(ink)
        for x1, x2 in _runs(row)
    )
    return _glyph(runs, [line / PIXELS for line in centre_lines(ink)], _box(np.zeros(2), np.array(size, float), None))


def _glyph(ink: str, lines: list[Points], box: tuple[int, int, int, int]) -> Glyph:
    """A glyph with lines on a square of side 1."""
    if not lines:
        raise SourceError("the glyph has no lines that a pen could draw: give drawings of it")
    strokes = tuple(tuple((float(x), float(y)) for x, y in np.rint(line * 1000)) for line in lines)
    return Glyph(box, (ink,) if ink else (), strokes)


def filled(outlines: list[Points]) -> Mask:
    """The inside of closed outlines (n, 2), by the nonzero rule, at the centres of pixels: (H, W)."""
    high = np.ceil(np.concatenate(outlines).max(0)).astype(int) + 1
    edges = np.concatenate([np.stack([outline, np.roll(outline, -1, 0)], 1) for outline in outlines])
    inside = np.zeros((high[1], high[0]), bool)
    columns = np.arange(high[0]) + 0.5
    for row in range(high[1]):
        y = row + 0.5
        (x1, y1), (x2, y2) = edges[:, 0].T, edges[:, 1].T
        down, up = (y1 <= y) & (y2 > y), (y2 <= y) & (y1 > y)
        cut = down | up
        crossings = x1[cut] + (y - y1[cut]) * (x2[cut] - x1[cut]) / (y2[cut] - y1[cut])
        turns = np.where(down[cut], 1, -1)
        inside[row] = ((crossings[None] < columns[:, None]) * turns).sum(1) != 0
    return inside


def _runs(row: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Begin and end of the runs of ink in a row of pixels."""
    edges = np.flatnonzero(np.diff(np.r_[False, row, False].astype(np.int8)))
    return [(int(begin), int(end)) for begin, end in edges.reshape(-1, 2)]
