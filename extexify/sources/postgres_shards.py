"""A PostgreSQL table read by several processes at once, a range of ids each.

All processes see the same moment of the database, and their rows come in the order of the ids: what comes of it is what
a single process makes. README.md says what that gains.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from itertools import pairwise
from multiprocessing.connection import wait

import psycopg2
from psycopg2 import sql

from extexify.sources.base import COLUMNS, TABLE, SourceError
from extexify.sources.postgres import PostgresSource
from extexify.sources.rows import Batch, checked

MAX_SHARDS = 64

_RANGE_ROWS = 4096  # about 6 MB of points, which a process makes in a tenth of a second

Range = tuple[str | None, str | None]
"""Ids from the first on and below the second, as text; None: without end, NULL included above."""


class ShardedPostgresSource(PostgresSource):
    """The rows of table `samples`, read by `shards` processes."""

    def __init__(self, address: str, *, alias: str = "", shards: int) -> None:
        """Raises `SourceError` as `PostgresSource` does, and for a number of shards that isn't 1 to `MAX_SHARDS`."""
        super().__init__(address, alias=alias)
        if not 1 <= shards <= MAX_SHARDS:
            raise SourceError(f"the number of shards must be 1 to {MAX_SHARDS}, not {shards}")
        self._address, self._alias, self._shards = address, alias, shards

    def batches(self) -> Generator[Batch]:
        """All rows, checked, in the order of their ids.

        Raises `SourceError` as `rows` does, for a table without an index on id, and when a process dies.
        """
        self._read = 0
        with self.reading() as connection:
            with connection.cursor() as cursor:
                self._total = self._count(cursor)
                ranges = self._ranges(cursor)
                cursor.execute("SELECT pg_export_snapshot()")
                (snapshot,) = cursor.fetchone()
            for batch in self._from_processes(ranges, snapshot):
                self._read += batch.rows
                yield batch

    def _ranges(self, cursor: psycopg2.extensions.cursor) -> list[Range]:
        """Ranges of ids that together hold all rows, of equal numbers of rows."""
        cursor.execute(_INDEXED, (TABLE,))
        if cursor.fetchone() is None:
            raise SourceError(
                f"table {TABLE} in {self.name} has no index that begins with id, so that each shard would read all of "
                "it: make one (CREATE INDEX), or export without --shards"
            )
        cursor.execute(_CUTS.format(table=sql.Identifier(TABLE), rows=sql.Literal(_RANGE_ROWS)))
        cuts = list(dict.fromkeys(cut for (cut,) in cursor.fetchall()))
        return list(pairwise([None, *cuts, None]))

    def _from_processes(self, ranges: list[Range], snapshot: str) -> Iterator[Batch]:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["extexify.sources.postgres_shards", "extexify.sources.copy_scanner"])
        pool = ProcessPoolExecutor(
            min(self._shards, len(ranges)), context, _begin, (self._address, self._alias, snapshot)
        )
        coming: deque[Future[list[Batch]]] = deque()
        try:
            for each in ranges:
                coming.append(pool.submit(_read_range, each))
                if len(coming) > 2 * self._shards:  # enough that no process waits, and no more in memory
                    yield from coming.popleft().result()
            while coming:
                yield from coming.popleft().result()
        except BrokenProcessPool:
            raise SourceError(
                f"a process that read {self.name} has died; is there enough memory? Try fewer shards"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


_INDEXED = """
    SELECT true FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
    WHERE indrelid = to_regclass(%s) AND attname = 'id' AND indisvalid AND indpred IS NULL
"""

_CUTS = sql.SQL("""
    SELECT id::text FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM {table} WHERE id IS NOT NULL) AS ids
    WHERE number > 1 AND number % {rows} = 1 ORDER BY number
""")


# --- in a process -------------------------------------------------------------------------------


class _Reader:
    """What a process reads with: a connection that sees what all others see."""

    def __init__(self, source: PostgresSource, snapshot: str) -> None:
        self._source, self._snapshot = source, snapshot
        self._open = ExitStack()  # until the process ends
        self._connection: psycopg2.extensions.connection | None = None

    def read(self, low: str | None, high: str | None) -> list[Batch]:
        """The rows of a range of ids, checked."""
        connection = self._connection
        if connection is None:
            connection = self._connection = self._open.enter_context(self._source.reading())
            with self._source.errors_of(connection), connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION SNAPSHOT %s", (self._snapshot,))
        with self._source.errors_of(connection):
            return list(checked(self._source.stream(connection, quick=True, where=_condition(low, high))))


_reader: _Reader | None = None


def _begin(address: str, alias: str, snapshot: str) -> None:
    """Prepare a process. It says nothing when Ctrl-C reaches it, too, and ends with the one that started it."""
    global _reader
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end_with_parent() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
    _reader = _Reader(PostgresSource(address, alias=alias), snapshot)


def _read_range(ids: Range) -> list[Batch]:
    assert _reader is not None
    return _reader.read(*ids)


def _condition(low: str | None, high: str | None) -> sql.Composable:
    """The SQL that chooses a range of ids; a literal of text has no type yet, and takes that of the column."""
    identifier = sql.Identifier(COLUMNS[0])
    above = sql.SQL("{} >= {}").format(identifier, sql.Literal(low)) if low is not None else sql.SQL("true")
    if high is not None:
        return sql.SQL("{} AND {} < {}").format(above, identifier, sql.Literal(high))
    return sql.SQL("({} OR {} IS NULL)").format(above, identifier)
