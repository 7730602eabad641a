"""Row: export from PostgreSQL compared with the blog post's loop, on the real drawings repeated ten times with new ids.

A temporary server is started and filled for it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from statistics import median

from benchmarks.dumps import repeated
from benchmarks.measuring import Method, Row, Setting, Work, beside, in_turn, of_command
from tools.postgres import own_server

TIMES = 10
WANTED = 6.0
MOST_MEMORY = 500  # MB


def measure(setting: Setting) -> Row:
    """Fill a server, export from it `rounds` times, and once with the post's loop, which takes minutes."""
    with own_server() as server:
        address = server.get_uri()
        rows = fill(address, repeated(setting.source, 2 if setting.quick else TIMES))
        out = setting.folder / "exported"
        call = ("benchmarks.export_postgres:original", [address, str(setting.folder)])
        (replaced,) = in_turn({"the post's: `fetchmany(5000)`, a padded array a stroke, pickled": call}, 1)
        command = [sys.executable, "-m", "extexify", "export", "--source", address, "--out", str(out)]
        done = [of_command(command) for _ in range(setting.rounds)]
    export = Method(
        name="`export`",
        seconds=median(wall for wall, _, _ in done),
        drawings=rows,
        peak_mb=max(memory for _, _, memory in done),
        metrics={"processor_seconds": median(processor for _, processor, _ in done)},
    )
    target = f"≥ {WANTED:.0f} ×, < {MOST_MEMORY} MB"
    enough_memory = (export.peak_mb or 0) < MOST_MEMORY
    compared = beside(replaced, export, target=target, at_least=WANTED if enough_memory else float("inf"))
    return Row(f"export from PostgreSQL, {rows:,} rows", [replaced, compared])


def original(address: str, folder: str) -> Work:
    """The post's loop."""
    from benchmarks import original_export

    began = time.perf_counter()
    rows = original_export.export(address, Path(folder))
    seconds = time.perf_counter() - began
    for name in ("strokes", "keys"):
        (Path(folder) / f"{name}.npy").unlink()
    return Work(seconds, rows)


def fill(address: str, rows: Iterable[bytes]) -> int:
    """Create table `samples` with a primary key from the rows of a dump; returns the number of rows."""
    import psycopg2

    with closing(psycopg2.connect(address)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE samples (id integer NOT NULL, key varchar(255), strokes json)")
            cursor.copy_expert("COPY samples FROM STDIN", _Stream(rows), 1 << 20)
            cursor.execute("ALTER TABLE samples ADD PRIMARY KEY (id)")
            cursor.execute("VACUUM ANALYZE samples")
            cursor.execute("SELECT count(*) FROM samples")
            return int(cursor.fetchone()[0])


class _Stream:
    """A file-like object over an iterator of lines, for psycopg2's `copy_expert`."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self._rest = b""

    def read(self, size: int) -> bytes:
        pieces, length = [self._rest], len(self._rest)
        while length < size and (line := next(self._lines, None)) is not None:
            pieces.append(line)
            length += len(line)
        whole = b"".join(pieces)
        self._rest = whole[size:]
        return whole[:size]
