"""Validation of rows: raw id, key and strokes → samples, packed some hundreds at a time, and the invalid rows."""

from __future__ import annotations

import itertools
import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from extexify.catalog.labels import key_of_label
from extexify.drawing.strokes import (
    DRAWING_REASONS,
    BadDrawing,
    Drawing,
    Drawings,
    content_digests,
    parse_many,
    parse_strokes,
)
from extexify.sources.base import Row, Source, SourceError, hash63

MAX_KEY = 255  # the width of the key column of Detexify's table
MAX_ID = 2**63 - 1

ROW_REASONS = {
    "no id": "the id is NULL, or neither a whole number nor a UUID",
    "no key": "the key is NULL or empty",
    "bad key": f"the key is not UTF-8 text of at most {MAX_KEY} printable characters",
    **DRAWING_REASONS,
}
"""Why a row is invalid: reasons, as the manifest has them, with their meaning."""

MENDED_REASONS = {
    "empty stroke": "strokes without points were dropped from the drawing",
    "label": "the label, a command or a character, was replaced by the symbol's key",
}
"""What was mended in a row that is used: reasons, as the manifest has them, with their meaning."""

_CHUNK_ROWS = 256
_CHUNK_BYTES = 1 << 20  # of strokes JSON; a longer row is a chunk by itself


@dataclass(frozen=True, slots=True)
class Sample:
    """A drawing with its key and id."""

    id: int
    key: str
    drawing: Drawing


@dataclass(frozen=True, slots=True)
class InvalidRow:
    """A row that can't be used: its place in the chunk, its id as reports show it, one of `ROW_REASONS`, a sentence."""

    place: int
    id: int | str | None
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class MendedRow:
    """A row that is used although something was wrong with it: its id and one of `MENDED_REASONS`."""

    id: int
    reason: str


@dataclass(frozen=True, slots=True)
class RowChunk:
    """Consecutive rows of a source, checked: n samples, packed, and the invalid rows.

    ids int64 (n,), keys (n), drawings (n), digests uint64 (n,) of their content; places int64 (n,) are the positions
    of the samples among the chunk's `rows` rows. by_axis: how many drawings were stored by axis (see
    `extexify.drawing.strokes.read_strokes`).
    """

    rows: int
    ids: NDArray[np.int64]
    keys: list[str]
    drawings: Drawings
    digests: NDArray[np.uint64]
    places: NDArray[np.int64]
    invalid: list[InvalidRow]
    mended: list[MendedRow]
    by_axis: int


def checked_chunks(source: Source) -> Generator[RowChunk]:
    """All rows of a source, checked, in order. Raises `SourceError` as the source does.

    Once most drawings of a chunk are stored by axis, those are, too, that could be either.
    """
    by_axis = False
    with closing(source.rows()) as rows:
        for chunk in _chunks(rows):
            checked = check_rows(chunk, by_axis=by_axis)
            if not by_axis and 2 * checked.by_axis > len(checked.ids):
                by_axis = True
                checked = check_rows(chunk, by_axis=True)
            yield checked


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    size = 0
    for row in rows:
        chunk.append(row)
        size += len(row.strokes or b"")
        if len(chunk) >= _CHUNK_ROWS or size >= _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def check_rows(rows: list[Row], *, by_axis: bool = False) -> RowChunk:
    """Check rows and pack their samples. Of a row with several faults, the first one that `check_row` finds counts.

    `by_axis` is that of `extexify.drawing.strokes.read_strokes`.
    """
    errors: dict[int, BadDrawing] = {}
    ids: list[int] = []
    keys: list[str] = []
    places: list[int] = []
    labelled: list[int] = []
    for place, row in enumerate(rows):
        try:
            identifier, key, was_label = _check_id_and_key(row)
        except BadDrawing as error:
            errors[place] = error
        else:
            if was_label:
                labelled.append(len(ids))
            ids.append(identifier)
            keys.append(key)
            places.append(place)
    parsed = parse_many([rows[place].strokes for place in places], by_axis=by_axis)
    mended = [MendedRow(ids[index], "empty stroke") for index in parsed.empty]
    mended += [MendedRow(ids[index], "label") for index in labelled if index not in parsed.errors]
    errors |= {places[index]: error for index, error in parsed.errors.items()}
    for index in sorted(parsed.errors, reverse=True):
        del ids[index], keys[index], places[index]
    return RowChunk(
        rows=len(rows),
        ids=np.array(ids, np.int64),
        keys=keys,
        drawings=parsed.drawings,
        digests=content_digests(parsed.drawings),
        places=np.array(places, np.int64),
        invalid=[
            InvalidRow(place, shown_id(rows[place]), error.reason, str(error))
            for place, error in sorted(errors.items())
        ],
        mended=mended,
        by_axis=parsed.by_axis,
    )


