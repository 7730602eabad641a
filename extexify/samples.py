"""The check of one row: raw id, key and strokes → a sample, or the reason why not."""

from __future__ import annotations

from dataclasses import dataclass

from extexify.sources import Row
from extexify.strokes import REASONS as DRAWING_REASONS
from extexify.strokes import BadDrawing, Drawing, parse_strokes

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
