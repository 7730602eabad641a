"""The moderation list of a public demo: drawings that visitors labelled, until an operator accepts or rejects them.

An SQLite file in the workspace. Its journal mode is rollback, because a write-ahead log needs all writers on one
machine, and several servers may share a workspace. Each change is one transaction, on disk when the method returns.
Error messages contain no path, since visitors see them.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
import orjson
from numpy.typing import NDArray

from extexify.access import permissions
from extexify.contributions.sqlite_store import checked_strokes
from extexify.contributions.store import ContributionStore
from extexify.core import settings
from extexify.core.errors import UserError
from extexify.drawing.strokes import BadDrawing, Drawing, parse_strokes
from extexify.workspace.files import StorageError

APPLICATION_ID = 0x6578746D  # "extm"

MAX_SUBMITTED_POINTS = 4_000
"""Limit on the points of a submitted drawing, several times what real drawings have; at most 100 kB on disk."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS waiting (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL CHECK (key <> ''),
    strokes TEXT NOT NULL CHECK (json_valid(strokes)),
    model TEXT NOT NULL,
    said TEXT NOT NULL CHECK (json_valid(said)),
    offered REAL NOT NULL,
    claimed REAL NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS hour (offered REAL NOT NULL) STRICT;
"""

_HOUR = 3600.0
_CLAIM_SECONDS = 120.0  # after which accepting a drawing counts as having failed
_BUSY_SECONDS = 10.0

T = TypeVar("T")

KeyProbability = tuple[str, float]
"""One of the model's predictions: a key and its probability."""


class LimitReached(UserError, ValueError):
    """A drawing is too long, or a limit on the number of submitted drawings is reached."""


@dataclass(frozen=True)
class PendingDrawing:
    """A drawing to be moderated: the key that the visitor chose, the model's name and predictions, and the time."""

    id: int
    key: str
    drawing: Drawing
    model: str
    predictions: tuple[KeyProbability, ...]
    when: datetime


