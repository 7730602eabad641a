"""The rows of a pg_dump text dump, read as a stream, without a database server."""

from __future__ import annotations

import re
from collections.abc import Generator

from extexify.sources.base import COLUMNS, TABLE, NoDrawings, Row, SourceError
from extexify.sources.copy import Lines, RowReader
from extexify.sources.unpack import TextFile

# Possessive quantifiers, so that matching is linear in the length of any line.
_NAME = r'(?:"(?:[^"]|"")++"|[^\s".(),;]++)'
_COPY = re.compile(
    rf"COPY\s++(?:{_NAME}\.)?(?P<table>{_NAME})(?:\s*+\((?P<columns>[^)]*+)\))?+\s++FROM\s++stdin\b.*;\s*",
    re.IGNORECASE,
)
_STATEMENT = re.compile(rb"^(?:COPY|INSERT INTO) ", re.IGNORECASE | re.MULTILINE)
_END_OF_TABLE = re.compile(rb"^\\\.\r*$", re.MULTILINE)
_INSERT = re.compile(rf'INSERT INTO (?:{_NAME}\.)?"?{TABLE}"?[ (]', re.IGNORECASE)


def dump_rows(file: TextFile) -> Generator[Row]:
    r"""The rows of every COPY block of table `samples` in a dump; other tables are skipped.

    A block begins with `COPY samples (id, key, strokes) FROM stdin;`, where the name may have a schema and the columns
    any order, and ends with a line `\.`. Raises `SourceError` for a file that is no dump, lacks the table or is
    truncated.
    """
    count = 0
    found = inserts = False
    reader: RowReader | None = None
    table = ""  # the table whose block is being read, "" between blocks
    lines = Lines(file.chunks)
    while True:
        if reader is None:  # between tables, or in another table
            lines.skip_to(_END_OF_TABLE if table else _STATEMENT)
        if (next_line := next(lines, None)) is None:
            break
        line, truncated = next_line
        if not table:
            if line[:5].upper() == b"COPY " and (match := _COPY.fullmatch(line.decode("utf-8", "replace"))):
                table = _identifier(match["table"])
                if table == TABLE:
                    reader, found = _reader(file.name, match["columns"]), True
            elif line[:12].upper() == b"INSERT INTO " and _INSERT.match(line[:200].decode("utf-8", "replace")):
                inserts = True
        elif line.rstrip(b"\r") == rb"\.":
            table, reader = "", None
        elif reader is not None:
            count += 1
            row = reader.row(line, truncated)
            if row is None:
                raise SourceError(
                    f"{file.name} is damaged: row {count} of table {TABLE} ({_shown(line)}) does not have "
                    "as many columns as its COPY line names; is the file cut off? Download or dump it again"
                )
            yield row
    if table:
        raise SourceError(
            f"{file.name} is cut off: it ends inside table {table}, after {count:,} rows of {TABLE}; "
            "download or dump it again"
        )
    if not found:
        raise NoDrawings(_not_found(file.name, inserts))


def _reader(name: str, columns: str | None) -> RowReader:
    names = [_identifier(column.strip()) for column in columns.split(",")] if columns else list(COLUMNS)
    try:
        return RowReader(names)
    except KeyError as error:
        raise SourceError(
            f"table {TABLE} in {name} has no column {error.args[0]}: it needs {', '.join(COLUMNS)}"
        ) from None


def _not_found(name: str, inserts: bool) -> str:
    if inserts:
        return f"{name} holds INSERT statements: make the dump without pg_dump's --inserts"
    return (
        f"{name} has no table {TABLE}: a pg_dump text dump with a line "
        f"`COPY {TABLE} ({', '.join(COLUMNS)}) FROM stdin;` is needed"
    )


def _identifier(name: str) -> str:
    """A table's or column's name as PostgreSQL resolves it: unquoted, or folded to lower case."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def _shown(line: bytes) -> str:
    text = line[:40].decode("utf-8", "replace")
    return repr(text + "…" if len(line) > 40 else text)
