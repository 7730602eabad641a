"""An SQLite file as a source, such as the embedded store of contributed drawings."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

from extexify.sources.base import COLUMNS, TABLE, Row, SourceError, shown_path

_BUSY_SECONDS = 30.0

_MAX_CELL = 64 * 1024 * 1024  # bytes of a cell or row; drawings have up to 8 MB


class SqliteSource:
    """The rows of table `samples` in an SQLite file."""

    unit = "rows"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = shown_path(path)
        self._read = 0
        self._total: int | None = None

    def rows(self) -> Generator[Row]:
        """All rows, ordered by id, as they are when reading begins.

        Raises `SourceError` for a file that is damaged or lacks the table or a column.
        """
        self._read = 0
        try:
            with closing(connect_read_only(self.path)) as connection:
                # One read transaction, which later writes don't affect.
                connection.execute("BEGIN")
                self._check(connection)
                connection.text_factory = bytes
                self._total = connection.execute(f"SELECT count(*) FROM {TABLE}").fetchone()[0]
                for identifier, key, strokes in connection.execute(f"SELECT id, key, strokes FROM {TABLE} ORDER BY id"):
                    self._read += 1
                    number = identifier if isinstance(identifier, int) else _text(identifier)
                    yield Row(number, _text(key), _text(strokes))
        except (sqlite3.Error, UnicodeDecodeError) as error:  # messages may quote invalid UTF-8
            raise SourceError(
                f"{self.name} can't be read as a store of drawings ({error}): it needs a table {TABLE} "
                f"with the columns {', '.join(COLUMNS)}"
            ) from None

    def _check(self, connection: sqlite3.Connection) -> None:
        """Raise `SourceError` unless table `samples` is a plain, undamaged table.

        Then reading takes time and memory in proportion to the file's size. A malicious file could have an endless
        view or computed column, or tree pages that are referenced many times.
        """
        connection.text_factory = lambda text: text.decode(
            "utf-8", "replace"
        )  # names in a damaged file may be invalid UTF-8
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_CELL)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA ignore_check_constraints = ON")  # quick_check is for the file's structure only
        is_view = connection.execute(
            "SELECT count(*) FROM sqlite_master WHERE lower(name) = ? AND (type <> 'table' OR rootpage = 0)", (TABLE,)
        )
        is_computed = connection.execute("SELECT count(*) FROM pragma_table_xinfo(?) WHERE hidden > 1", (TABLE,))
        if is_view.fetchone()[0] or is_computed.fetchone()[0]:
            raise SourceError(f"{self.name} can't be read as a store of drawings: its {TABLE} is no plain table")
        ((found, *_),) = connection.execute(f"PRAGMA quick_check({TABLE})").fetchmany(1)
        if found != "ok":
            raise SourceError(f"{self.name} is damaged ({found}): make the file anew")

    def position(self) -> tuple[int, int | None]:
        return self._read, self._total


def connect_read_only(path: Path) -> sqlite3.Connection:
    """A connection that reads an SQLite file, also in a folder that can't be written. Raises sqlite3.Error."""
    address = f"{path.resolve().as_uri()}?mode=ro"
    connection = sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master")
        return connection
    except sqlite3.OperationalError as error:
        connection.close()
        # In a read-only folder SQLite can't create the shared memory of a write-ahead log and fails. Without a log
        # the file is complete, and as there can be no writer, it may be opened as immutable.
        refused = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
        if not refused or path.with_name(path.name + "-wal").exists():
            raise
    return sqlite3.connect(f"{address}&immutable=1", uri=True)


def _text(value: object) -> bytes | None:
    """A cell as bytes: SQLite columns may have values of any type, which the check of rows then rejects."""
    return value if isinstance(value, bytes) or value is None else str(value).encode()
