"""SQLite: the store of contributed drawings, also after crashes and errors, and the source that reads such files."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from extexify.access import permissions
from extexify.contributions import sqlite_store as store_module
from extexify.contributions.sqlite_store import FIRST_CONTRIBUTION_ID, LAST_CONTRIBUTION_ID, SqliteStore
from extexify.drawing.strokes import BadDrawing, strokes_json
from extexify.sources.base import Row, SourceError, Table
from extexify.sources.open import open_source
from extexify.sources.rows import check_row
from extexify.sources.sqlite import SqliteSource
from extexify.workspace.files import StorageError
from tests.drawings import drawing, zigzag

KEY = "latex2e-OT1-_alpha"


def rows(path: Path) -> list[Row]:
    return list(open_source(str(path)).rows())


def query(path: Path, text: str, *values: object) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(text, values).fetchall()


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Inside, `folder` can't be written, not even by root.

    Whom the system doesn't let read the settings the dashboard takes for a visitor of a demo; here is no dashboard.
    """
    user = os.geteuid()
    folder.chmod(0o555)
    if user == 0:
        os.seteuid(65534)
    try:
        with mock.patch.object(permissions, "_operator_check", None):
            yield
    finally:
        os.seteuid(user)
        folder.chmod(0o755)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach (pytest's own are the user's alone)."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


# --- the store ----------------------------------------------------------------------------------


def test_a_stored_drawing_comes_back_the_same(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "new folder" / "drawings.sqlite3")
    originals = [drawing([[0.1, -2.5]], [[1e6, 3], [4, 1 / 3]]), zigzag(1)]
    identifiers = [store.add("ünï-T1-_x", original) for original in originals]
    samples = [check_row(row) for row in rows(store.path)]
    assert [sample.id for sample in samples] == identifiers
    assert {sample.key for sample in samples} == {"ünï-T1-_x"}
    for sample, original in zip(samples, originals, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(sample.drawing, original, strict=True))
    assert store.count() == 2


def test_the_schema_is_strict_and_refuses_what_no_export_could_use(tmp_path: Path) -> None:
    path = SqliteStore(tmp_path / "drawings.sqlite3").path
    assert query(path, "PRAGMA journal_mode") == [("wal",)]
    assert query(path, "SELECT strict FROM pragma_table_list('samples')") == [(1,)]
    for values in (
        (1, "", "[]"),
        (1, None, "[]"),
        (1, "k", None),
        (1, "k", "no JSON"),
        ("one", "k", "[]"),
        (1, "k", b"x"),
    ):
        with pytest.raises(sqlite3.IntegrityError):
            query(path, "INSERT INTO samples VALUES (?, ?, ?)", *values)


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a\nb", "a\x00b", "\ud800"])
def test_a_key_that_no_export_takes_is_refused(tmp_path: Path, key: str) -> None:
    store = SqliteStore(tmp_path / "drawings.sqlite3")
    with pytest.raises(BadDrawing, match="key"):
        store.add(key, zigzag(1))
    assert store.count() == 0


def test_a_drawing_that_no_export_takes_is_refused(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "drawings.sqlite3")
    bad = {
        "no strokes": drawing(),
        "empty stroke": drawing([]),
        "not finite": drawing([[1, float("nan")]]),
        "out of range": drawing([[1, 1e7]]),
        "too many points": [np.zeros((100_001, 2), np.float32)],
    }
    for reason, strokes in bad.items():
        with pytest.raises(BadDrawing) as caught:
            store.add(KEY, strokes)
        assert caught.value.reason == reason
    assert store.count() == 0


def test_ids_grow_whatever_the_clock_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(tmp_path / "drawings.sqlite3")
    now = time.time_ns()
    year = 365 * 86400 * 10**9
    identifiers = []
    for moment in (0, now, now - year, now + year, now, now + 2000 * year, now):
        monkeypatch.setattr(time, "time_ns", lambda moment=moment: moment)
        identifiers.append(store.add(KEY, zigzag(1)))
    assert identifiers == sorted(set(identifiers))
    assert identifiers[0] == FIRST_CONTRIBUTION_ID
    assert 2**40 <= FIRST_CONTRIBUTION_ID < identifiers[-1] <= LAST_CONTRIBUTION_ID < 2**53


