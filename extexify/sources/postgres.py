"""PostgreSQL through psycopg2: the table's rows as the server's COPY stream."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import psycopg2
from psycopg2 import sql

from extexify.access import permissions
from extexify.core.errors import printable
from extexify.drawing.strokes import MAX_STROKES_JSON
from extexify.sources.base import COLUMNS, TABLE, PlainRows, Row, SourceError
from extexify.sources.copy_format import CopySource, Lines, RowReader
from extexify.sources.readahead import read_ahead
from extexify.sources.rows import MAX_KEY

_CHUNK = 1 << 20
_LONGEST_ID = 40
_ALL = sql.SQL("true")

_SMALL = MAX_STROKES_JSON // 256
"""Bytes stored of strokes that can't be too long: neither of the server's ways of compression gains 255 to 1."""

# A server that is gone without a word (power, network) is noticed within a minute, not after hours.
_CONNECTION = {
    "connect_timeout": 10,
    "client_encoding": "UTF8",
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}


class PostgresSource(CopySource):
    """The rows of table `samples` in a database, read in one read-only snapshot.

    The column strokes may be json, jsonb or text. The table is found as the connection's search path says.
    """

    unit = "rows"

    def __init__(self, address: str, *, alias: str = "") -> None:
        """`alias` names the database in place of its address, of which no message then repeats any part.

        Raises `SourceError` for an address that can't be understood, without repeating any of it.
        """
        self._connection = connection_parts(address)
        self.name = alias or _shown(self._connection)
        self._hidden = _parsed(address) if alias else None
        self._read = 0
        self._total: int | None = None

    def position(self) -> tuple[int, int | None]:
        return self._read, self._total

    def count(self, seconds: int = 5) -> int:
        """How many rows the table has; connecting and counting may take `seconds` each.

        Raises `SourceError` as `rows` does, and when there is no answer in time.
        """
        with closing(self._connect(connect_timeout=seconds)) as connection, connection.cursor() as cursor:
            try:
                cursor.execute("SELECT set_config('statement_timeout', %s, false)", (f"{seconds}s",))
                return self._count(cursor)
            except psycopg2.Error as error:
                raise SourceError(f"{self.name}: {self._reason(error)}") from None

    def _rows(self, *, quick: bool) -> Generator[Row | PlainRows]:
        """In the order of their ids. Raises `SourceError` when the server, the table or a column is missing or the
        connection breaks."""
        self._read = 0
        with self.reading() as connection:
            with connection.cursor() as cursor:
                self._total = self._count(cursor)
            for row in self.stream(connection, quick=quick):
                self._read += len(row.ids) if isinstance(row, PlainRows) else 1
                yield row

    @contextmanager
    def reading(self) -> Iterator[psycopg2.extensions.connection]:
        """A connection that sees one moment of the database and can change nothing; its errors are `SourceError`s."""
        with closing(self._connect()) as connection, self.errors_of(connection):
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            yield connection

    @contextmanager
    def errors_of(self, connection: psycopg2.extensions.connection) -> Iterator[None]:
        """Tell a connection's errors as `SourceError`s."""
        try:
            yield
        except psycopg2.Error as error:
            hint = "; is the server still running?" if connection.closed else ""
            raise SourceError(f"{self.name}: {self._reason(error)}{hint}") from None

    def stream(
        self, connection: psycopg2.extensions.connection, *, quick: bool, where: sql.Composable = _ALL
    ) -> Generator[Row | PlainRows]:
        """The rows that fulfil the condition `where`, in the order of their ids."""
        reader = RowReader(list(COLUMNS))
        with closing(_copied(connection, where)) as chunks:
            lines = Lines(chunks)
            for line, overlong in lines:
                row = reader.row(line, overlong)
                if row is None:
                    raise SourceError(f"{self.name} sent a row without three columns: {line[:40]!r}")
                yield row
                if quick:
                    yield from lines.plain_rows(reader)

    def _connect(self, **changes: Any) -> psycopg2.extensions.connection:
        try:
            # The parts and not the address: libpq's messages can't quote a password that they don't see.
            return psycopg2.connect(**{**self._connection, **changes})
        except psycopg2.Error as error:
            raise SourceError(f"can't connect to {self.name}: {self._reason(error)}") from None

    def _reason(self, error: psycopg2.Error) -> str:
        """The first line of a message, without the address's parts where these are not to be shown."""
        reason = _first_line(error)
        return reason if self._hidden is None else _without(reason, self._hidden)

    def _count(self, cursor: psycopg2.extensions.cursor) -> int:
        self._check_table(cursor)
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(TABLE)))
        return int(cursor.fetchone()[0])

    def _check_table(self, cursor: psycopg2.extensions.cursor) -> None:
        cursor.execute("SELECT to_regclass(%s)", (TABLE,))
        if cursor.fetchone()[0] is None:
            raise SourceError(f"{self.name} has no table {TABLE} (with the columns {', '.join(COLUMNS)})")
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
            (TABLE,),
        )
        present = {name for (name,) in cursor.fetchall()}
        for column in COLUMNS:
            if column not in present:
                raise SourceError(f"table {TABLE} in {self.name} has no column {column}")


