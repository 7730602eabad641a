"""A pg_dump text dump as a source, plain or gzipped; it is streamed and needs no database server."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

from extexify.core import settings
from extexify.sources.base import COLUMNS, TABLE, Row, SourceError, shown_path
from extexify.sources.copy import Lines, RowReader, read_ahead

_CHUNK = 1 << 20  # bytes

MAX_RATIO = 200
"""Maximum ratio of unpacked to packed size of a gzipped file. Dumps of drawings have 4; gzip can reach 1,030."""

_RATIO_CHECKED_FROM = 32 * 1024 * 1024  # unpacked bytes below which the ratio isn't checked

# Possessive quantifiers, so that matching is linear in the length of any line.
_NAME = r'(?:"(?:[^"]|"")++"|[^\s".(),;]++)'
_COPY = re.compile(
    rf"COPY\s++(?:{_NAME}\.)?(?P<table>{_NAME})(?:\s*+\((?P<columns>[^)]*+)\))?+\s++FROM\s++stdin\b.*;\s*",
    re.IGNORECASE,
)
_STATEMENT = re.compile(rb"^(?:COPY|INSERT INTO) ", re.IGNORECASE | re.MULTILINE)
_END_OF_TABLE = re.compile(rb"^\\\.\r*$", re.MULTILINE)
_INSERT = re.compile(rf'INSERT INTO (?:{_NAME}\.)?"?{TABLE}"?[ (]', re.IGNORECASE)

_OTHER_FORMATS = {
    b"PGDMP": "is in pg_dump's custom format: turn it into text with `pg_restore --file=dump.sql`",
    b"\xff\xfe": "is UTF-16 text, which PowerShell makes of redirected output: use pg_dump's option --file",
    b"PK\x03\x04": "is a ZIP archive: unpack it first",
    b"BZh": "is compressed with bzip2: unpack it first, or use gzip",
    b"\xfd7zXZ": "is compressed with xz: unpack it first, or use gzip",
    b"\x28\xb5\x2f\xfd": "is compressed with Zstandard: unpack it first, or use gzip",
}
"""First bytes of files that users have instead of a text dump, with what to do about it."""


class DumpSource:
    r"""The rows of every COPY block of table `samples` in a dump; other tables are skipped.

    A block begins with `COPY samples (id, key, strokes) FROM stdin;`, where the name may have a schema and the columns
    any order, and ends with a line `\.`.
    """

    unit = "bytes"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = shown_path(path)
        self._read = 0
        self._size = path.stat().st_size

    def position(self) -> tuple[int, int | None]:
        return self._read, self._size

    def rows(self) -> Generator[Row]:
        """All rows, in the order of the file.

        Raises `SourceError` for a file that is no dump, lacks the table or is truncated.
        """
        count = 0
        found = inserts = False
        reader: RowReader | None = None
        table = ""  # the table whose block is being read, "" between blocks
        with closing(read_ahead(self._unpack)) as chunks:
            lines = Lines(chunks)
            while True:
                if reader is None:  # between tables, or in another table
                    lines.skip_to(_END_OF_TABLE if table else _STATEMENT)
                if (next_line := next(lines, None)) is None:
                    break
                line, truncated = next_line
                if not table:
                    if line[:5].upper() == b"COPY " and (match := _COPY.fullmatch(line.decode("utf-8", "replace"))):
                        table = _identifier(match["table"])
                        if table == TABLE:
                            reader, found = self._reader(match["columns"]), True
                    elif line[:12].upper() == b"INSERT INTO " and _INSERT.match(line[:200].decode("utf-8", "replace")):
                        inserts = True
                elif line.rstrip(b"\r") == rb"\.":
                    table, reader = "", None
                elif reader is not None:
                    count += 1
                    row = reader.row(line, truncated)
                    if row is None:
                        raise SourceError(
                            f"{self.name} is damaged: row {count} of table {TABLE} ({_shown(line)}) does not have "
                            "as many columns as its COPY line names; is the file cut off? Download or dump it again"
                        )
                    yield row
        if table:
            raise SourceError(
                f"{self.name} is cut off: it ends inside table {table}, after {count:,} rows of {TABLE}; "
                "download or dump it again"
            )
        if not found:
            raise SourceError(self._not_found(inserts))

    def _reader(self, columns: str | None) -> RowReader:
        names = [_identifier(name.strip()) for name in columns.split(",")] if columns else list(COLUMNS)
        try:
            return RowReader(names)
        except KeyError as error:
            raise SourceError(
                f"table {TABLE} in {self.name} has no column {error.args[0]}: it needs {', '.join(COLUMNS)}"
            ) from None

    def _not_found(self, inserts: bool) -> str:
        if inserts:
            return f"{self.name} holds INSERT statements: make the dump without pg_dump's --inserts"
        return (
            f"{self.name} has no table {TABLE}: a pg_dump text dump with a line "
            f"`COPY {TABLE} ({', '.join(COLUMNS)}) FROM stdin;` is needed"
        )

    def _unpack(self, put: Callable[[bytes], None]) -> None:
        """Call `put` with the unpacked bytes, a chunk at a time."""
        self._read = 0
        try:
            with self.path.open("rb") as raw:
                magic = raw.read(8)
                raw.seek(0)
                if not magic:
                    raise SourceError(f"{self.name} is empty")
                for first, meaning in _OTHER_FORMATS.items():
                    if magic.startswith(first):
                        raise SourceError(f"{self.name} {meaning}")
                if not magic.startswith(b"\x1f\x8b"):
                    while chunk := raw.read(_CHUNK):
                        self._read = raw.tell()
                        put(chunk)
                    return
                with gzip.open(raw) as file:
                    unpacked, most = 0, _most_unpacked()
                    while chunk := file.read(_CHUNK):
                        self._read = raw.tell()
                        unpacked += len(chunk)
                        self._check_size(unpacked, most)
                        put(chunk)
        except EOFError:
            raise SourceError(
                f"{self.name} is cut off: its gzip data ends too early; download or dump it again"
            ) from None
        except (zlib.error, gzip.BadGzipFile) as error:
            raise SourceError(f"{self.name} is damaged gzip data ({error}); download or dump it again") from None
        except OSError as error:
            raise SourceError(f"{self.name} can't be read: {error.strerror or error}") from None

    def _check_size(self, unpacked: int, most: int) -> None:
        """Raise `SourceError` when gzip data unpacks to more than `most` bytes or over `MAX_RATIO` times its size."""
        if unpacked > most:
            raise SourceError(
                f"{self.name} unpacks to more than {most / 1e9:,.0f} GB: raise {settings.MAX_UNPACKED.name}, or unpack "
                "it yourself"
            )
        if unpacked > max(_RATIO_CHECKED_FROM, MAX_RATIO * self._read):
            raise SourceError(
                f"{self.name} unpacks to more than {MAX_RATIO} times its size, which no dump of drawings does: if you "
                "trust it, unpack it yourself"
            )


def _most_unpacked() -> int:
    """Maximum size in bytes to which a gzipped dump may unpack."""
    try:
        return settings.count_of(settings.MAX_UNPACKED) * 10**9
    except settings.SettingError as error:
        raise SourceError(str(error)) from None


def _identifier(name: str) -> str:
    """A table's or column's name as PostgreSQL resolves it: unquoted, or folded to lower case."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def _shown(line: bytes) -> str:
    text = line[:40].decode("utf-8", "replace")
    return repr(text + "…" if len(line) > 40 else text)
