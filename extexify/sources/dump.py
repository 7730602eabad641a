"""The rows of an SQL dump (pg_dump's text format), read as a stream, without a database server."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from extexify.sources.base import COLUMNS, SAMPLES, NoDrawings, Row, SourceError, Table, no_such_column, no_such_table
from extexify.sources.copy import Lines, LineStart, RowReader
from extexify.sources.delimited import Dialect, records
from extexify.sources.inserts import CutOff, inserted_values
from extexify.sources.streams import TextFile

# Possessive quantifiers, so that matching is linear in the length of any line.
_NAME = rb'(?:"(?:[^"]|"")++"|[^\s".(),;]++)'
_TABLE = rb"(?:(?P<schema>%b)\.)?(?P<table>%b)" % (_NAME, _NAME)
_COLUMNS = rb"(?:\s*+\((?P<columns>[^)]*+)\))?+"
_COPY = re.compile(rb"COPY\s++%b%b\s++FROM\s++stdin\b(?P<options>.*);\s*" % (_TABLE, _COLUMNS), re.IGNORECASE)
_INSERT = re.compile(
    rb"INSERT INTO\s++%b%b\s*+(?:OVERRIDING \w++ VALUE\s++)?VALUES\b" % (_TABLE, _COLUMNS), re.IGNORECASE
)
_CREATE_TABLE = rb"CREATE (?:UNLOGGED |FOREIGN |TEMPORARY )?TABLE "
_CREATE = re.compile(rb"%b(?:IF NOT EXISTS )?%b\s*+\($" % (_CREATE_TABLE, _TABLE), re.IGNORECASE)
_COLUMN = re.compile(
    rb"\s++(?!(?:CONSTRAINT|PRIMARY|UNIQUE|CHECK|FOREIGN|EXCLUDE|LIKE)\b)(%b)\s" % _NAME, re.IGNORECASE
)
_ESCAPES = re.compile(rb"SET standard_conforming_strings = (on|off);", re.IGNORECASE)
_STATEMENT = LineStart(rb"(?:COPY |INSERT INTO |%b|SET standard_conforming_strings )" % _CREATE_TABLE)
_END_OF_TABLE = LineStart(rb"\\\.\r*$")


def dump_rows(file: TextFile, table: Table = SAMPLES) -> Generator[Row]:
    r"""The rows of a table in every COPY block and INSERT statement of a dump; other tables are skipped.

    A block begins with `COPY samples (id, key, strokes) FROM stdin;`, where the name may have a schema, the columns
    any order and the statement the options of the text and CSV formats, and ends with a line `\.`. Raises `SourceError`
    for a file that is no dump, lacks the table or is truncated.
    """
    yield from _Dump(file, table).rows()


@dataclass(frozen=True, slots=True)
class _Named:
    """A statement's table and columns; no columns: those of the table, in their order."""

    schema: str
    table: str
    columns: list[str]

    @classmethod
    def of(cls, statement: re.Match[bytes]) -> _Named:
        found = statement.groupdict()
        columns = found.get("columns")
        return cls(
            _identifier(found["schema"] or b""),
            _identifier(found["table"]),
            [_identifier(column.strip()) for column in columns.split(b",")] if columns else [],
        )

    def __str__(self) -> str:
        return self.table


