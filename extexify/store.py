"""The embedded store: an SQLite file of drawings that users contribute, and a source like the others.

Table `samples (id, key, strokes)`; strokes is JSON text. Writers in several processes take turns
(write-ahead log, immediate transactions, a busy timeout); each drawing is on the disk when `add`
returns, so a crash loses nothing that was confirmed.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from extexify.storage import StorageError
from extexify.strokes import drawing_from_lists, strokes_json

APPLICATION_ID = 0x65787478  # "extx", in SQLite's header field for telling file formats apart
SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS samples (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL CHECK (key <> ''),
    strokes TEXT NOT NULL CHECK (json_valid(strokes))
) STRICT
"""

_BUSY_SECONDS = 30.0


class DrawingStore:
    """Adds drawings to an SQLite file, which is made with the first one.

    Ids grow with time and lie between 2^40 and 2^53: above every 32-bit serial number, so that they
    meet no id of a dump, and exact in JSON and JavaScript. Growing ids keep the splits of earlier
    drawings as they were.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the store. Raises `StorageError` when the file can't be one."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._connect()) as connection:
                self._prepare(connection)
        except (sqlite3.Error, OSError) as error:
            raise StorageError(f"{path} can't be used as a store of drawings ({error})") from None

    def add(self, key: str, drawing: Sequence[NDArray[np.floating]]) -> int:
        """Store a drawing under a symbol's key and return its new id; it is on the disk then.

        Raises ValueError for an empty key, `BadDrawing` for strokes that an export would leave out,
        `StorageError` when the file can't be written.
        """
        if not key:
            raise ValueError("a drawing needs the key of its symbol")
        strokes = strokes_json(drawing)
        drawing_from_lists([stroke.tolist() for stroke in drawing])
        try:
            with closing(self._connect()) as connection, connection:
                # Immediate: the id is chosen while no other writer can be choosing one.
                connection.execute("BEGIN IMMEDIATE")
                last = connection.execute("SELECT coalesce(max(id), 0) FROM samples").fetchone()[0]
                identifier = max(last + 1, _id_of_now())
                connection.execute("INSERT INTO samples VALUES (?, ?, ?)", (identifier, key, strokes.decode()))
                return identifier
        except sqlite3.Error as error:
            raise StorageError(f"the drawing could not be stored in {self.path} ({error})") from None

    def __len__(self) -> int:
        with closing(self._connect()) as connection:
            return int(connection.execute("SELECT count(*) FROM samples").fetchone()[0])

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        # Full: with the write-ahead log, the default may lose the last transactions in a power failure.
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        application, version = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        if application not in (0, APPLICATION_ID):
            raise StorageError(f"{self.path} is the SQLite file of another program; name another file")
        if version > SCHEMA_VERSION:
            raise StorageError(f"{self.path} was written by a newer Extexify (version {version}); update the program")
        connection.execute("PRAGMA journal_mode = WAL")
        if version < SCHEMA_VERSION:
            connection.execute(_SCHEMA)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _id_of_now() -> int:
    """Milliseconds since 1970 followed by ten random bits: about 2^51 in this century."""
    return (time.time_ns() // 1_000_000 << 10) | random.getrandbits(10)
