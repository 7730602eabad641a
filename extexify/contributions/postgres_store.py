"""Contributed drawings in a PostgreSQL database, for dashboards that run on several machines.

Table `samples (id, key, strokes)` as in Detexify's database, which `extexify.sources.postgres.PostgresSource` reads.
Error messages contain no address, since visitors see them; the details, without the password, are logged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TypeVar

import numpy as np
import psycopg2
from numpy.typing import NDArray

from extexify.contributions.sqlite_store import FIRST_CONTRIBUTION_ID, LAST_CONTRIBUTION_ID, checked_strokes, id_after
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

_ADVISORY_LOCK = 0x65787478  # "extx"
_LOCK_TIMEOUT = "30s"

_ID_TYPES = ("bigint", "numeric")
_STROKES_TYPES = ("json", "jsonb", "text", "character varying")

T = TypeVar("T")


class PostgresStore:
    """A store in table `samples` of a database (see `extexify.contributions.store.ContributionStore`).

    The table is created with the first drawing; an existing one is found by the connection's search path, and its
    strokes may be json, jsonb or text. Ids follow the rule of `extexify.contributions.sqlite_store.SqliteStore`.
    """

    def __init__(self, address: str) -> None:
        """Parse the address without connecting. Raises `StorageError` if it isn't a valid one."""
        try:
            self._parts = connection_parts(address)
        except SourceError as error:
            raise StorageError(str(error)) from None

    def add(self, key: str, drawing: Sequence[NDArray[np.floating]]) -> int:
        """Store a drawing with its key, committed, and return its new id.

        Raises `BadDrawing` for a key or drawing that an export would leave out, `StorageError` when the database
        can't be written.
        """
        strokes = checked_strokes(key, drawing)

        def insert(cursor: psycopg2.extensions.cursor) -> int:
            # The lock covers the creation of the table and the choice of an id.
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_ADVISORY_LOCK,))
            _prepare(cursor)
            cursor.execute(
                f"SELECT coalesce(max(id), 0) FROM {TABLE} WHERE id BETWEEN %s AND %s",
                (FIRST_CONTRIBUTION_ID, LAST_CONTRIBUTION_ID),
            )
            identifier = id_after(int(cursor.fetchone()[0]))
            cursor.execute(f"INSERT INTO {TABLE} (id, key, strokes) VALUES (%s, %s, %s)", (identifier, key, strokes))
            return identifier

        return self._transaction(insert, "the drawing could not be stored in the shared database")

    def remove(self, identifier: int) -> None:
        """Delete the drawing with this id, if there is one. Raises `StorageError`."""

        def delete(cursor: psycopg2.extensions.cursor) -> None:
            if _exists(cursor):
                cursor.execute(f"DELETE FROM {TABLE} WHERE id = %s", (identifier,))

        self._transaction(delete, "the drawing could not be taken out of the shared database")

    def count(self, after: int = 0) -> int:
        """The number of drawings with an id above `after`. Raises `StorageError` if the database can't be read."""

        def select(cursor: psycopg2.extensions.cursor) -> int:
            if not _exists(cursor):
                return 0
            cursor.execute(f"SELECT count(*) FROM {TABLE} WHERE id > %s", (after,))
            return int(cursor.fetchone()[0])

        return self._transaction(select, "the drawings in the shared database can't be counted")

    def count_by_key(self, after: int = 0) -> dict[str, int]:
        """The number of drawings of each key with an id above `after`. Raises `StorageError` as `count` does."""

        def select(cursor: psycopg2.extensions.cursor) -> dict[str, int]:
            if not _exists(cursor):
                return {}
            cursor.execute(f"SELECT key, count(*) FROM {TABLE} WHERE id > %s GROUP BY key", (after,))
            return {str(key): int(count) for key, count in cursor.fetchall()}

        return self._transaction(select, "the drawings in the shared database can't be counted")

    def _transaction(self, work: Callable[[psycopg2.extensions.cursor], T], failure: str) -> T:
        """The result of `work`, which runs in one connection and one transaction."""
        try:
            with closing(psycopg2.connect(**self._parts)) as connection, connection, connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", (_LOCK_TIMEOUT,))
                return work(cursor)
        except psycopg2.Error as error:
            _log.warning("%s: %s", failure, error)
            raise StorageError(f"{failure} ({_reason(error)})") from None


def _exists(cursor: psycopg2.extensions.cursor) -> bool:
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (TABLE,))
    return bool(cursor.fetchone()[0])


def _prepare(cursor: psycopg2.extensions.cursor) -> None:
    """Create the table if needed. Raises `StorageError` for an existing one that can't hold contributions."""
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
    if types["id"] not in _ID_TYPES:
        raise StorageError(
            f"column id of table {TABLE} in the shared database is too narrow for new drawings ({types['id']}): "
            f"widen it with ALTER TABLE {TABLE} ALTER COLUMN id TYPE bigint"
        )
    if types["strokes"] not in _STROKES_TYPES:
        raise StorageError(f"column strokes of table {TABLE} in the shared database must be json, jsonb or text")


def _reason(error: psycopg2.Error) -> str:
    """The server's message, if it sent one. libpq's own messages contain hosts and users."""
    message = error.diag.message_primary
    if message and error.pgcode:
        return str(message).splitlines()[0]
    return "it can't be reached; the log of this dashboard says why"
