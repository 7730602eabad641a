"""The moderation list of a public demo: drawings that visitors named, until an operator accepts or rejects them.

An SQLite file of the workspace with a rollback journal and not a write-ahead log, whose shared memory needs all writers
on one machine: several servers may share the workspace. Each change is a transaction of its own and on the disk when
the method returns. Nothing said to visitors names a path.
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

import numpy as np
import orjson
from numpy.typing import NDArray

from extexify.access import permissions
from extexify.contributions.contributions import Contributions
from extexify.contributions.sqlite_store import checked_strokes
from extexify.core import settings
from extexify.drawing.strokes import BadDrawing, Drawing, parse_strokes
from extexify.workspace.files import StorageError

APPLICATION_ID = 0x6578746D  # "extm"

MOST_POINTS = 4_000
"""Points of a drawing, several times what people's drawings have. On the disk that is 100 kB at most."""

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
_CLAIM = 120.0  # seconds after which an operator who is accepting a drawing counts as having failed
_BUSY_SECONDS = 10.0

Answer = TypeVar("Answer")

Said = tuple[str, float]
"""One of the model's answers: a key and its probability."""


class TooMany(ValueError):
    """No more drawings can be taken now; the message is one sentence."""


@dataclass(frozen=True)
class Offer:
    """A drawing that waits: the symbol's key that its visitor chose, what which model answered, and when that was."""

    id: int
    key: str
    drawing: Drawing
    model: str
    said: tuple[Said, ...]
    when: datetime


class ModerationList:
    """The list in a file, which is made with its first drawing; several processes may use it at once."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since 1970."""
        self.path = path
        self._clock = clock

    def offer(self, key: str, drawing: Sequence[NDArray[np.floating]], model: str, said: Sequence[Said]) -> int:
        """Put a drawing on the list; returns its number there.

        Raises `TooMany` when the settings' limits are reached or the drawing is very long, `BadDrawing` for one that
        an export would leave out, `StorageError` when the list can't be written.
        """
        if sum(map(len, drawing)) > MOST_POINTS:
            raise TooMany("it is too long")
        strokes = checked_strokes(key, drawing)
        hour, most = settings.count_of(settings.HOUR_LIMIT), settings.count_of(settings.WAITING_LIMIT)

        def insert(connection: sqlite3.Connection) -> int:
            now = self._clock()
            # What lies ahead by more than clocks of several machines differ is from before this one was set back.
            connection.execute("DELETE FROM hour WHERE abs(? - offered) >= ?", (now, _HOUR))
            if _count(connection, "hour") >= hour:
                raise TooMany("visitors have sent as many drawings as can be taken in an hour: try again later")
            if _count(connection, "waiting") >= most:
                raise TooMany("so many drawings wait to be looked at that no more can be taken now")
            connection.execute("INSERT INTO hour VALUES (?)", (now,))
            row = (key, strokes, model, orjson.dumps(said).decode(), now)
            query = "INSERT INTO waiting (key, strokes, model, said, offered) VALUES (?, ?, ?, ?, ?)"
            return int(connection.execute(query, row).lastrowid or 0)

        return self._change(insert)

    def withdraw(self, number: int) -> bool:
        """Take back what `offer` put there; False when somebody has accepted or rejected it. Raises `StorageError`."""
        query = "DELETE FROM waiting WHERE id = ? AND claimed = 0"
        return self._change(lambda connection: connection.execute(query, (number,)).rowcount > 0)

    @permissions.operators_only
    def count(self) -> int:
        """How many drawings wait. Raises `StorageError`."""
        return self._change(lambda connection: _count(connection, "waiting")) if self.path.exists() else 0

    @permissions.operators_only
    def offers(self, most: int) -> list[Offer]:
        """The drawings that have waited longest, at most so many. Raises `StorageError`."""
        query = "SELECT id, key, strokes, model, said, offered FROM waiting ORDER BY id LIMIT ?"
        if not self.path.exists():
            return []
        return [_offer(row) for row in self._change(lambda connection: connection.execute(query, (most,)).fetchall())]

    @permissions.operators_only
    def accept(self, numbers: Iterable[int], store: Contributions) -> int:
        """Move drawings into a store; returns how many went there, without those that somebody else has moved.

        Each is in the store before it leaves the list: after a crash in between it waits again. Raises `StorageError`
        when the store or the list can't be written; what was moved until then stays moved.
        """
        return sum(self._accept(number, store) for number in numbers)

    @permissions.operators_only
    def reject(self, numbers: Iterable[int]) -> int:
        """Remove drawings for good; returns how many were there. Raises `StorageError`."""
        rows = [(number,) for number in numbers]
        query = "DELETE FROM waiting WHERE id = ?"
        return self._change(lambda connection: connection.executemany(query, rows).rowcount)

    def _accept(self, number: int, store: Contributions) -> bool:
        now = self._clock()

        # Claimed and not locked: the store may be a database that takes its time, and visitors go on meanwhile.
        def claim(connection: sqlite3.Connection) -> tuple[str, str] | None:
            query = "UPDATE waiting SET claimed = ? WHERE id = ? AND abs(? - claimed) > ? RETURNING key, strokes"
            row: tuple[str, str] | None = connection.execute(query, (now, number, now, _CLAIM)).fetchone()
            return row

        claimed = self._change(claim)
        if claimed is None:
            return False
        try:
            store.add(claimed[0], _drawing(claimed[1]))
        except (StorageError, BadDrawing):
            self._change(
                lambda connection: connection.execute("UPDATE waiting SET claimed = 0 WHERE id = ?", (number,))
            )
            raise
        self._change(lambda connection: connection.execute("DELETE FROM waiting WHERE id = ?", (number,)))
        return True

    def _change(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Do the work in a connection and a transaction of its own."""
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
        """Make the tables of a new file. Raises `StorageError` for a file of another program."""
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
    """Why, without any path."""
    return str(error.strerror) if isinstance(error, OSError) and error.strerror else str(error)


def _offer(row: tuple[int, str, str, str, str, float]) -> Offer:
    number, key, strokes, model, said, offered = row
    answers = tuple((str(answer), float(probability)) for answer, probability in orjson.loads(said))
    return Offer(number, key, _drawing(strokes), model, answers, datetime.fromtimestamp(offered).astimezone())


def _drawing(strokes: str) -> Drawing:
    """The strokes of a row, which were checked before they were stored."""
    return parse_strokes(strokes.encode())
