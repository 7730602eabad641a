"""A pg_dump text dump, plain or gzipped, read as a stream without a database server."""

from __future__ import annotations

import gzip
import re
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from queue import Full, Queue

from extexify.copy_format import RowReader, lines
from extexify.sources import COLUMNS, TABLE, Row, SourceError

_CHUNK = 1 << 20
_AHEAD = 4  # chunks decompressed ahead of the reader

_COPY = re.compile(
    r'^COPY\s+(?:(?:"[^"]+"|[\w$]+)\.)?"?(?P<table>[^\s"(]+)"?\s*(?:\((?P<columns>[^)]*)\))?\s+FROM\s+stdin\b.*;\s*$',
    re.IGNORECASE,
)


class DumpSource:
    r"""The rows of every COPY block of table `samples` in a dump; other tables are passed over.

    Blocks are `COPY samples (id, key, strokes) FROM stdin;` or with a schema before the name, with the
    columns in any order, and end in a line `\.`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self._read = 0
        self._size = path.stat().st_size

    def position(self) -> tuple[int, int | None]:
        return self._read, self._size

    def rows(self) -> Iterator[Row]:
        """All rows in the dump's order.

        Raises `SourceError` for a file that is no dump, lacks the table or is cut off.
        """
        count = 0
        found = inserts = False
        reader: RowReader | None = None
        table = ""  # whose block this is, "" between blocks
        for line, overlong in lines(self._chunks()):
            if not table:
                if line[:5].upper() == b"COPY " and (match := _COPY.match(line.decode("utf-8", "replace"))):
                    table = match["table"]
                    if table == TABLE:
                        reader, found = self._reader(match["columns"]), True
                elif line.startswith((b"INSERT INTO samples ", b"INSERT INTO public.samples ")):
                    inserts = True
            elif line.rstrip(b"\r") == rb"\.":
                table, reader = "", None
            elif reader is not None:
                count += 1
                row = reader.row(line, overlong)
                if row is None:
                    raise SourceError(
                        f"{self.path} is damaged: row {count} of table {TABLE} ({_shown(line)}) does not have "
                        "as many columns as its COPY line names; is the file cut off? Download or dump it again"
                    )
                yield row
        if table:
            raise SourceError(
                f"{self.path} is cut off: it ends inside table {table}, after {count:,} rows of {TABLE}; "
                "download or dump it again"
            )
        if not found:
            raise SourceError(self._not_found(inserts))

    def _reader(self, columns: str | None) -> RowReader:
        names = [name.strip().strip('"') for name in columns.split(",")] if columns else list(COLUMNS)
        try:
            return RowReader(names)
        except KeyError as error:
            raise SourceError(
                f"table {TABLE} in {self.path} has no column {error.args[0]}: it needs {', '.join(COLUMNS)}"
            ) from None

    def _not_found(self, inserts: bool) -> str:
        if inserts:
            return f"{self.path} holds INSERT statements: make the dump without pg_dump's --inserts"
        return (
            f"{self.path} has no table {TABLE}: a pg_dump text dump with a line "
            f"`COPY {TABLE} ({', '.join(COLUMNS)}) FROM stdin;` is needed"
        )

    def _chunks(self) -> Iterator[bytes]:
        """The unpacked bytes, decompressed one thread ahead: zlib works without the interpreter lock."""
        chunks: Queue[bytes | Exception | None] = Queue(_AHEAD)
        stop = threading.Event()

        def put(item: bytes | Exception | None) -> None:
            while not stop.is_set():
                try:
                    return chunks.put(item, timeout=0.1)
                except Full:  # the reader is busy, or gone
                    continue

        def decompress() -> None:
            try:
                with self.path.open("rb") as raw:
                    magic = raw.read(5)
                    raw.seek(0)
                    if magic == b"PGDMP":
                        raise SourceError(
                            f"{self.path} is in pg_dump's custom format: turn it into text with "
                            "`pg_restore --file=dump.sql`"
                        )
                    packed = magic[:2] == b"\x1f\x8b"
                    with gzip.open(raw) if packed else raw as file:
                        while chunk := file.read(_CHUNK):
                            self._read = raw.tell()
                            put(chunk)
                put(None)
            except EOFError:
                put(SourceError(f"{self.path} is cut off: its gzip data ends too early; download it again"))
            except (zlib.error, gzip.BadGzipFile) as error:
                put(SourceError(f"{self.path} is damaged gzip data ({error}); download it again"))
            except OSError as error:
                put(SourceError(f"{self.path} can't be read: {error.strerror or error}"))
            except SourceError as error:
                put(error)

        worker = threading.Thread(target=decompress, name="dump-reader", daemon=True)
        worker.start()
        try:
            while (item := chunks.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            stop.set()


def _shown(line: bytes) -> str:
    text = line[:40].decode("utf-8", "replace")
    return repr(text + "…" if len(line) > 40 else text)