def test_ids_of_other_origin_do_not_push_ours_out_of_range(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "drawings.sqlite3")
    query(store.path, "INSERT INTO samples VALUES (?, 'k', '[[[1,2]]]')", 2**63 - 1)
    assert FIRST_CONTRIBUTION_ID <= store.add(KEY, zigzag(1)) <= LAST_CONTRIBUTION_ID


def test_a_drawing_can_be_taken_back_and_later_ones_are_counted(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "drawings.sqlite3")
    first, second, third = (store.add(KEY, zigzag(number)) for number in range(3))
    assert store.count(after=first) == 2
    store.remove(second)
    store.remove(second)
    assert [row.id for row in rows(store.path)] == [first, third]
    assert (store.count(), store.count(after=first), store.count(after=third)) == (2, 1, 0)


_WRITER = """
import sys
from pathlib import Path
from unittest import mock
from extexify.contributions.sqlite_store import SqliteStore
from tests.drawings import zigzag
store = SqliteStore(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    print(store.add("k", zigzag(number)), flush=True)
"""


def writer(path: Path, adds: int) -> subprocess.Popen[str]:
    """A process that adds drawings and prints each id as soon as it is confirmed."""
    return subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path), str(adds)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def test_writers_in_several_processes_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "drawings.sqlite3"
    writers = [writer(path, 25) for _ in range(4)]  # which make the file together, too
    confirmed = [int(line) for process in writers for line in process.communicate()[0].split()]
    assert [process.returncode for process in writers] == [0] * 4
    assert len(confirmed) == 100
    assert sorted(confirmed) == [row.id for row in rows(path)]


def test_a_killed_writer_loses_nothing_that_was_confirmed(tmp_path: Path) -> None:
    path = tmp_path / "drawings.sqlite3"
    confirmed: list[int] = []
    for number in range(5):
        with writer(path, 10_000) as process:
            assert process.stdout is not None
            # Read some, then kill at once: what was printed before the kill counts as confirmed.
            confirmed += [int(process.stdout.readline()) for _ in range(3 + 7 * number)]
            process.send_signal(signal.SIGKILL)
            confirmed += [int(line) for line in process.stdout if line.endswith("\n")]
    stored = [row.id for row in rows(path)]
    assert set(confirmed) <= set(stored)
    assert all(check_row(row) for row in rows(path))
    assert query(path, "PRAGMA integrity_check") == [("ok",)]
    assert SqliteStore(path).add(KEY, zigzag(1)) > max(confirmed)


def test_a_store_that_another_writer_makes_meanwhile_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "drawings.sqlite3"
    connect = SqliteStore._connect
    others: list[threading.Thread] = []

    def watched(self: SqliteStore) -> sqlite3.Connection:
        connection = connect(self)
        connection.set_trace_callback(make_it_too)
        return connection

    def make_it_too(statement: str) -> None:
        if not others and "user_version" in statement:
            monkeypatch.setattr(SqliteStore, "_connect", connect)
            others.append(threading.Thread(target=SqliteStore, args=(path,)))
            others[0].start()
            others[0].join(1)  # it may have to wait for the first

    monkeypatch.setattr(SqliteStore, "_connect", watched)
    store = SqliteStore(path)
    others[0].join()
    assert store.add(KEY, zigzag(1)) == rows(path)[0].id


def test_a_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    for name, statement in (
        ("tables", "CREATE TABLE notes (text)"),
        ("samples", "CREATE TABLE samples (id, key, strokes)"),
        ("id", "PRAGMA application_id = 7"),
        ("version", "PRAGMA user_version = 7"),
    ):
        path = tmp_path / name
        query(path, statement)
        before = path.read_bytes()
        with pytest.raises(StorageError, match=r"^\S+ is the SQLite file of another program; name another file$"):
            SqliteStore(path)
        assert path.read_bytes() == before


def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = SqliteStore(tmp_path / "drawings.sqlite3").path
    query(path, f"PRAGMA user_version = {store_module.SCHEMA_VERSION + 1}")
    with pytest.raises(StorageError, match=r"newer Extexify \(version 2\); update the program$"):
        SqliteStore(path)


