"""The check of rows: raw id, key and strokes → a sample, or the reason why not; one by one, and packed as batches."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from extexify.drawing.strokes import DRAWING_REASONS, BadDrawing, Drawing, Drawings, content_digests, parse_strokes
from extexify.sources.base import PlainRows, QuickSource, Row, Source

MAX_KEY = 255  # the width of the key column of Detexify's table
MAX_ID = 2**63 - 1

REASONS = {
    "no id": "the id is NULL or no whole number",
    "no key": "the key is NULL or empty",
    "bad key": f"the key is not UTF-8 text of at most {MAX_KEY} printable characters",
    **DRAWING_REASONS,
}
"""Why a row is refused, in the words that the reports use."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A drawing with its key and id."""

    id: int
    key: str
    drawing: Drawing


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that can't be used: its place in the batch, its id as reports show it, one of `REASONS`, and a sentence."""

    place: int
    id: int | str | None
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a source that follow one another, checked: n samples packed, and those that can't be used.

    ids int64 (n,), keys (n), drawings (n), digests uint64 (n,) of their content; places int64 (n,) says where among
    the batch's `rows` each sample stood.
    """

    rows: int
    ids: NDArray[np.int64]
    keys: list[str]
    drawings: Drawings
    digests: NDArray[np.uint64]
    places: NDArray[np.int64]
    refused: list[Refused]


def batches(source: Source) -> Generator[Batch]:
    """All rows of a source, checked, in their order. Raises `SourceError` as the source does."""
    rows = source.quick_rows() if isinstance(source, QuickSource) else source.rows()
    with closing(rows):
        yield from checked(rows)


def checked(rows: Iterable[Row | PlainRows]) -> Iterator[Batch]:
    """Check rows and pack them; those that come one by one are packed together, a few hundred at most."""
    packer = _Packer()
    for row in rows:
        if isinstance(row, Row):
            packer.add(row)
        if len(packer) and (packer.full() or isinstance(row, PlainRows)):
            yield packer.batch()
            packer = _Packer()
        if isinstance(row, PlainRows):
            yield _with_checked_keys(row)
    if len(packer):
        yield packer.batch()


class _Packer:
    """Checks single rows and packs them."""

    MOST_ROWS = 256
    MOST_POINTS = 200_000  # 1.6 MB

    def __init__(self) -> None:
        self._samples: list[Sample] = []
        self._places: list[int] = []
        self._refused: list[Refused] = []
        self._points = 0

    def __len__(self) -> int:
        return len(self._samples) + len(self._refused)

    def full(self) -> bool:
        return len(self) >= self.MOST_ROWS or self._points >= self.MOST_POINTS

    def add(self, row: Row) -> None:
        place = len(self)
        try:
            sample = check_row(row)
        except BadDrawing as error:
            self._refused.append(Refused(place, shown_id(row), error.reason, str(error)))
        else:
            self._samples.append(sample)
            self._places.append(place)
            self._points += sum(map(len, sample.drawing))

    def batch(self) -> Batch:
        samples = self._samples
        drawings = Drawings.pack(sample.drawing for sample in samples)
        return Batch(
            rows=len(self),
            ids=np.array([sample.id for sample in samples], np.int64),
            keys=[sample.key for sample in samples],
            drawings=drawings,
            digests=content_digests(drawings),
            places=np.array(self._places, np.int64),
            refused=self._refused,
        )


def _with_checked_keys(rows: PlainRows) -> Batch:
    """A batch of plain rows without those whose key can't be used."""
    keys, refused = [], []
    for place, raw in enumerate(rows.keys):
        try:
            keys.append(checked_key(raw))
        except BadDrawing as error:
            refused.append(Refused(place, int(rows.ids[place]), error.reason, str(error)))
    places = np.arange(len(rows.keys))
    ids, drawings = rows.ids, rows.drawings
    if refused:
        places = np.delete(places, [row.place for row in refused])
        ids, drawings = ids[places], drawings.take(places)
    return Batch(len(rows.keys), ids, keys, drawings, content_digests(drawings), places, refused)


def check_row(row: Row) -> Sample:
    """The sample of a row. Raises `BadDrawing`, with one of `REASONS`, for a row that can't be used."""
    if row.oversized:  # first: of such a row even id and key may be missing
        raise BadDrawing("too many points", "the row is too long for a drawing")
    identifier = row_id(row)
    if identifier is None:
        raise BadDrawing("no id", "the id is NULL or no whole number of 64 bits")
    return Sample(identifier, checked_key(row.key), parse_strokes(row.strokes))


def row_id(row: Row) -> int | None:
    """The id of a row as a number; None when it is none."""
    value = row.id
    if isinstance(value, bytes):
        # isdigit on bytes is ASCII only, and 20 digits always exceed 64 bits.
        value = int(value) if value.removeprefix(b"-").isdigit() and len(value) <= 20 else None
    return value if isinstance(value, int) and abs(value) <= MAX_ID else None


def shown_id(row: Row) -> int | str | None:
    """A row's id for a report, as a number or, when it is none, as its first characters."""
    number = row_id(row)
    if number is not None or not isinstance(row.id, bytes):
        return number
    text = row.id[:40].decode("utf-8", "replace")
    # Reports are read on terminals, which obey control characters.
    return text if text.isprintable() else ascii(text)[1:-1]


@lru_cache(maxsize=8192)  # of a million rows, a thousand have different keys
def checked_key(value: bytes | str | None) -> str:
    """A key as text. Raises `BadDrawing` for one that is missing, blank, too long or unprintable."""
    if not value:
        raise BadDrawing("no key", "the key is NULL or empty")
    try:
        key = value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        raise BadDrawing("bad key", "the key is not UTF-8 text") from None
    if not key.strip():
        raise BadDrawing("no key", "the key is blank")
    if len(key) > MAX_KEY or not key.isprintable():
        raise BadDrawing("bad key", f"the key has {len(key)} characters, or unprintable ones")
    return key
