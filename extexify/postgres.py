"""PostgreSQL through psycopg2: the table's rows as the server's COPY stream."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import Full, Queue
from urllib.parse import urlsplit

import psycopg2
from psycopg2 import sql

from extexify.copy_format import RowReader, lines
from extexify.sources import COLUMNS, TABLE, Row, SourceError

_AHEAD = 4  # chunks received ahead of the reader
_CHUNK = 1 << 20


class PostgresSource:
    """The rows of table `samples` in a database, read in one read-only snapshot.

    The column strokes may be json, jsonb or text. The table is found as the connection's search path says.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self.name = _without_password(address)
        self._read = 0
        self._total: int | None = None

    def position(self) -> tuple[int, int | None]:
        return self._read, self._total

    def rows(self) -> Iterator[Row]:
        """All rows, in the order of their ids. Raises `SourceError` when the server, table or a column is missing
        or the connection breaks."""
        connection = self._connect()
        try:
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            with connection.cursor() as cursor:
                self._check_table(cursor)
                cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(TABLE)))
                self._total = cursor.fetchone()[0]
            reader = RowReader(list(COLUMNS))
            for line, overlong in lines(self._chunks(connection)):
                self._read += 1
                row = reader.row(line, overlong)
                if row is None:
                    raise SourceError(f"{self.name} sent a row without three columns: {line[:40]!r}")
                yield row
        except psycopg2.Error as error:
            raise SourceError(f"{self.name}: {_first_line(error)}; is the server still running?") from None
        finally:
            connection.close()

    def _connect(self) -> psycopg2.extensions.connection:
        try:
            return psycopg2.connect(self._address, connect_timeout=10, client_encoding="UTF8")
        except psycopg2.Error as error:
            # libpq's message may quote the address it was given, so the password is taken out here too.
            message = _first_line(error).replace(self._address, self.name)
            raise SourceError(f"can't connect to {self.name}: {message}") from None

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

    def _chunks(self, connection: psycopg2.extensions.connection) -> Iterator[bytes]:
        """The COPY stream, received one thread ahead (psycopg2 waits without the interpreter lock)."""
        chunks: Queue[bytes | Exception | None] = Queue(_AHEAD)
        stop = threading.Event()
        query = sql.SQL("COPY (SELECT id, key, strokes::text FROM {} ORDER BY id) TO STDOUT").format(
            sql.Identifier(TABLE)
        )

        def put(item: bytes | Exception | None) -> None:
            while not stop.is_set():
                try:
                    return chunks.put(item, timeout=0.1)
                except Full:
                    continue
            raise InterruptedError("nobody reads on")

        class Sink:
            """What psycopg2 writes the stream to: gathers its row-sized pieces into larger chunks."""

            def __init__(self) -> None:
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
                    put(b"".join(self._pieces))
                    self._pieces, self._size = [], 0

        def receive() -> None:
            sink = Sink()
            try:
                with connection.cursor() as cursor:
                    cursor.copy_expert(query, sink)
                sink.flush()
                put(None)
            except InterruptedError:
                pass
            except psycopg2.Error as error:
                if not stop.is_set():
                    put(error)

        worker = threading.Thread(target=receive, name="postgres-reader", daemon=True)
        worker.start()
        try:
            while (item := chunks.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            stop.set()
            if worker.is_alive():
                connection.cancel()
            worker.join()


def _without_password(address: str) -> str:
    """The address with neither password nor query parameters, which may hold one."""
    parts = urlsplit(address)
    user, _, _ = (parts.username or "").partition(":")
    host = parts.hostname or "localhost"
    port = f":{parts.port}" if parts.port else ""
    return f"postgresql://{user + '@' if user else ''}{host}{port}{parts.path}"


def _first_line(error: Exception) -> str:
    lines_of_message = str(error).strip().splitlines()
    return lines_of_message[0] if lines_of_message else type(error).__name__