def test_a_store_that_cannot_be_made_is_one_sentence(tmp_path: Path, open_folder: Path) -> None:
    no_database = tmp_path / "text.sqlite3"
    no_database.write_text("no database at all, but a text that is long enough to be told from one")
    for path in (no_database, tmp_path, no_database / "below.sqlite3"):
        with pytest.raises(StorageError, match=r"can't be used as a store of drawings \(.+\)$") as caught:
            SqliteStore(path)
        assert "\n" not in str(caught.value)
    with read_only(open_folder), pytest.raises(StorageError, match="can't be used as a store"):
        SqliteStore(open_folder / "drawings.sqlite3")


def test_a_store_in_a_read_only_folder_can_be_read_but_not_added_to(open_folder: Path) -> None:
    store = SqliteStore(open_folder / "drawings.sqlite3")
    store.add(KEY, zigzag(1))
    store.path.chmod(0o444)
    with read_only(open_folder):
        assert len(rows(store.path)) == 1
        with pytest.raises(StorageError, match="could not be stored"):
            store.add(KEY, zigzag(2))


def test_a_writer_that_waits_too_long_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(tmp_path / "drawings.sqlite3")
    monkeypatch.setattr(store_module, "_BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="locked"):
            store.add(KEY, zigzag(1))
    assert store.add(KEY, zigzag(1))


# --- the source ---------------------------------------------------------------------------------


def test_reading_sees_one_moment_while_others_write(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "drawings.sqlite3")
    for number in range(20):
        store.add(KEY, zigzag(number))
    source = SqliteSource(store.path)
    reading = source.rows()
    first = next(reading)
    for number in range(20):
        store.add(KEY, zigzag(number))
    assert len([first, *reading]) == 20
    assert source.position() == (20, 20)
    assert len(rows(store.path)) == 40


def test_reading_may_end_early(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "drawings.sqlite3")
    for number in range(3):
        store.add(KEY, zigzag(number))
    reading = SqliteSource(store.path).rows()
    next(reading)
    reading.close()
    store.add(KEY, zigzag(4))
    assert store.count() == 4


def test_columns_may_hold_anything(tmp_path: Path) -> None:
    path = tmp_path / "any.db"
    query(path, "CREATE TABLE samples (strokes, id, more, key)")
    text = strokes_json(zigzag(1)).decode()
    for values in (
        (text, 7, "k"), (text.encode(), "8", b"k"), (text, 2.5, "k"), (5, 9, 6.5), (None, None, None), (text, "x", "k"),
    ):  # fmt: skip
        query(path, "INSERT INTO samples (strokes, id, key) VALUES (?, ?, ?)", *values)
    found = {row.id: row for row in rows(path)}
    assert set(found) == {None, 7, 9, b"8", b"2.5", b"x"}
    assert (check_row(found[7]).id, check_row(found[b"8"]).id) == (7, 8)
    assert (found[9].key, found[9].strokes) == (b"6.5", b"5")
    for identifier, reason in ((None, "no id"), (b"2.5", "no id"), (b"x", "no id"), (9, "not JSON")):
        with pytest.raises(BadDrawing) as caught:
            check_row(found[identifier])
        assert caught.value.reason == reason


def test_another_table_of_an_sqlite_file_is_refused(tmp_path: Path) -> None:
    query(tmp_path / "store", "CREATE TABLE samples (id, key, strokes)")
    with pytest.raises(SourceError, match="leave --table and --columns out"):
        open_source(str(tmp_path / "store"), Table.named("drawn"))


def test_files_that_are_no_store_are_refused_in_one_sentence(tmp_path: Path) -> None:
    tableless, columnless, broken = (tmp_path / name for name in ("tableless", "columnless", "broken"))
    query(tableless, "CREATE TABLE other (id)")
    query(columnless, "CREATE TABLE samples (id, key)")
    query(broken, "CREATE TABLE samples (id, key, strokes)")
    broken.write_bytes(broken.read_bytes()[:100] + b"\xff" * 4000)
    for path, says in (
        (tableless, "no such table"),
        (columnless, "no such column"),
        (broken, "malformed|not a database"),
    ):
        with pytest.raises(SourceError, match=says) as caught:
            rows(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_path_with_characters_that_addresses_use_is_read(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a?b#c%20 d" / "drawings.sqlite3")
    store.add(KEY, zigzag(1))
    assert len(rows(store.path)) == 1
