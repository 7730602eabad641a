"""Contributed drawings in a PostgreSQL database, for dashboards that several machines serve.

Table `samples (id, key, strokes)`, as in a dump of Detexify's drawings, so `extexify.sources.postgres.PostgresSource`
reads it. What goes wrong is told in one sentence without the address, because visitors read it; the details, which
never hold the password, are in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TypeVar

import numpy as np
import psycopg2
from numpy.typing import NDArray

from extexify.contributions.sqlite_store import FIRST_ID, LAST_ID, checked_strokes, id_after
from extexify.sources.base import COLUMNS, TABLE, SourceError
from extexify.sources.postgres import connection_parts
from extexify.workspace.files import StorageError

_log = logging.getLogger(__name__)

_SCHEMA = f"""
CREATE TABLE {TABLE} (
    id bigint PRIMARY KEY,
    key text NOT NULL CHECK (key <> ''),
    strokes json NOT NULL
)
"""

_LOCK = 0x65787478
"""The number of the advisory lock that writers take in turn ("extx")."""

_PATIENCE = "30s"
"""How long a statement waits for another one."""

_WHOLE_NUMBERS = ("bigint", "numeric")
_TEXTS = ("json", "jsonb", "text", "character varying")

Answer = TypeVar("Answer")


class PostgresStore:
    """Adds drawings to table `samples`, which is made with the first one.

    Ids follow the rule of `extexify.contributions.sqlite_store.DrawingStore`, also when several processes add at once.
    The table is found as the connection's search path says; its strokes may be json, jsonb or text.
    """

    def __init__(self, address: str) -> None:
        """Nothing is connected yet. Raises `StorageError` for an address that can't be understood."""
        try:
            self._parts = connection_parts(address)
        except SourceError as error:
            raise StorageError(str(error)) from None

    def add(self, key: str, drawing: Sequence[NDArray[np.floating]]) -> int:
        """Store a drawing under a symbol's key and return its new id; it is committed then.

        Raises `BadDrawing` for a key or strokes that an export would leave out, `StorageError` when the
        database can't take it.
        """
        strokes = checked_strokes(key, drawing)

        def insert(cursor: psycopg2.extensions.cursor) -> int:
            # One writer at a time makes the table and chooses an id.
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            _prepare(cursor)
            cursor.execute(f"SELECT coalesce(max(id), 0) FROM {TABLE} WHERE id BETWEEN %s AND %s", (FIRST_ID, LAST_ID))
            identifier = id_after(int(cursor.fetchone()[0]))
            cursor.execute(f"INSERT INTO {TABLE} (id, key, strokes) VALUES (%s, %s, %s)", (identifier, key, strokes))
            return identifier

        return self._transaction(insert, "the drawing could not be stored in the shared database")

    def remove(self, identifier: int) -> None:
        """Take the drawing with this id out again; nothing happens when there is none. Raises `StorageError`."""

        def delete(cursor: psycopg2.extensions.cursor) -> None:
            if _exists(cursor):
                cursor.execute(f"DELETE FROM {TABLE} WHERE id = %s", (identifier,))

        self._transaction(delete, "the drawing could not be taken out of the shared database")

    def count(self, after: int = 0) -> int:
        """How many drawings the table holds with an id above `after`: all of them, since ids are positive.

        Raises `StorageError` when the database can't be read.
        """

        def select(cursor: psycopg2.extensions.cursor) -> int:
            if not _exists(cursor):
                return 0
            cursor.execute(f"SELECT count(*) FROM {TABLE} WHERE id > %s", (after,))
            return int(cursor.fetchone()[0])

        return self._transaction(select, "the drawings in the shared database can't be counted")

    def _transaction(self, work: Callable[[psycopg2.extensions.cursor], Answer], failure: str) -> Answer:
        """Do the work in a connection and a transaction of its own."""
        try:
            with closing(psycopg2.connect(**self._parts)) as connection, connection, connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", (_PATIENCE,))
                return work(cursor)
        except psycopg2.Error as error:
            _log.warning("%s: %s", failure, error)
            raise StorageError(f"{failure} ({_reason(error)})") from None


def _exists(cursor: psycopg2.extensions.cursor) -> bool:
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (TABLE,))
    return bool(cursor.fetchone()[0])


def _prepare(cursor: psycopg2.extensions.cursor) -> None:
    """Make the table unless it is there. Raises `StorageError` for one that can't hold our drawings."""
    if not _exists(cursor):
        cursor.execute(_SCHEMA)
        return
    cursor.execute(
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
        " WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
        (TABLE,),
    )
    types = dict(cursor.fetchall())
    missing = [column for column in COLUMNS if column not in types]
    if missing:
        raise StorageError(f"table {TABLE} of the shared database has no column {missing[0]}; use another database")
    if types["id"] not in _WHOLE_NUMBERS:
        raise StorageError(
            f"column id of table {TABLE} in the shared database is too narrow for new drawings ({types['id']}): "
            f"widen it with ALTER TABLE {TABLE} ALTER COLUMN id TYPE bigint"
        )
    if types["strokes"] not in _TEXTS:
        raise StorageError(f"column strokes of table {TABLE} in the shared database must be json, jsonb or text")


def _reason(error: psycopg2.Error) -> str:
    """Why, in the server's own words where it spoke; libpq's, about connections, name hosts and users."""
    spoken = error.diag.message_primary
    if spoken and error.pgcode:
        return str(spoken).splitlines()[0]
    return "it can't be reached; the log of this dashboard says why"
