"""Own symbols as a source of drawings, and drawings of files for own symbols."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

import numpy as np
import orjson

from extexify.catalog.own import MAX_DRAWINGS, OwnSymbol, Strokes, own_symbols
from extexify.drawing.strokes import Drawing, parse_strokes
from extexify.sources.base import Row, Source, SourceError, content_id
from extexify.sources.handwriting import handwritten

_SIDE = 1_000  # the longer side of a stored drawing


class OwnSymbolsSource:
    """The drawings of the workspace's own symbols, with the keys of these."""

    name = "own symbols"
    unit = "rows"

    def __init__(self) -> None:
        self._read = 0
        self._total: int | None = None

    def rows(self) -> Generator[Row]:
        """All drawings; ids are hashes of key and drawing. Raises `StorageError` if the symbols can't be read."""
        symbols = own_symbols()
        self._read, self._total = 0, sum(len(symbol.drawings) for symbol in symbols.values())
        for key, symbol in symbols.items():
            for drawing in symbol.drawings:
                self._read += 1
                strokes = orjson.dumps(drawing)
                yield Row(content_id(key, strokes), key, strokes)

    def position(self) -> tuple[int, int | None]:
        return self._read, self._total


def drawings_of(symbol: OwnSymbol) -> list[Drawing]:
    """The drawings of an own symbol."""
    return [[np.array(stroke, np.float32) for stroke in drawing] for drawing in symbol.drawings]


def glyph_drawings(symbol: OwnSymbol, count: int) -> list[Drawing]:
    """Simulated drawings of an own symbol's glyph, as `extexify.sources.starter` makes them; none without a glyph."""
    if symbol.glyph is None:
        return []
    lines = [np.array(stroke) / _SIDE for stroke in symbol.glyph.lines]
    everything = np.concatenate(lines)
    middle = (everything.min(0) + everything.max(0)) / 2
    return handwritten([(line - middle, "lines") for line in lines], key=symbol.key, each=count, seed=0)


def strokes_for(drawing: Drawing) -> Strokes:
    """A drawing for an own symbol, in whole numbers, the longer side 1,000."""
    points = np.concatenate(drawing)
    low = points.min(0)
    scale = _SIDE / (float((points - low).max()) or 1.0)
    return tuple(tuple((x, y) for x, y in np.rint((stroke - low) * scale).tolist()) for stroke in drawing)


def strokes_from(source: Source) -> list[Strokes]:
    """The drawings of a source for an own symbol.

    Raises `SourceError` if there are none, or more than a symbol can have, and `BadDrawing`.
    """
    found: list[Strokes] = []
    with closing(source.rows()) as rows:
        for row in rows:
            if len(found) == MAX_DRAWINGS:
                raise SourceError(f"{source.name} has more than {MAX_DRAWINGS} drawings, the most that a symbol has")
            if row.oversized:
                raise SourceError(f"a drawing in {source.name} is too long for a symbol")
            found.append(strokes_for(parse_strokes(row.strokes)))
    if not found:
        raise SourceError(f"{source.name} has no drawing")
    return found
