"""The embedded store: an SQLite file of drawings that users contribute, and a source like the others.

Table `samples (id, key, strokes)`; strokes is JSON text. Writers in several processes take turns
(write-ahead log, immediate transactions, a busy timeout); each drawing is on the disk when `add`
returns, so a crash loses nothing that was confirmed. A full disk or a lock held too long is an error
that leaves the drawings before it as they were.
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
from extexify.workspace.files import StorageError

APPLICATION_ID = 0x65787478  # "extx", in SQLite's header field for telling file formats apart
SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS samples (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL CHECK (key <> ''),
    strokes TEXT NOT NULL CHECK (json_valid(strokes))
) STRICT
"""

FIRST_ID, LAST_ID = 2**40, 2**52 - 1

_STATE = """
SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version),
    (SELECT count(*) FROM sqlite_master)
"""

_BUSY_SECONDS = 30.0


class DrawingStore:
    """Adds drawings to an SQLite file, which is made with the first one.

    Ids grow with every drawing and lie from 2^40 to 2^52 - 1: above every 32-bit serial number, so that
    they meet no id of a dump, and below the ids that an export gives out itself. Growing ids keep the
    splits of earlier drawings as they were; a clock that jumps changes nothing in that.
    """

    @permissions.operators_only
    def __init__(self, path: Path) -> None:
        """Open or make the store. Raises `StorageError` when the file can't be one."""
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
        """Store a drawing under a symbol's key and return its new id; it is on the disk then.

        Raises `BadDrawing` for a key or strokes that an export would leave out, `StorageError` when the
        file can't be written.
        """
        strokes = checked_strokes(key, drawing)
        try:
            with closing(self._connect()) as connection, connection:
                # Immediate: the id is chosen while no other writer can be choosing one.
                connection.execute("BEGIN IMMEDIATE")
                last = connection.execute(
                    "SELECT coalesce(max(id), 0) FROM samples WHERE id <= ?", (LAST_ID,)
                ).fetchone()[0]
                identifier = id_after(last)
                connection.execute("INSERT INTO samples VALUES (?, ?, ?)", (identifier, key, strokes))
                return identifier
        except sqlite3.Error as error:
            raise StorageError(f"the drawing could not be stored in {self._name} ({error})") from None

    @permissions.operators_only
    def remove(self, identifier: int) -> None:
        """Take the drawing with this id out again; nothing happens when there is none.

        Raises `StorageError` when the file can't be written.
        """
        try:
            with closing(self._connect()) as connection:
                connection.execute("DELETE FROM samples WHERE id = ?", (identifier,))
        except sqlite3.Error as error:
            raise StorageError(f"the drawing could not be taken out of {self._name} ({error})") from None

    def count(self, after: int = 0) -> int:
        """How many drawings the store holds with an id above `after`: all of them, since ids are positive.

        Raises `StorageError` when the file can't be read.
        """
        try:
            with closing(self._connect()) as connection:
                return int(connection.execute("SELECT count(*) FROM samples WHERE id > ?", (after,)).fetchone()[0])
        except sqlite3.Error as error:
            raise StorageError(f"{self._name} can't be read as a store of drawings ({error})") from None

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        # Full: with the write-ahead log, the default may lose the last transactions in a power failure.
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if self._is_ready(connection):
            return
        _until_unlocked(lambda: connection.execute("PRAGMA journal_mode = WAL"))
        with connection:
            # One transaction: a crash leaves an empty file, never tables that nobody owns.
            connection.execute("BEGIN IMMEDIATE")
            if not self._is_ready(connection):  # another process may have been quicker
                connection.execute(_SCHEMA)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _is_ready(self, connection: sqlite3.Connection) -> bool:
        """Whether the file is a store already; False for an empty one. Raises `StorageError` for any other."""
        # One statement reads one state of the file: between two, another process might make its tables.
        application, version, tables = connection.execute(_STATE).fetchone()
        if application != APPLICATION_ID:
            if application or version or tables:
                raise StorageError(f"{self._name} is the SQLite file of another program; name another file")
            return False
        if version > SCHEMA_VERSION:
            raise StorageError(f"{self._name} was written by a newer Extexify (version {version}); update the program")
        return True


def _until_unlocked(change: Callable[[], object]) -> None:
    """Try until no other process is in the way: SQLite waits for no lock when it changes the journal mode."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            change()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def checked_strokes(key: str, drawing: Sequence[NDArray[np.floating]]) -> str:
    """A drawing as the JSON that a store holds. Raises `BadDrawing` for what an export would leave out."""
    checked_key(key)
    drawing_from_lists([stroke.tolist() for stroke in drawing])
    return strokes_json(drawing).decode()


def id_after(last: int) -> int:
    """The id of a new drawing in a store whose highest id, of FIRST_ID to LAST_ID, is `last` (0: none yet)."""
    return max(last + 1, _id_of_now())


def _id_of_now() -> int:
    """Milliseconds since 1970 followed by ten random bits (about 2^51 in this century); of a clock that
    can't be right, the first id."""
    identifier = (time.time_ns() // 1_000_000 << 10) | random.getrandbits(10)
    return identifier if FIRST_ID <= identifier <= LAST_ID else FIRST_ID
