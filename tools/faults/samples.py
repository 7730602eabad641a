"""Synthetic drawings of symbols of the catalogue."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from extexify.catalog.symbols import detexify_keys
from extexify.drawing.strokes import Drawing, strokes_json

KEY = detexify_keys()[0]
"""A symbol that is in every dump."""


def made_up(symbol: int, number: int) -> Drawing:
    """Drawing `number` of a symbol: one to three strokes around its own corners."""
    corners = np.random.default_rng(symbol).uniform(0, 200, (symbol % 3 + 1, 6, 2))
    shake = np.random.default_rng([symbol, number])
    along, between = np.linspace(0, 5, 20), np.arange(6)
    strokes = corners + shake.normal(0, 6, corners.shape)
    return [
        np.stack([np.interp(along, between, stroke[:, axis]) for axis in (0, 1)], 1).astype(np.float32)
        for stroke in strokes
    ]


def write_dump(path: Path, symbols: int, each: int) -> Path:
    """Write a dump of `each` made-up drawings of so many symbols; returns the path."""
    keys = list(detexify_keys()[:symbols])
    rows = (
        f"{number * symbols + symbol + 1}\t{key}\t{strokes_json(made_up(symbol, number)).decode()}"
        for number in range(each)
        for symbol, key in enumerate(keys)
    )
    lines = ["COPY samples (id, key, strokes) FROM stdin;", *(row.replace("\\", "\\\\") for row in rows), "\\.", ""]
    path.write_text("\n".join(lines), "utf-8")
    return path