class _Gather:
    """What psycopg2 writes the stream to: gathers its row-sized pieces into larger chunks."""

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


def _copied(connection: psycopg2.extensions.connection, where: sql.Composable) -> Generator[bytes]:
    """The rows as a COPY stream in chunks, received ahead of the reader."""
    # A field may have a gigabyte; of one that is too long for use anyway, only enough comes to see that. left() counts
    # characters, which takes the server twice as long as all the rest: it is spared where the stored size vouches for
    # the length. Sorted inside, as stored: the server would sort unpacked texts otherwise.
    query = sql.SQL(
        "COPY (SELECT left(id::text, {id}), left(key::text, {key}),"
        " CASE WHEN pg_column_size(strokes) <= {small} THEN strokes::text ELSE left(strokes::text, {strokes}) END"
        " FROM (SELECT id, key, strokes FROM {table} WHERE {where} ORDER BY id OFFSET 0) AS in_order) TO STDOUT"
    ).format(
        id=sql.Literal(_LONGEST_ID),
        key=sql.Literal(MAX_KEY + 1),
        small=sql.Literal(_SMALL),
        strokes=sql.Literal(MAX_STROKES_JSON + 1),
        table=sql.Identifier(TABLE),
        where=where,
    )

    def receive(put: Callable[[bytes], None]) -> None:
        gather = _Gather(put)
        with connection.cursor() as cursor:
            cursor.copy_expert(query, gather)
        gather.flush()

    def cancel() -> None:
        with suppress(psycopg2.Error):  # a broken connection waits for nothing
            connection.cancel()

    return read_ahead(receive, cancel)


@permissions.operators_only
def connection_parts(address: str) -> dict[str, Any]:
    """What `psycopg2.connect` takes to reach an address. Raises `SourceError`, without repeating any of it."""
    return {**_parsed(address), **_CONNECTION}


def _parsed(address: str) -> dict[str, str]:
    """The parts of an address, as libpq reads them.

    A password with an unquoted @ or / makes libpq take parts of it for the host or the database, which
    messages show: such an address is refused.
    """
    rest = address.partition("://")[2]
    # As libpq does: user and password end with the first @ that stands before any /, also when a ? stands before it.
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
    """The address with neither the password nor options, which may hold one."""
    user, host, port = parts.get("user", ""), parts.get("host", parts.get("hostaddr", "")), parts.get("port", "")
    return printable(f"postgresql://{user and user + '@'}{host}{port and ':' + port}/{parts.get('dbname', '')}")


def _first_line(error: Exception) -> str:
    lines_of_message = str(error).strip().splitlines()
    return lines_of_message[0] if lines_of_message else type(error).__name__


def _without(message: str, parts: dict[str, str]) -> str:
    """A message without the parts of an address, and without what it quotes, such as users, databases and hosts."""
    # What stands before says to which machine, by a number that the address needn't hold: `connection to server at
    # "db" (192.0.2.1), port 5432 failed: …`.
    message = message.rpartition(" failed: ")[2]
    for value in sorted(filter(None, parts.values()), key=len, reverse=True):
        message = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)" if value.isalnum() else re.escape(value), "…", message)
    return re.sub('"[^"]*"', "…", message)
