"""The PostgreSQL store of contributed drawings on a real server: ids, concurrent writers, and errors."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from extexify.contributions.postgres_store import PostgresStore
from extexify.contributions.sqlite_store import FIRST_CONTRIBUTION_ID, LAST_CONTRIBUTION_ID
from extexify.drawing.strokes import BadDrawing
from extexify.sources.postgres import PostgresSource
from extexify.sources.rows import check_row
from extexify.workspace.files import StorageError
from tests.drawings import drawing, zigzag
from tests.postgres_server import Database, database, server

__all__ = ["database", "server"]  # the fixtures of the tests below

KEY = "latex2e-OT1-_alpha"


def refusal(store: PostgresStore) -> str:
    """The message of the error with which the store refuses a drawing."""
    with pytest.raises(StorageError) as caught:
        store.add(KEY, zigzag(1))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_source_reads_the_stored_drawings(database: Database) -> None:
    store = PostgresStore(database.address())
    assert store.count() == 0
    originals = [drawing([[0.1, -2.5]], [[1e6, 3], [4, 1 / 3]]), zigzag(1)]
    identifiers = [store.add("ünï-T1-_x'); --", original) for original in originals]
    samples = [check_row(row) for row in PostgresSource(database.address()).rows()]
    assert [sample.id for sample in samples] == identifiers == sorted(identifiers)
    assert all(FIRST_CONTRIBUTION_ID <= identifier <= LAST_CONTRIBUTION_ID for identifier in identifiers)
    assert {sample.key for sample in samples} == {"ünï-T1-_x'); --"}
    for sample, original in zip(samples, originals, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(sample.drawing, original, strict=True))
    assert (store.count(), store.count(after=identifiers[0])) == (2, 1)


def test_drawings_are_counted_by_key(database: Database) -> None:
    store = PostgresStore(database.address())
    assert store.count_by_key() == {}
    first, *_ = [store.add(key, zigzag(number)) for number, key in enumerate((KEY, "b", KEY))]
    assert store.count_by_key() == {KEY: 2, "b": 1}
    assert store.count_by_key(after=first) == {KEY: 1, "b": 1}


def test_a_drawing_can_be_removed(database: Database) -> None:
    store = PostgresStore(database.address())
    store.remove(FIRST_CONTRIBUTION_ID)  # before there is a table
    first, second = store.add(KEY, zigzag(1)), store.add(KEY, zigzag(2))
    store.remove(first)
    store.remove(first)
    assert [row.id for row in PostgresSource(database.address()).rows()] == [str(second).encode()]


def test_an_existing_table_is_used(database: Database) -> None:
    for kind in ("json", "jsonb", "text"):
        database.execute(f"CREATE TABLE samples (strokes {kind}, more integer, key varchar(255), id bigint)")
        database.execute("INSERT INTO samples (id, key, strokes) VALUES (7, 'old', '[[[1, 2]]]')")
        store = PostgresStore(database.address())
        assert store.add(KEY, zigzag(1)) >= FIRST_CONTRIBUTION_ID
        assert [check_row(row).key for row in PostgresSource(database.address()).rows()] == ["old", KEY]
        database.execute("DROP TABLE samples")


def test_invalid_drawings_are_refused(database: Database) -> None:
    store = PostgresStore(database.address())
    for key, strokes in (("", zigzag(1)), (KEY, drawing()), (KEY, drawing([[1, float("nan")]]))):
        with pytest.raises(BadDrawing):
            store.add(key, strokes)
    assert store.count() == 0


_WRITER = """
import sys
from extexify.contributions.postgres_store import PostgresStore
from tests.drawings import zigzag
for number in range(int(sys.argv[2])):
    print(PostgresStore(sys.argv[1]).add("k", zigzag(number)))
"""


def test_concurrent_writers_create_one_table_and_unique_ids(database: Database) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, database.address(), "15"],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(3)
    ]
    confirmed = [[int(line) for line in process.communicate()[0].split()] for process in writers]
    assert [process.returncode for process in writers] == [0] * 3
    assert all(identifiers == sorted(identifiers) for identifiers in confirmed)
    stored = [int(row.id or 0) for row in PostgresSource(database.address()).rows()]
    assert stored == sorted(identifier for identifiers in confirmed for identifier in identifiers)
    assert len(set(stored)) == 45


def test_an_unsuitable_table_is_reported(database: Database) -> None:
    for columns, says in (
        ("id integer, key text, strokes json", "ALTER TABLE samples ALTER COLUMN id TYPE bigint"),
        ("id bigint, strokes json", "no column key"),
        ("id bigint, key text, strokes integer", "must be json, jsonb or text"),
    ):
        database.execute(f"CREATE TABLE samples ({columns})")
        assert says in refusal(PostgresStore(database.address()))
        database.execute("DROP TABLE samples")


def test_a_missing_permission_is_reported(database: Database) -> None:
    store = PostgresStore(database.address("guarded", "open sesame"))
    database.execute("CREATE TABLE samples (id bigint, key text, strokes json)")
    database.execute("GRANT SELECT ON samples TO guarded")
    assert "permission denied for table samples" in refusal(store)
    assert store.count() == 0


def test_an_unreachable_database_is_reported_without_address_and_password(caplog: pytest.LogCaptureFixture) -> None:
    for host in ("127.0.0.1:1/secretdb", "host.invalid/secretdb", "/secretdb?host=/nowhere"):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            message = refusal(PostgresStore(f"postgresql://user:s3cret@{host}"))
        assert "can't be reached" in message
        for part in ("user", "s3cret", "127.0.0.1", "host.invalid", "secretdb", "nowhere"):
            assert part not in message
        assert caplog.records
        assert "s3cret" not in caplog.text


def test_a_wrong_password_is_not_repeated(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    message = refusal(PostgresStore(database.address("guarded", "s3cret")))
    assert "guarded" not in message
    assert "s3cret" not in message + caplog.text


def test_an_invalid_address_is_refused_at_once() -> None:
    with pytest.raises(StorageError, match="can't be understood") as caught:
        PostgresStore("postgresql://user:a@s3cret@127.0.0.1/db")
    assert "s3cret" not in str(caught.value)