def check_row(row: Row) -> Sample:
    """The sample of a row. Raises `BadDrawing`, with one of `ROW_REASONS`, for an invalid row."""
    identifier, key, _ = _check_id_and_key(row)
    return Sample(identifier, key, parse_strokes(row.strokes))


def one_drawing(source: Source) -> Drawing:
    """The drawing of a source with just one, which needs no key. Raises `SourceError`, `BadDrawing`."""
    with closing(source.rows()) as rows:
        found = list(itertools.islice(rows, 2))
    if not found:
        raise SourceError(f"{source.name} has no drawing")
    if len(found) > 1:
        raise SourceError(f"{source.name} has several drawings: give one, or evaluate the model on all of them")
    if found[0].oversized:
        raise BadDrawing("too many points", f"{source.name} is too long for a drawing")
    return parse_strokes(found[0].strokes)


def _check_id_and_key(row: Row) -> tuple[int, str, bool]:
    """A row's id and key, and whether the key was given as another label of the symbol."""
    if row.oversized:  # first, because such a row may lack its id and key
        raise BadDrawing("too many points", "the row is too long for a drawing")
    identifier = row_id(row)
    if identifier is None:
        raise BadDrawing("no id", "the id is NULL, or neither a whole number of 64 bits nor a UUID")
    return identifier, *_key(row.key)


_UUID = re.compile(rb"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)


def row_id(row: Row) -> int | None:
    """The id of a row as a number; None if it is neither a whole number of 64 bits nor a UUID.

    A UUID's number is the first 63 bits of its BLAKE2b hash, so that it is always the same one.
    """
    value = row.id
    if isinstance(value, bytes):
        # bytes.isdigit is ASCII only, and 20 digits always exceed 64 bits.
        if value.removeprefix(b"-").isdigit() and len(value) <= 20:
            value = int(value)
        elif _UUID.fullmatch(value):
            value = hash63(bytes.fromhex(value.replace(b"-", b"").decode()))
    return value if isinstance(value, int) and abs(value) <= MAX_ID else None


def shown_id(row: Row) -> int | str | None:
    """A row's id for a report: as a number or, if it isn't one, its first 40 characters."""
    number = row_id(row)
    if number is not None or not isinstance(row.id, bytes):
        return number
    text = row.id[:40].decode("utf-8", "replace")
    # Reports are read on terminals, which interpret control characters.
    return text if text.isprintable() else ascii(text)[1:-1]


@lru_cache(maxsize=8192)  # a million rows have about a thousand different keys
def _key(value: bytes | str | None) -> tuple[str, bool]:
    label = checked_key(value)
    key = key_of_label(label) or label
    return key, key != label


def checked_key(value: bytes | str | None) -> str:
    """A key as text, without blanks around it. Raises `BadDrawing` for one that is missing, too long or unprintable."""
    if not value:
        raise BadDrawing("no key", "the key is NULL or empty")
    try:
        key = value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        raise BadDrawing("bad key", "the key is not UTF-8 text") from None
    key = key.strip(" ")
    if not key:
        raise BadDrawing("no key", "the key is blank")
    if len(key) > MAX_KEY or not key.isprintable():
        raise BadDrawing("bad key", f"the key has {len(key)} characters, or unprintable ones")
    return key
