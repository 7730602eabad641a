"""Contact sheets for review by eye: ``python -m tools.starter.sheets OUT [--dataset DIR]`` writes PNG pages.

``skeleton-NN.png``: every skeleton over its glyph, each stroke in a colour, a ring where it starts.
``starter-NN.png``, with a dataset: real drawings of each symbol and, on a tint, starter drawings of it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from extexify.dataset.dataset import Dataset
from extexify.sources.starter import starter_drawings
from tools.catalog.files import DATA
from tools.starter.trace import PAD, picture_of

CELL = 140
COLUMNS, ROWS = 12, 10
DRAWINGS, SMALL = 7, 62  # drawings of either kind a symbol, and pixels of one
COLOURS = ("#d00", "#06c", "#080", "#c0c", "#b60", "#088", "#60c", "#660")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for the pages")
    parser.add_argument("--dataset", type=Path, help="an exported dataset of real drawings")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    glyphs = json.loads((DATA / "glyphs.json").read_text(encoding="utf-8"))
    skeletons = json.loads((DATA / "skeletons.json").read_text(encoding="utf-8"))
    cells = [_skeleton_cell(key, glyphs[key], skeletons[key]) for key in skeletons]
    pages = _write(options.out, "skeleton", cells, COLUMNS, ROWS)
    if options.dataset:
        dataset = Dataset.open(options.dataset)
        rows = [_drawings_row(key, label, dataset) for label, key in enumerate(dataset.classes) if key in skeletons]
        pages += _write(options.out, "starter", rows, 2, 25)
    print(f"{pages} pages in {options.out}")


def _write(out: Path, name: str, cells: Sequence[Image.Image], columns: int, rows: int) -> int:
    """Write the pages of these cells, all of one size; return how many there are."""
    width, height = cells[0].size
    starts = range(0, len(cells), columns * rows)
    for number, start in enumerate(starts, 1):
        page = Image.new("RGB", (columns * width, rows * height), "#fff")
        for place, cell in enumerate(cells[start : start + columns * rows]):
            page.paste(cell, (place % columns * width, place // columns * height))
        page.save(out / f"{name}-{number:02}.png")
    return len(starts)


def _skeleton_cell(key: str, glyph: dict[str, Any], skeleton: dict[str, list[list[int]]]) -> Image.Image:
    ink = picture_of(glyph)[0][PAD:-PAD, PAD:-PAD]
    factor = (CELL - 26) / max(ink.shape)
    width, height = (max(1, round(length * factor)) for length in ink.shape[::-1])
    corner = (CELL - width) // 2, 4
    shade = Image.fromarray(np.where(ink, 200, 255).astype(np.uint8)).resize((width, height), Image.Resampling.BOX)
    cell = Image.new("RGB", (CELL, CELL), "#fff")
    cell.paste(shade.convert("RGB"), corner)
    lines = [np.array(flat, float).reshape(-1, 2) for part in skeleton.values() for flat in part]
    low, high = np.vstack(lines).min(axis=0), np.vstack(lines).max(axis=0)
    # The file does not say where in the glyph its skeleton lies: in the middle, with half a line's width around it.
    scale = (max(width, height) - 8) / max(float((high - low).max()), 1)
    middle = np.array(corner) + np.array([width, height]) / 2
    pen = ImageDraw.Draw(cell)
    for number, line in enumerate(lines):
        points = (line - (low + high) / 2) * scale + middle
        _ring(pen, points[0], COLOURS[number % len(COLOURS)])
        pen.line([(x, y) for x, y in points.tolist()], fill=COLOURS[number % len(COLOURS)])
    pen.text((3, CELL - 12), key.split("-", 2)[2][:22], fill="#555")
    return cell


def _drawings_row(key: str, label: int, dataset: Dataset) -> Image.Image:
    """The symbol's name, `DRAWINGS` real drawings, and on a tint as many starter drawings."""
    row = Image.new("RGB", (110 + 2 * DRAWINGS * SMALL, SMALL), "#fff")
    pen = ImageDraw.Draw(row)
    pen.text((2, 20), key.split("-", 2)[2][:17], fill="#d00")
    pen.rectangle((110 + DRAWINGS * SMALL, 0, row.width, SMALL), fill="#fff4dd")
    real = [dataset.drawings[int(index)] for index in np.flatnonzero(dataset.labels == label)[:DRAWINGS]]
    for first, drawings in ((0, real), (DRAWINGS, starter_drawings(key, DRAWINGS))):
        for number, drawing in enumerate(drawings, first):
            everything = np.concatenate(drawing).astype(float)
            scale = (SMALL - 12) / max(float(np.ptp(everything, axis=0).max()), 1)
            for stroke in drawing:
                points = (stroke - everything.min(axis=0)) * scale + (110 + number * SMALL + 6, 6)
                if len(points) == 1:
                    _ring(pen, points[0], "#000")
                pen.line([(x, y) for x, y in points.tolist()], fill="#000")
    return row


def _ring(pen: ImageDraw.ImageDraw, place: NDArray[np.float64], colour: str) -> None:
    x, y = place.tolist()
    pen.ellipse((x - 2.5, y - 2.5, x + 2.5, y + 2.5), outline=colour)


if __name__ == "__main__":
    main()
