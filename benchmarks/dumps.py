"""Dumps for the benchmarks: shortened or repeated real ones, and one of starter drawings."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import orjson

from extexify.drawing.strokes import Drawing

COPY = b"COPY samples (id, key, strokes) FROM stdin;\n"
END = b"\\.\n"


def rows_of(dump: Path) -> Iterator[bytes]:
    """The COPY lines of table `samples`, whose first column is the id."""
    inside = False
    with gzip.open(dump, "rb") as file:
        for line in file:
            if inside:
                if line == END:
                    return
                yield line
            inside = inside or line.startswith((b"COPY samples (id, ", b"COPY public.samples (id, "))


def repeated(dump: Path, times: int) -> Iterator[bytes]:
    """The rows, repeated `times` times with new ids from 1."""
    number = 0
    for _ in range(times):
        for row in rows_of(dump):
            number += 1
            yield b"%d\t%b" % (number, row.partition(b"\t")[2])


def write_dump(path: Path, rows: Iterable[bytes], *, level: int = 6) -> Path:
    """Write a dump of rows, gzipped (at a level) where its name ends in .gz; returns its path."""
    with gzip.open(path, "wb", level) if path.suffix == ".gz" else path.open("wb") as file:
        file.write(COPY)
        file.writelines(rows)
        file.write(END)
    return path


def cut_dump(dump: Path, path: Path, count: int) -> Path:
    """A dump of the last `count` rows, which in Detexify's dump are sorted by symbol, so that classes are complete."""
    rows = sum(1 for _ in rows_of(dump))
    return write_dump(path, islice(rows_of(dump), max(0, rows - count), None))


def starter_dump(path: Path) -> Path:
    """A dump of starter drawings, for use without real ones."""
    from extexify.sources.open import open_source
    from extexify.sources.rows import checked_chunks

    return write_dump(
        path,
        (
            b"%d\t%b\t%b\n" % (identifier, key.encode().replace(b"\\", rb"\\"), _timed(drawing))
            for chunk in checked_chunks(open_source("starter:each=32"))
            for identifier, key, drawing in zip(chunk.ids, chunk.keys, chunk.drawings, strict=True)
        ),
    )


def _timed(drawing: Drawing) -> bytes:
    """Strokes JSON with a time for each point, as in Detexify's data and as required by the blog post's loop."""
    timed = [np.column_stack([stroke, 16 * np.arange(len(stroke))]) for stroke in drawing]
    return orjson.dumps([stroke.tolist() for stroke in timed])
