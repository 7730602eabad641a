"""Made-up drawings, rows and dumps for the tests of the data half; none is read from anywhere."""

from __future__ import annotations

import gzip
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path

import numpy as np

from extexify.drawing.strokes import Drawing, parse_strokes, strokes_json
from extexify.sources.base import COLUMNS, Row, SourceError
from extexify.sources.open import open_source

RawRow = tuple[object, ...]
"""A row's values in the order of its columns: None, bytes, text or numbers."""


def drawing(*strokes: Sequence[Sequence[float]]) -> Drawing:
    """A drawing of lists of points."""
    return [np.array(stroke, np.float32).reshape(-1, 2) for stroke in strokes]


def zigzag(number: int) -> Drawing:
    """Of each number another drawing, of one to three strokes."""
    strokes: list[list[list[float]]] = [
        [[10 * stroke, number], [30.5, 40], [number % 7, 5]] for stroke in range(number % 3 + 1)
    ]
    return drawing(*strokes)


def starter_drawings(count: int) -> list[Drawing]:
    """Starter drawings, each of another symbol."""
    rows = list(open_source("starter:each=1,seed=1").rows())
    return [parse_strokes(rows[number].strokes) for number in np.linspace(0, len(rows) - 1, count).astype(int)]


def sample_rows(classes: int = 3, each: int = 5, first: int = 1) -> list[tuple[int, bytes, bytes]]:
    """Rows (id, key, strokes JSON) of distinct drawings, `each` of every class, with ids from `first` on."""
    return [
        (first + number, b"test-OT1-_class%d" % (number % classes), strokes_json(zigzag(first + number)))
        for number in range(classes * each)
    ]


class ListSource:
    """A source of the rows in a list; with `fails`, reading ends in a `SourceError`."""

    unit = "rows"

    def __init__(self, rows: Iterable[tuple[object, ...]], name: str = "a list", *, fails: bool = False) -> None:
        self.name = name
        self._rows = rows
        self._fails = fails
        self._read = 0

    def position(self) -> tuple[int, int | None]:
        return self._read, None

    def rows(self) -> Generator[Row]:
        for row in self._rows:
            self._read += 1
            yield Row(*row)  # type: ignore[arg-type]
        if self._fails:
            raise SourceError(f"{self.name} broke off")


def as_bytes(value: object) -> bytes | None:
    """A column's value as PostgreSQL writes it before escaping."""
    return value if value is None or isinstance(value, bytes) else str(value).encode()


def escaped(value: object) -> bytes:
    """A COPY field, escaped as PostgreSQL's own writer does (CopyAttributeOutText)."""
    text = as_bytes(value)
    if text is None:
        return rb"\N"
    text = text.replace(b"\\", rb"\\")
    for raw, letter in ((b"\b", b"b"), (b"\f", b"f"), (b"\n", b"n"), (b"\r", b"r"), (b"\t", b"t"), (b"\v", b"v")):
        text = text.replace(raw, b"\\" + letter)
    return text


def copy_block(
    rows: Iterable[RawRow], table: str = "samples", columns: Sequence[str] | None = COLUMNS, *, end: bool = True
) -> bytes:
    r"""A table's `COPY … FROM stdin;` block; without `end`, its `\.` is missing."""
    names = f" ({', '.join(columns)})" if columns else ""
    lines = [f"COPY {table}{names} FROM stdin;".encode()]
    lines += [b"\t".join(map(escaped, row)) for row in rows]
    return b"\n".join(lines) + (b"\n\\.\n\n" if end else b"\n")


def dump_text(*blocks: bytes) -> bytes:
    """A dump around COPY blocks, with the statements that pg_dump puts before and after them."""
    before = b"""--
-- PostgreSQL database dump
--

SET client_encoding = 'UTF8';

CREATE TABLE samples (
    id integer NOT NULL,
    key character varying(255),
    strokes json
);


"""
    return before + b"".join(blocks) + b"ALTER TABLE ONLY samples ADD CONSTRAINT samples_pkey PRIMARY KEY (id);\n"


def write_dump(path: Path, text: bytes) -> Path:
    """Write a dump, gzipped when the name ends in .gz; returns the path."""
    path.write_bytes(gzip.compress(text, 1) if path.suffix == ".gz" else text)
    return path
