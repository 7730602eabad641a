"""Decompression bombs: reading them stops early, with one sentence, in bounded memory."""

from __future__ import annotations

import gzip
import resource
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from extexify.core import settings
from extexify.sources import streams
from extexify.sources.base import SourceError
from extexify.sources.files import FileSource
from extexify.sources.open import check_source, open_source
from tests.drawings import copy_block, dump_text, sample_rows
from tests.fuzz.formats import bomb

ROWS = sample_rows(classes=2, each=3)

SOON = 10.0
"""CPU seconds in which a bomb must be detected; it takes half a second."""


@pytest.fixture
def soon() -> Iterator[None]:
    """Fails when the test uses more CPU time than `SOON`; CPU time doesn't depend on other work on the machine."""
    before = time.process_time()
    yield
    assert time.process_time() - before < SOON


def refusal(path: Path) -> str:
    """The sentence with which a page's look at a file and an export refuse it."""
    with pytest.raises(SourceError) as looked:
        check_source(open_source(str(path)))
    with pytest.raises(SourceError) as exported:
        for _ in open_source(str(path)).rows():
            pass
    assert str(looked.value) == str(exported.value)
    return str(looked.value)


# --- gzip ---------------------------------------------------------------------------------------


def test_what_unpacks_to_hundreds_of_times_its_size_is_no_dump(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, soon: None
) -> None:
    monkeypatch.setattr(streams, "_RATIO_CHECKED_FROM", 2 << 20)
    path = tmp_path / "bomb.sql.gz"
    for filling in (b"\n", b"a b\tc", b"\\.\n"):
        path.write_bytes(bomb(filling, 80))
        source = FileSource(path)
        with pytest.raises(SourceError, match=r"unpacks to more than 200 times its size.+unpack it yourself$"):
            check_source(source)
        read, size = source.position()
        assert size is not None
        assert read < size  # the rest was not unpacked
    table = gzip.compress(dump_text(copy_block(ROWS, end=False)).rpartition(b"ALTER")[0])
    path.write_bytes(table + bomb(b"1\tk\t", 80))
    with pytest.raises(SourceError, match="200 times"):
        list(open_source(str(path)).rows())


def test_memory_stays_small(tmp_path: Path, soon: None) -> None:
    path = tmp_path / "bomb.sql.gz"
    path.write_bytes(bomb(b"a", 80))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refusal(path)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 120e6


def test_the_limit_is_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "dump.sql.gz"
    path.write_bytes(gzip.compress(dump_text(copy_block(ROWS))))
    assert len(list(open_source(str(path)).rows())) == len(ROWS)
    monkeypatch.setenv(settings.MAX_UNPACKED.name, "0")
    assert refusal(path).endswith("unpacks to more than 0 GB: raise EXTEXIFY_MAX_UNPACKED, or unpack it yourself")
    monkeypatch.setenv(settings.MAX_UNPACKED.name, "much")
    assert "EXTEXIFY_MAX_UNPACKED must be a whole number" in refusal(path)


def test_unpacked_dumps_have_no_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.MAX_UNPACKED.name, "0")
    path = tmp_path / "dump.sql"
    path.write_bytes(dump_text(copy_block(ROWS)))
    assert len(list(open_source(str(path)).rows())) == len(ROWS)


def test_small_dumps_are_read_whatever_their_ratio(tmp_path: Path) -> None:
    path = tmp_path / "dump.sql.gz"
    path.write_bytes(gzip.compress(dump_text(copy_block(ROWS)) + b"\n" * (streams._RATIO_CHECKED_FROM // 2)))
    assert len(list(open_source(str(path)).rows())) == len(ROWS)


@pytest.mark.parametrize(
    "line",
    [
        b"COPY a" + b" " * 100_000,
        b'COPY "' + b'""' * 50_000,
        b"COPY " + b"a" * 100_000 + b"(",
        b"COPY a FROM stdin" + b";  " * 30_000 + b"x",
    ],
    ids=["spaces", "quotes", "letters", "ends"],
)
def test_no_line_takes_more_than_one_look(tmp_path: Path, line: bytes, soon: None) -> None:
    path = tmp_path / "dump.sql"
    path.write_bytes((line + b"\n") * 20 + dump_text(copy_block(ROWS)))
    assert len(list(open_source(str(path)).rows())) == len(ROWS)


# --- SQLite -------------------------------------------------------------------------------------


def database(path: Path, *statements: str) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    return path


ENDLESS = (
    "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id, 'k' AS key, '[]' AS strokes FROM n"
)


@pytest.mark.parametrize(
    "schema",
    [
        f"CREATE VIEW samples AS {ENDLESS}",
        f'CREATE VIEW "Samples" AS {ENDLESS}',
        "CREATE VIEW samples AS SELECT 1 AS id, 'k' AS key, zeroblob(900000000) AS strokes",
        "CREATE TABLE samples (id INTEGER PRIMARY KEY, key TEXT, strokes TEXT AS (hex(zeroblob(100000000))))",
        "CREATE TABLE samples (id INTEGER PRIMARY KEY, key TEXT, strokes TEXT AS (hex(zeroblob(100000000))) STORED)",
    ],
    ids=["endless", "in capitals", "huge", "computed", "computed and stored"],
)
def test_a_table_that_is_computed_is_none(tmp_path: Path, schema: str, soon: None) -> None:
    path = database(tmp_path / "store.sqlite3", schema)
    assert refusal(path) == f"{path} can't be read as a store of drawings: its samples is no plain table"


def test_pages_that_stand_for_many_others_are_found(tmp_path: Path, soon: None) -> None:
    filler = "x" * 400
    path = database(
        tmp_path / "store.sqlite3",
        "PRAGMA page_size = 512",
        "CREATE TABLE samples (id INTEGER PRIMARY KEY, key TEXT, strokes TEXT)",
        "INSERT INTO samples SELECT value, 'k', '"
        + filler
        + "' FROM json_each('["
        + ",".join(map(str, range(60)))
        + "]')",
    )
    content = bytearray(path.read_bytes())
    root = 512  # the second page, an inner one by now; each of its cells begins with the number of a page below
    assert content[root] == 5
    cells = [int.from_bytes(content[root + at : root + at + 2], "big") for at in range(12, 12 + 2 * 20, 2)]
    for cell in cells:
        content[root + cell : root + cell + 4] = content[root + cells[0] : root + cells[0] + 4]
    path.write_bytes(content)
    assert "is damaged" in refusal(path)


def test_a_cell_that_is_larger_than_any_drawing_is_refused(tmp_path: Path) -> None:
    path = database(
        tmp_path / "store.sqlite3",
        "CREATE TABLE samples (id INTEGER PRIMARY KEY, key TEXT, strokes BLOB)",
        "INSERT INTO samples VALUES (1, 'k', zeroblob(80000000))",
    )
    assert "too big" in refusal(path)


def test_checks_and_triggers_of_a_file_are_not_run(tmp_path: Path) -> None:
    path = database(
        tmp_path / "store.sqlite3",
        "CREATE TABLE samples (id INTEGER PRIMARY KEY, key TEXT CHECK (key GLOB '*a*a*a*a*a*a*b'), strokes TEXT)",
        "CREATE TRIGGER t BEFORE INSERT ON samples BEGIN SELECT 1; END",
        "PRAGMA ignore_check_constraints = ON",
        f"INSERT INTO samples VALUES (1, '{'a' * 200}', '[[[1,2]]]')",
    )
    assert [row.id for row in open_source(str(path)).rows()] == [1]
