"""Records of CSV and similar text: fields between delimiters, some of them quoted, over several lines if need be.

The variants are those of PostgreSQL's COPY … CSV and of RFC 4180.
"""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from extexify.sources.base import SourceError
from extexify.sources.copy import MAX_LINE

csv.field_size_limit(MAX_LINE)  # the default of 128 KiB is shorter than long drawings; the limit is one for the process


@dataclass(frozen=True, slots=True)
class Dialect:
    """How fields are written; each is one character, `null` the unquoted text of a missing value."""

    delimiter: str = ","
    quote: str = '"'
    escape: str = '"'
    null: str = ""


def records(
    lines: Iterator[tuple[bytes, bool]], dialect: Dialect, name: str, end: bytes | None = None
) -> Generator[tuple[list[bytes | None], bool]]:
    """The fields of each record, and whether it was truncated, as `extexify.sources.copy.Lines` truncates lines.

    Ends after a line `end`. Raises `SourceError`, with `name`, for a quoted field without an end.
    """
    truncated = False

    def texts() -> Iterator[str]:
        nonlocal truncated
        for line, is_truncated in lines:
            if line.rstrip(b"\r") == end:
                return
            # As Latin-1, so that each byte is one character and comes back as it was.
            text = line.decode("latin-1")
            if is_truncated:
                truncated = True
                text += dialect.quote * (text.count(dialect.quote) % 2)
            yield text + "\n"

    doubled = dialect.escape == dialect.quote
    try:
        reader = csv.reader(
            texts(), delimiter=dialect.delimiter, quotechar=dialect.quote, doublequote=doubled,
            escapechar=None if doubled else dialect.escape,
        )  # fmt: skip
    except (TypeError, ValueError) as error:
        raise SourceError(f"{name} can't be read as CSV: {error}") from None
    try:
        for record in reader:
            if record:
                yield [None if field == dialect.null else field.encode("latin-1") for field in record], truncated
            truncated = False
    except csv.Error as error:
        raise SourceError(
            f"{name} is damaged at record {reader.line_num} ({error}): is a quotation mark missing? Write it again"
        ) from None
