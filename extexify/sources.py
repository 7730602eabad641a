"""Where samples come from: a pg_dump text dump, a PostgreSQL database, an embedded SQLite store.

Each source is a stream of raw rows (id, key, strokes JSON); `extexify.export` checks them one at a
time. Nothing is read whole, so memory doesn't grow with the source.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from extexify import permissions
from extexify.sentences import Sentence, printable
from extexify.strokes import Drawings

TABLE = "samples"
COLUMNS = ("id", "key", "strokes")

POSTGRES = ("postgresql://", "postgres://")
"""How the address of a PostgreSQL database begins."""

ENVIRONMENT = "env:"
"""What stands before the name of an environment variable that holds an address."""

_BUSY_SECONDS = 30.0

_LONGEST_CELL = 64 * 1024 * 1024  # bytes of an SQLite file's cell or row; drawings take up to 8 MB


class SourceError(Sentence, ValueError):
    """A source that can't be read; the message is one sentence that names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it stands in the source, unchecked; None is NULL.

    A row whose text is longer than any drawing's comes with `oversized` and without its strokes.
    """

    id: bytes | int | None
    key: bytes | str | None
    strokes: bytes | str | None
    oversized: bool = False


@dataclass(frozen=True, slots=True)
class PlainRows:
    """Rows that follow one another in a source, read at once: n ids and good drawings, keys still to be checked."""

    ids: NDArray[np.int64]
    keys: list[bytes]
    drawings: Drawings


class Source(Protocol):
    """A stream of rows. `name` may be shown anywhere: it holds no password."""

    name: str
    unit: str
    """What `position` counts: "bytes" or "rows"."""

    def rows(self) -> Generator[Row]:
        """All rows, once. Raises `SourceError`."""
        ...

    def position(self) -> tuple[int, int | None]:
        """How far reading has come and the end (None: not known yet), in `unit`s."""
        ...


@runtime_checkable
class QuickSource(Source, Protocol):
    """A source that can read many rows at once."""

    def quick_rows(self) -> Generator[Row | PlainRows]:
        """All rows, once, in the same order; those of the plain form many at a time. Raises `SourceError`."""
        ...


@permissions.operators_only
def open_source(address: str, *, shards: int = 1) -> Source:
    """The source that an address names: `postgresql://…`, `env:NAME` for an environment variable that holds such an
    address (which is then shown and stored nowhere), `starter` with or without options (see `extexify.starter`), or
    the path of a dump or an SQLite file; a file named starter is `./starter`.

    `shards` is how many processes read an export's rows from PostgreSQL; it means nothing to other sources.

    Raises `SourceError` for an address that is none of these.
    """
    if address.startswith(POSTGRES):
        return _postgres(address, shards=shards)
    if address.startswith(ENVIRONMENT):
        return _source_of_variable(address.removeprefix(ENVIRONMENT), shards)
    if address.partition(":")[0] == "starter":
        from extexify.starter import StarterSource

        return StarterSource.from_address(address)
    if "://" in address:
        raise SourceError(f"{address.split('://')[0]}:// is no address of a source: use postgresql:// or a file's path")
    try:
        path = Path(address).expanduser()
        if not path.exists():
            raise SourceError(f"{path} does not exist")
        if not path.is_file():
            raise SourceError(f"{path} is not a file: name a dump (.sql, .sql.gz) or an SQLite file")
        with path.open("rb") as file:
            head = file.read(16)
    except (OSError, RuntimeError) as error:  # RuntimeError: a home folder that nobody has
        why = error.strerror if isinstance(error, OSError) else error
        raise SourceError(f"{address} can't be read: {why}") from None
    if head == b"SQLite format 3\x00":
        return SqliteSource(path)
    from extexify.dump import DumpSource

    return DumpSource(path)


def check_source(source: Source) -> None:
    """Read a source up to its first row. Raises `SourceError` when it can't be read, is of another kind or empty."""
    with closing(source.rows()) as rows:
        if next(rows, None) is None:
            raise SourceError(f"{source.name} is empty: its table {TABLE} has no rows")