class _Dump:
    def __init__(self, file: TextFile, table: Table) -> None:
        self._name, self._table = file.name, table
        self._lines = Lines(file.chunks)
        self._count = 0
        self._found = False
        self._columns: dict[tuple[str, str], list[str]] = {}  # of the tables that the dump creates
        self._tables: dict[str, None] = {}  # all that are named, in their order
        self._escapes = False

    def rows(self) -> Generator[Row]:
        while True:
            self._lines.skip_to(_STATEMENT)
            if (following := next(self._lines, None)) is None:
                break
            line, truncated = following
            if line[:5].upper() == b"COPY " and (match := _COPY.fullmatch(line)):
                yield from self._copied(_Named.of(match), match["options"].decode("utf-8", "replace"))
            elif line[:12].upper() == b"INSERT INTO " and (match := _INSERT.match(line)):
                yield from self._inserted(_Named.of(match), line, match.end(), truncated)
            elif match := _CREATE.match(line.rstrip()):
                self._create(_Named.of(match))
            elif match := _ESCAPES.match(line):
                self._escapes = match[1].lower() == b"off"
        if not self._found:
            raise NoDrawings(self._not_found())

    def _create(self, named: _Named) -> None:
        """Note the columns of a table, each on a line, in their order."""
        columns = self._columns[named.schema, named.table] = []
        for line, _ in self._lines:
            if line.startswith(b")"):
                return
            if match := _COLUMN.match(line):
                columns.append(_identifier(match[1]))

    def _is_wanted(self, named: _Named) -> bool:
        self._tables.setdefault(named.table)
        return self._table.name in (named.table, f"{named.schema}.{named.table}")

    def _reader(self, named: _Named, delimiter: bytes = b"\t", null: bytes = rb"\N") -> RowReader:
        self._found = True
        columns = named.columns or self._columns.get((named.schema, named.table)) or list(COLUMNS)
        try:
            return RowReader(columns, self._table, delimiter, null)
        except KeyError as error:
            raise SourceError(
                no_such_column(f"table {self._table.name} in {self._name}", error.args[0], columns)
            ) from None

    # --- COPY ---

    def _copied(self, named: _Named, options: str) -> Generator[Row]:
        if not self._is_wanted(named):
            self._lines.skip_to(_END_OF_TABLE)
            if next(self._lines, None) is None:
                raise self._cut_off(named)
            return
        is_csv = bool(re.search(r"\bcsv\b", options, re.IGNORECASE))
        null = _option(options, "null", "" if is_csv else r"\N")
        delimiter = _option(options, "delimiter", "," if is_csv else "\t")
        quote = _option(options, "quote", '"')
        escape = _option(options, "escape", quote)
        if not all(len(sign) == 1 and sign.isascii() and sign not in "\r\n" for sign in (delimiter, quote, escape)):
            raise SourceError(f"{self._name} is damaged: a delimiter or quotation mark of COPY is no single character")
        reader = self._reader(named, delimiter.encode(), null.encode())
        if re.search(r"\bheader\b(?!\s*(?:false|off|0)\b)", options, re.IGNORECASE):
            next(self._lines, None)
        if is_csv:
            yield from self._copied_csv(named, reader, Dialect(delimiter, quote, escape, null))
            return
        for line, truncated in self._lines:
            if line.rstrip(b"\r") == rb"\.":
                return
            self._count += 1
            yield self._checked(reader.row(line, truncated), line)
        raise self._cut_off(named)

    def _copied_csv(self, named: _Named, reader: RowReader, dialect: Dialect) -> Generator[Row]:
        ended = False

        def lines() -> Iterator[tuple[bytes, bool]]:
            nonlocal ended
            for line, truncated in self._lines:
                if line.rstrip(b"\r") == rb"\.":
                    ended = True
                    return
                yield line, truncated

        for values, truncated in records(lines(), dialect, self._name):
            self._count += 1
            row = reader.oversized(values) if truncated else reader.row_of_values(values)
            yield self._checked(row, b",".join(value or b"" for value in values))
        if not ended:
            raise self._cut_off(named)

    # --- INSERT ---

    def _inserted(self, named: _Named, line: bytes, position: int, truncated: bool) -> Generator[Row]:
        reader = self._reader(named) if self._is_wanted(named) else None
        try:
            for values in inserted_values(line, position, truncated, self._lines, escapes=self._escapes):
                if reader is not None:
                    self._count += 1
                    row = reader.oversized([]) if values is None else reader.row_of_values(values)
                    yield self._checked(row, b", ".join(value or b"NULL" for value in values or ()))
        except CutOff:
            raise self._cut_off(named) from None

    # --- messages ---

    def _checked(self, row: Row | None, text: bytes) -> Row:
        if row is None:
            raise SourceError(
                f"{self._name} is damaged: row {self._count} of table {self._table.name} ({_shown(text)}) does not "
                "have as many columns as its statement names; is the file cut off? Download or dump it again"
            )
        return row

    def _cut_off(self, named: _Named) -> SourceError:
        return SourceError(
            f"{self._name} is cut off: it ends inside table {named}, after {self._count:,} rows of "
            f"{self._table.name}; download or dump it again"
        )

    def _not_found(self) -> str:
        if not self._tables:
            return (
                f"{self._name} has no table {self._table.name} and is none of the other formats: a dump needs a line "
                f"`COPY {self._table.name} ({', '.join(self._table.columns)}) FROM stdin;` or INSERT statements"
            )
        return no_such_table(self._name, self._table.name, list(self._tables))


def _option(options: str, name: str, default: str) -> str:
    r"""The value of an option of COPY, as of `DELIMITER AS E'\t'`."""
    match = re.search(rf"\b{name}\s+(?:AS\s+)?(E?)'((?:[^']|'')*)'", options, re.IGNORECASE)
    if match is None:
        return default
    value = match[2].replace("''", "'")
    return {r"\t": "\t", r"\b": "\b", r"\\": "\\"}.get(value, value) if match[1] else value


def _identifier(name: bytes) -> str:
    """A table's or column's name as PostgreSQL resolves it: unquoted, or folded to lower case."""
    text = name.decode("utf-8", "replace")
    return text[1:-1].replace('""', '"') if text.startswith('"') else text.lower()


def _shown(line: bytes) -> str:
    text = line[:40].decode("utf-8", "replace")
    return repr(text + "…" if len(line) > 40 else text)
