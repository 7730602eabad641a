"""A PostgreSQL table as a source, read through psycopg2 as a COPY stream."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from typing import Any

import psycopg2
from psycopg2 import sql

from extexify.access import permissions
from extexify.core.errors import printable
from extexify.drawing.strokes import MAX_STROKES_JSON
from extexify.sources.base import COLUMNS, SAMPLES, Row, SourceError, Table, no_such_column, no_such_table
from extexify.sources.copy import Lines, RowReader, read_ahead
from extexify.sources.rows import MAX_KEY

_CHUNK = 1 << 20
_MAX_ID_LENGTH = 40

_SMALL = MAX_STROKES_JSON // 256
"""Stored bytes of strokes up to which their text can't be too long: PostgreSQL's compression never reaches 256:1."""

# With keepalives a server that vanished (power, network) is noticed within a minute instead of hours.
_CONNECTION = {
    "connect_timeout": 10,
    "client_encoding": "UTF8",
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}


class PostgresSource:
    """The rows of a table in a database, read in one read-only snapshot.

    The column strokes may be json, jsonb or text. The table is found as the connection's search path says.
    """

    unit = "rows"

    def __init__(self, address: str, *, alias: str = "", table: Table = SAMPLES) -> None:
        """`alias` is the source's name instead of its address; no message then repeats any part of the address.

        Raises `SourceError`, without repeating any of it, for an address that can't be parsed.
        """
        self._connection = connection_parts(address)
        self._table = table
        self.name = alias or _shown(self._connection)
        self._hidden = _parsed(address) if alias else None
        self._read = 0
        self._total: int | None = None

    def position(self) -> tuple[int, int | None]:
        return self._read, self._total

    def count(self, seconds: int = 5) -> int:
        """Number of rows of the table; connecting and counting may take `seconds` each.

        Raises `SourceError` as `rows` does, and when there is no answer in time.
        """
        with closing(self._connect(connect_timeout=seconds)) as connection, connection.cursor() as cursor:
            try:
                cursor.execute("SELECT set_config('statement_timeout', %s, false)", (f"{seconds}s",))
                return self._count(cursor)
            except psycopg2.Error as error:
                raise SourceError(f"{self.name}: {self._reason(error)}") from None

    def rows(self) -> Generator[Row]:
        """All rows, ordered by id.

        Raises `SourceError` when the server, the table or a column is missing or the connection breaks.
        """
        self._read = 0
        with closing(self._connect()) as connection:
            try:
                connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
                with connection.cursor() as cursor:
                    self._total = self._count(cursor)
                reader = RowReader(list(COLUMNS))
                with closing(_copy_stream(connection, self._table)) as chunks:
                    for line, truncated in Lines(chunks):
                        row = reader.row(line, truncated)
                        if row is None:
                            raise SourceError(f"{self.name} sent a row without three columns: {line[:40]!r}")
                        self._read += 1
                        yield row
            except psycopg2.Error as error:
                hint = "; is the server still running?" if connection.closed else ""
                raise SourceError(f"{self.name}: {self._reason(error)}{hint}") from None

    def _connect(self, **changes: Any) -> psycopg2.extensions.connection:
        try:
            # Parsed parts instead of the address, because libpq's messages could quote an address with its password.
            return psycopg2.connect(**{**self._connection, **changes})
        except psycopg2.Error as error:
            raise SourceError(f"can't connect to {self.name}: {self._reason(error)}") from None

    def _reason(self, error: psycopg2.Error) -> str:
        """The first line of an error's message, without parts of the address if the source has an alias."""
        reason = _first_line(error)
        return reason if self._hidden is None else _without(reason, self._hidden)

    def _count(self, cursor: psycopg2.extensions.cursor) -> int:
        self._check_table(cursor)
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(_identifier(self._table)))
        return int(cursor.fetchone()[0])

    def _check_table(self, cursor: psycopg2.extensions.cursor) -> None:
        name = _identifier(self._table).as_string(cursor)
        cursor.execute("SELECT to_regclass(%s)", (name,))
        if cursor.fetchone()[0] is None:
            cursor.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
                " ORDER BY tablename"
            )
            raise SourceError(no_such_table(self.name, self._table.name, [found for (found,) in cursor.fetchall()]))
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
            (name,),
        )
        present = [column for (column,) in cursor.fetchall()]
        for column in self._table.columns:
            if column not in present:
                raise SourceError(no_such_column(f"table {self._table.name} in {self.name}", column, present))


