"""Contributed drawings in an SQLite file, the default store.

Table `samples (id, key, strokes)`; strokes is JSON text. Several processes may write at once (write-ahead log,
immediate transactions, busy timeout). A drawing is on disk when `add` returns. A full disk or a lock that is held
too long raises an error and leaves the stored drawings unchanged. `extexify.sources.sqlite` reads the file.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extexify.access import permissions
from extexify.drawing.strokes import drawing_from_lists, strokes_json
from extexify.sources.base import shown_path
from extexify.sources.rows import checked_key
from extexify.sources.sqlite import connect_read_only
from extexify.workspace.files import StorageError

APPLICATION_ID = 0x65787478  # "extx", in the field of SQLite's header that identifies file formats
SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS samples (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL CHECK (key <> ''),
    strokes TEXT NOT NULL CHECK (json_valid(strokes))
) STRICT
"""

FIRST_CONTRIBUTION_ID, LAST_CONTRIBUTION_ID = 2**40, 2**52 - 1
"""Range of the ids of contributions, above the 32-bit ids of dumps and below those of starter drawings."""

_STATE = """
SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version),
    (SELECT count(*) FROM sqlite_master)
"""

_BUSY_SECONDS = 30.0


class SqliteStore:
    """A store in an SQLite file (see `extexify.contributions.store.ContributionStore`).

    Ids are FIRST_CONTRIBUTION_ID to LAST_CONTRIBUTION_ID and grow with every drawing, even if the clock is set back,
    so that `count(after=…)` counts the new ones.
    """

    @permissions.operators_only
    def __init__(self, path: Path) -> None:
        """Open or create the store. Raises `StorageError` if the file is something else or can't be written."""
        self.path = path
        self._name = shown_path(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._connect()) as connection:
                self._prepare(connection)
        except StorageError:
            raise
        except (sqlite3.Error, OSError) as error:
            raise StorageError(f"{self._name} can't be used as a store of drawings ({error})") from None

    @permissions.operators_only
    def add(self, key: str, drawing: Sequence[NDArray[np.floating]]) -> int:
        """Store a drawing with its key, durably, and return its new id.

        Raises `BadDrawing` for a key or drawing that an export would leave out, `StorageError` when the file can't be
        written.
        """
        strokes = checked_strokes(key, drawing)
        try:
            with closing(self._connect()) as connection, connection:
                # Immediate, so that no other writer chooses an id at the same time.
                connection.execute("BEGIN IMMEDIATE")
                last = connection.execute(
                    "SELECT coalesce(max(id), 0) FROM samples WHERE id <= ?", (LAST_CONTRIBUTION_ID,)
                ).fetchone()[0]
                identifier = id_after(last)
                connection.execute("INSERT INTO samples VALUES (?, ?, ?)", (identifier, key, strokes))
                return identifier
        except sqlite3.Error as error:
            raise StorageError(f"the drawing could not be stored in {self._name} ({error})") from None

    @permissions.operators_only
    def remove(self, identifier: int) -> None:
        """Delete the drawing with this id, if there is one. Raises `StorageError` when the file can't be written."""
        try:
            with closing(self._connect()) as connection:
                connection.execute("DELETE FROM samples WHERE id = ?", (identifier,))
        except sqlite3.Error as error:
            raise StorageError(f"the drawing could not be taken out of {self._name} ({error})") from None

    def count(self, after: int = 0) -> int:
        """The number of drawings with an id above `after`. Raises `StorageError` when the file can't be read."""
        try:
            with closing(self._connect()) as connection:
                return int(connection.execute("SELECT count(*) FROM samples WHERE id > ?", (after,)).fetchone()[0])
        except sqlite3.Error as error:
            raise StorageError(f"{self._name} can't be read as a store of drawings ({error})") from None

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        # With a write-ahead log, the default (normal) may lose the last transactions in a power failure.
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if self._is_ready(connection):
            return
        _until_unlocked(lambda: connection.execute("PRAGMA journal_mode = WAL"))
        with connection:
            # One transaction, so that a crash leaves an empty file and not tables without the application id.
            connection.execute("BEGIN IMMEDIATE")
            if not self._is_ready(connection):  # another process may have created them since
                connection.execute(_SCHEMA)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _is_ready(self, connection: sqlite3.Connection) -> bool:
        """Whether the file is a store; False for an empty file. Raises `StorageError` for any other file."""
        # A single statement, because another process might create the tables between two.
        application, version, tables = connection.execute(_STATE).fetchone()
        if application != APPLICATION_ID:
            if application or version or tables:
                raise StorageError(f"{self._name} is the SQLite file of another program; name another file")
            return False
        if version > SCHEMA_VERSION:
            raise StorageError(f"{self._name} was written by a newer Extexify (version {version}); update the program")
        return True


def _until_unlocked(change: Callable[[], object]) -> None:
    """Retry `change` while the file is locked: SQLite's busy timeout doesn't apply to changes of the journal mode."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            change()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def count_by_key(path: Path, after: int = 0) -> dict[str, int]:
    """The number of drawings of each key with an id above `after` in a store's file; changes nothing there.

    Raises `StorageError` when the file can't be read or isn't a store.
    """
    try:
        with closing(connect_read_only(path)) as connection:
            if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                raise StorageError(f"{shown_path(path)} is no store of drawings")
            query = "SELECT key, count(*) FROM samples WHERE id > ? GROUP BY key"
            return {str(key): int(count) for key, count in connection.execute(query, (after,))}
    except (sqlite3.Error, OSError) as error:
        raise StorageError(f"{shown_path(path)} can't be read as a store of drawings ({error})") from None


def checked_strokes(key: str, drawing: Sequence[NDArray[np.floating]]) -> str:
    """A drawing as strokes JSON. Raises `BadDrawing` for a key or drawing that an export would leave out."""
    checked_key(key)
    drawing_from_lists([stroke.tolist() for stroke in drawing])
    return strokes_json(drawing).decode()


def id_after(last: int) -> int:
    """The id of a new drawing in a store whose highest id is `last` (0: none yet)."""
    return max(last + 1, _time_based_id())


def _time_based_id() -> int:
    """Milliseconds since 1970 followed by ten random bits, about 2^51 in this century.

    FIRST_CONTRIBUTION_ID if the clock is so wrong that the id would be out of range.
    """
    identifier = (time.time_ns() // 1_000_000 << 10) | random.getrandbits(10)
    return identifier if FIRST_CONTRIBUTION_ID <= identifier <= LAST_CONTRIBUTION_ID else FIRST_CONTRIBUTION_ID