class ModerationList:
    """The list in an SQLite file, created with the first drawing. Several processes may use it at once."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        """`clock` returns seconds since 1970."""
        self.path = path
        self._clock = clock

    def submit(
        self, key: str, drawing: Sequence[NDArray[np.floating]], model: str, predictions: Sequence[KeyProbability]
    ) -> int:
        """Add a drawing to the list and return its id there.

        Raises `LimitReached` when the drawing is too long or a limit of the settings is reached, `BadDrawing` for a
        drawing that an export would leave out, `StorageError` when the list can't be written.
        """
        if sum(map(len, drawing)) > MAX_SUBMITTED_POINTS:
            raise LimitReached("it is too long")
        strokes = checked_strokes(key, drawing)
        hour_limit = settings.count_of(settings.HOUR_LIMIT)
        waiting_limit = settings.count_of(settings.WAITING_LIMIT)

        def insert(connection: sqlite3.Connection) -> int:
            now = self._clock()
            # Times further ahead than an hour come from a clock that has been set back since.
            connection.execute("DELETE FROM hour WHERE abs(? - offered) >= ?", (now, _HOUR))
            if _count(connection, "hour") >= hour_limit:
                raise LimitReached("visitors have sent as many drawings as can be taken in an hour: try again later")
            if _count(connection, "waiting") >= waiting_limit:
                raise LimitReached("so many drawings wait to be looked at that no more can be taken now")
            connection.execute("INSERT INTO hour VALUES (?)", (now,))
            row = (key, strokes, model, orjson.dumps(predictions).decode(), now)
            query = "INSERT INTO waiting (key, strokes, model, said, offered) VALUES (?, ?, ?, ?, ?)"
            return int(connection.execute(query, row).lastrowid or 0)

        return self._transaction(insert)

    def withdraw(self, number: int) -> bool:
        """Remove a drawing that `submit` added; False if it has been accepted or rejected. Raises `StorageError`."""
        query = "DELETE FROM waiting WHERE id = ? AND claimed = 0"
        return self._transaction(lambda connection: connection.execute(query, (number,)).rowcount > 0)

    @permissions.operators_only
    def count(self) -> int:
        """The number of drawings on the list. Raises `StorageError`."""
        return self._transaction(lambda connection: _count(connection, "waiting")) if self.path.exists() else 0

    @permissions.operators_only
    def pending(self, limit: int) -> list[PendingDrawing]:
        """The oldest drawings of the list, at most `limit`. Raises `StorageError`."""
        query = "SELECT id, key, strokes, model, said, offered FROM waiting ORDER BY id LIMIT ?"
        if not self.path.exists():
            return []
        rows = self._transaction(lambda connection: connection.execute(query, (limit,)).fetchall())
        return [_pending(row) for row in rows]

    @permissions.operators_only
    def accept(self, numbers: Iterable[int], store: ContributionStore) -> int:
        """Move drawings into a store and return how many were moved; those that others have moved don't count.

        Each is stored before it is removed from the list: after a crash in between it is pending again. Raises
        `StorageError` when the store or the list can't be written; drawings moved before stay moved.
        """
        return sum(self._accept(number, store) for number in numbers)

    @permissions.operators_only
    def reject(self, numbers: Iterable[int]) -> int:
        """Delete drawings and return how many there were. Raises `StorageError`."""
        rows = [(number,) for number in numbers]
        query = "DELETE FROM waiting WHERE id = ?"
        return self._transaction(lambda connection: connection.executemany(query, rows).rowcount)

    def _accept(self, number: int, store: ContributionStore) -> bool:
        now = self._clock()

        # Claimed rather than locked: the store may be a slow database, and visitors continue to submit meanwhile.
        def claim(connection: sqlite3.Connection) -> tuple[str, str] | None:
            query = "UPDATE waiting SET claimed = ? WHERE id = ? AND abs(? - claimed) > ? RETURNING key, strokes"
            row: tuple[str, str] | None = connection.execute(query, (now, number, now, _CLAIM_SECONDS)).fetchone()
            return row

        claimed = self._transaction(claim)
        if claimed is None:
            return False
        try:
            store.add(claimed[0], _drawing(claimed[1]))
        except (StorageError, BadDrawing):
            self._transaction(
                lambda connection: connection.execute("UPDATE waiting SET claimed = 0 WHERE id = ?", (number,))
            )
            raise
        self._transaction(lambda connection: connection.execute("DELETE FROM waiting WHERE id = ?", (number,)))
        return True

    def _transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The result of `work`, which runs in one connection and one transaction."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
                connection.execute("PRAGMA synchronous = FULL")
                with connection:
                    connection.execute("BEGIN IMMEDIATE")
                    self._prepare(connection)
                    return work(connection)
        except (sqlite3.Error, OSError) as error:
            raise StorageError(f"the list of drawings that wait can't be used ({_reason(error)})") from None

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Create the tables of a new file. Raises OSError for a file of another program."""
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        if application == APPLICATION_ID:
            return
        if application or _count(connection, "sqlite_master"):
            raise OSError(None, "its file is another program's")
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def _count(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def _reason(error: Exception) -> str:
    """The error's message without a path."""
    return str(error.strerror) if isinstance(error, OSError) and error.strerror else str(error)


def _pending(row: tuple[int, str, str, str, str, float]) -> PendingDrawing:
    number, key, strokes, model, predictions, submitted = row
    try:
        pairs = msgspec.json.decode(predictions, type=tuple[KeyProbability, ...])
        when = datetime.fromtimestamp(submitted).astimezone()
    except (msgspec.DecodeError, ValueError, OverflowError, OSError):
        raise StorageError(f"drawing {number} in the list of drawings that wait is damaged") from None
    return PendingDrawing(number, key, _drawing(strokes), model, pairs, when)


def _drawing(strokes: str) -> Drawing:
    """The drawing of a row. Raises `BadDrawing` if the row is damaged."""
    return parse_strokes(strokes.encode())