def _identifier(table: Table) -> sql.Identifier:
    schema, _, name = table.name.rpartition(".")
    return sql.Identifier(schema, name) if schema else sql.Identifier(name)


class _ChunkBuffer:
    """File-like object for psycopg2's COPY that joins its row-sized writes into larger chunks."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        self._put = put
        self._pieces: list[bytes] = []
        self._size = 0

    def write(self, piece: bytes) -> int:
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size >= _CHUNK:
            self.flush()
        return len(piece)

    def flush(self) -> None:
        if self._pieces:
            self._put(b"".join(self._pieces))
            self._pieces, self._size = [], 0


def _copy_stream(connection: psycopg2.extensions.connection, table: Table) -> Generator[bytes]:
    """The rows as a COPY stream in chunks, received in a thread."""
    # A field may have a gigabyte: left() cuts it to one character more than is allowed. As left() counts characters,
    # which takes the server twice as long as the rest of the query, it is skipped where the stored size implies that
    # the text is short enough. The inner query sorts the compressed values; otherwise the server would sort texts.
    query = sql.SQL(
        "COPY (SELECT left(id::text, {max_id}), left(key::text, {max_key}),"
        " CASE WHEN pg_column_size(strokes) <= {small} THEN strokes::text ELSE left(strokes::text, {max_strokes}) END"
        " FROM (SELECT {id} AS id, {key} AS key, {strokes} AS strokes FROM {table} ORDER BY {id} OFFSET 0) AS in_order)"
        " TO STDOUT"
    ).format(
        max_id=sql.Literal(_MAX_ID_LENGTH),
        max_key=sql.Literal(MAX_KEY + 1),
        small=sql.Literal(_SMALL),
        max_strokes=sql.Literal(MAX_STROKES_JSON + 1),
        table=_identifier(table),
        **{name: sql.Identifier(column) for name, column in zip(COLUMNS, table.columns, strict=True)},
    )

    def receive(put: Callable[[bytes], None]) -> None:
        buffer = _ChunkBuffer(put)
        with connection.cursor() as cursor:
            cursor.copy_expert(query, buffer)
        buffer.flush()

    def cancel() -> None:
        with suppress(psycopg2.Error):  # the connection may be broken
            connection.cancel()

    return read_ahead(receive, cancel)


@permissions.operators_only
def connection_parts(address: str) -> dict[str, Any]:
    """Keyword arguments of `psycopg2.connect` for an address. Raises `SourceError`, without repeating any of it."""
    return {**_parsed(address), **_CONNECTION}


def _parsed(address: str) -> dict[str, str]:
    """The parts of an address, as libpq parses it.

    With an unquoted @ or / in the password, libpq takes parts of it for the host or the database, which messages show:
    such an address is refused.
    """
    rest = address.partition("://")[2]
    # As in libpq, user and password end at the first @ before any /, even if a ? precedes it.
    login, at, _ = rest.partition("/")[0].partition("@")
    place = rest[len(login) + 1 :] if at else rest
    try:
        if "@" in place.partition("?")[0]:
            raise ValueError
        parts: dict[str, str] = psycopg2.extensions.parse_dsn(address)
        if not all(port.isdigit() for port in parts.get("port", "").split(",") if port):
            raise ValueError
    except (psycopg2.Error, ValueError):
        raise SourceError(
            "the PostgreSQL address can't be understood: write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with "
            "special characters in its parts as %40 (@), %2F (/), %3A (:), %25 (%)"
        ) from None
    return parts


def _shown(parts: dict[str, Any]) -> str:
    """The address without the password and without options, which may contain one."""
    user, host, port = parts.get("user", ""), parts.get("host", parts.get("hostaddr", "")), parts.get("port", "")
    return printable(f"postgresql://{user and user + '@'}{host}{port and ':' + port}/{parts.get('dbname', '')}")


def _first_line(error: Exception) -> str:
    lines_of_message = str(error).strip().splitlines()
    return lines_of_message[0] if lines_of_message else type(error).__name__


def _without(message: str, parts: dict[str, str]) -> str:
    """A message without the parts of an address and without quoted names, such as users, databases and hosts."""
    # The prefix names the server by an IP address that needn't be part of the address: `connection to server at "db"
    # (192.0.2.1), port 5432 failed: …`.
    message = message.rpartition(" failed: ")[2]
    for value in sorted(filter(None, parts.values()), key=len, reverse=True):
        message = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)" if value.isalnum() else re.escape(value), "…", message)
    return re.sub('"[^"]*"', "…", message)