def _postgres(address: str, *, alias: str = "", shards: int) -> Source:
    if shards != 1:
        from extexify.postgres_shards import ShardedPostgresSource

        return ShardedPostgresSource(address, alias=alias, shards=shards)
    from extexify.postgres import PostgresSource

    return PostgresSource(address, alias=alias)


def _source_of_variable(name: str, shards: int) -> Source:
    address = os.environ.get(name, "").strip()
    if not address.startswith(POSTGRES):
        state = "holds no such address" if address else "isn't set"
        raise SourceError(f"{ENVIRONMENT}{name} stands for a postgresql:// address, but the variable {name} {state}")
    return _postgres(address, alias=f"PostgreSQL ({ENVIRONMENT}{name})", shards=shards)


def shown_path(path: Path) -> str:
    """A path as text that can be stored and shown anywhere: file names may hold bytes that are no text."""
    return printable(os.fsencode(path).decode("utf-8", "replace"))


class SqliteSource:
    """The rows of table `samples` in an SQLite file, such as the embedded store."""

    unit = "rows"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = shown_path(path)
        self._read = 0
        self._total: int | None = None

    def rows(self) -> Generator[Row]:
        """All rows in the order of their ids, as they are when reading begins.

        Raises `SourceError` for a file that is damaged or lacks the table or a column.
        """
        self._read = 0
        try:
            with closing(self._connect()) as connection:
                # One read transaction: writers may go on, this stream doesn't see them.
                connection.execute("BEGIN")
                self._check(connection)
                connection.text_factory = bytes
                self._total = connection.execute(f"SELECT count(*) FROM {TABLE}").fetchone()[0]
                for identifier, key, strokes in connection.execute(f"SELECT id, key, strokes FROM {TABLE} ORDER BY id"):
                    self._read += 1
                    number = identifier if isinstance(identifier, int) else _text(identifier)
                    yield Row(number, _text(key), _text(strokes))
        except (sqlite3.Error, UnicodeDecodeError) as error:  # which may quote what is no text
            raise SourceError(
                f"{self.name} can't be read as a store of drawings ({error}): it needs a table {TABLE} "
                f"with the columns {', '.join(COLUMNS)}"
            ) from None

    def _check(self, connection: sqlite3.Connection) -> None:
        """Raise `SourceError` unless reading table `samples` takes the time and memory that the file's size promises.

        A file that somebody made for that purpose has views without end, or pages that stand for many others.
        """
        connection.text_factory = lambda text: text.decode("utf-8", "replace")  # what a damaged file calls its columns
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_CELL)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA ignore_check_constraints = ON")  # what is checked below is the file's structure
        is_view = connection.execute(
            "SELECT count(*) FROM sqlite_master WHERE lower(name) = ? AND (type <> 'table' OR rootpage = 0)", (TABLE,)
        )
        is_computed = connection.execute("SELECT count(*) FROM pragma_table_xinfo(?) WHERE hidden > 1", (TABLE,))
        if is_view.fetchone()[0] or is_computed.fetchone()[0]:
            raise SourceError(f"{self.name} can't be read as a store of drawings: its {TABLE} is no plain table")
        ((found, *_),) = connection.execute(f"PRAGMA quick_check({TABLE})").fetchmany(1)
        if found != "ok":
            raise SourceError(f"{self.name} is damaged ({found}): make the file anew")

    def _connect(self) -> sqlite3.Connection:
        address = f"{self.path.resolve().as_uri()}?mode=ro"
        connection = sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS)
        try:
            connection.execute("SELECT count(*) FROM sqlite_master")
            return connection
        except sqlite3.OperationalError as error:
            connection.close()
            # In a folder that can't be written, SQLite can't make the shared memory of a write-ahead log and
            # refuses; but then there is no writer either, and without a log the file is all there is.
            refused = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
            if not refused or self.path.with_name(self.path.name + "-wal").exists():
                raise
        return sqlite3.connect(f"{address}&immutable=1", uri=True)

    def position(self) -> tuple[int, int | None]:
        return self._read, self._total


def _text(value: object) -> bytes | None:
    """SQLite columns hold any type; what isn't text is written out and left to the row's check."""
    return value if isinstance(value, bytes) or value is None else str(value).encode()
