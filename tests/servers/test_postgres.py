"""PostgreSQL, against a real server: the same rows for all column types, one snapshot, and errors in one sentence."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from psycopg2.extras import execute_values

from extexify.core.progress import Progress, Stage
from extexify.dataset.dataset import Dataset
from extexify.dataset.export import export_dataset
from extexify.sources.base import Row, SourceError, Table
from extexify.sources.files import FileSource
from extexify.sources.open import open_source
from extexify.sources.postgres import PostgresSource
from extexify.sources.rows import check_row
from tests.drawings import ListSource, copy_block, dump_text, sample_rows, write_dump
from tests.postgres_server import Database, database, server

__all__ = ["database", "server"]  # the fixtures of the tests below

ROWS: list[tuple[object, object, object]] = [
    *sample_rows(classes=2, each=2),
    (50, "ünï-码-OT1-_α".encode(), b"[[[1, 2, 3]]]"),
    (51, b"tab\tnewline\nreturn\rback\\slash\\N \\. \x0b\x08\x0c", b"[[[1, 2]], [[3.5, -4]]]"),
    (52, b"\\N", b"[]"),
    (53, b"", b"[[[1, 2]]]"),
    (54, None, b"[[[1, 2]]]"),
    (55, b"key", None),
]


OTHER_SESSIONS = "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def fill(
    database: Database, rows: Sequence[tuple[object, ...]] = ROWS, kind: str = "json", table: str = "samples"
) -> None:
    """Make the table with strokes of a type and insert rows."""
    database.execute(f"CREATE TABLE {table} (id integer, key text, strokes {kind})")
    text = [tuple(value.decode() if isinstance(value, bytes) else value for value in row) for row in rows]
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        execute_values(cursor, f"INSERT INTO {table} VALUES %s", text)


def read(database: Database) -> list[Row]:
    return list(open_source(database.address()).rows())


def refusal(address: str) -> str:
    """The one sentence with which an address or what it leads to is refused."""
    with pytest.raises(SourceError) as caught:
        for _ in open_source(address).rows():
            pass
    message = str(caught.value)
    assert "\n" not in message
    assert not any(thread.name == "read-ahead" for thread in threading.enumerate())
    return message


@pytest.mark.parametrize("kind", ["json", "text", "jsonb"])
def test_every_type_of_strokes_gives_the_rows_of_a_dump_of_the_table(
    database: Database, tmp_path: Path, kind: str
) -> None:
    fill(database, kind=kind)
    # jsonb writes its text anew, in a form of its own.
    rows = database.execute("SELECT id, key, strokes::text FROM samples ORDER BY id")
    dump = write_dump(tmp_path / "dump.sql", dump_text(copy_block(rows)))
    assert read(database) == list(FileSource(dump).rows())
    usable = [check_row(row) for row in read(database)[:4]]
    assert [sample.id for sample in usable] == [1, 2, 3, 4]


def test_rows_come_in_the_order_of_their_ids(database: Database) -> None:
    fill(database, [(3, b"k", b"[]"), (1, b"k", b"[]"), (2, b"k", b"[]")])
    source = PostgresSource(database.address())
    assert [row.id for row in source.rows()] == [b"1", b"2", b"3"]
    assert source.position() == (3, 3)


def test_ids_may_be_uuids(database: Database) -> None:
    database.execute("CREATE TABLE samples (id uuid, key text, strokes text)")
    database.execute("INSERT INTO samples VALUES ('0004bde9-0000-4000-8000-00000000000f', 'k', '[[[1,2]]]')")
    assert check_row(read(database)[0]).id == 6445371857818676100


def test_ids_that_are_no_numbers_are_left_to_the_check_of_rows(database: Database) -> None:
    database.execute("CREATE TABLE samples (id text, key text, strokes text)")
    database.execute("INSERT INTO samples VALUES ('one', 'k', '[[[1,2]]]')")
    with pytest.raises(ValueError, match="neither a whole number of 64 bits nor a UUID"):
        check_row(read(database)[0])


def test_another_table_with_other_columns_can_be_chosen(database: Database) -> None:
    database.execute('CREATE TABLE "drawn ""here" (number integer, key text, "Strokes" json)')
    database.execute('INSERT INTO "drawn ""here" VALUES (7, %s, %s)', ("k", "[[[1,2]]]"))
    table = Table.named('drawn "here', "id=number,strokes=Strokes")
    assert list(open_source(database.address(), table).rows()) == [Row(b"7", b"k", b"[[[1,2]]]")]
    assert list(open_source(database.address(), replace(table, name=f"public.{table.name}")).rows())
    with pytest.raises(SourceError, match='has no table samples, but drawn "here: choose one with --table'):
        next(open_source(database.address()).rows())


def test_fields_of_any_length_come_cut_to_what_shows_them_too_long(database: Database) -> None:
    database.execute("CREATE TABLE samples (id integer, key text, strokes text)")
    database.execute(
        "INSERT INTO samples VALUES (1, repeat('k', 5000000), repeat('[', 20000000)), (2, 'k', '[[[1,2]]]')"
    )
    first, second = read(database)
    assert (len(first.key or ""), len(first.strokes or "")) == (256, 8 * 1024 * 1024 + 1)
    assert second == Row(b"2", b"k", b"[[[1,2]]]")


def test_an_empty_table_has_no_rows(database: Database) -> None:
    fill(database, [ROWS[0]])
    database.execute("TRUNCATE samples")
    assert read(database) == []


def test_reading_sees_one_moment_and_changes_nothing(database: Database) -> None:
    rows = [(number, b"key", b"[[[1, 2]]]") for number in range(20_000)]
    fill(database, rows)
    reading = PostgresSource(database.address()).rows()
    first = next(reading)
    database.execute("INSERT INTO samples VALUES (100000, 'late', '[]')")
    database.execute("DELETE FROM samples WHERE id BETWEEN 9999 AND 99999")
    assert len([first, *reading]) == 20_000
    assert len(read(database)) == 10_000


def test_the_session_is_read_only(database: Database) -> None:
    database.execute(
        "CREATE FUNCTION write() RETURNS text LANGUAGE plpgsql AS 'BEGIN CREATE TABLE made (); RETURN 1; END'"
    )
    database.execute("CREATE VIEW samples AS SELECT 1 AS id, write() AS key, '[]' AS strokes")
    assert "read-only transaction" in refusal(database.address())


def test_the_table_is_found_as_the_search_path_says(database: Database) -> None:
    database.execute("CREATE SCHEMA drawn")
    fill(database, [(7, b"other schema", b"[]")], table="drawn.samples")
    assert "no table samples" in refusal(database.address())
    found = open_source(database.address(options="&options=-csearch_path%3Ddrawn")).rows()
    assert [row.key for row in found] == [b"other schema"]


def test_a_missing_table_or_column_is_named(database: Database) -> None:
    assert refusal(database.address()).endswith("has no table samples (with the columns id, key, strokes)")
    for missing in ("id", "key", "strokes"):
        columns = {"id": "integer", "key": "text", "strokes": "json"}
        del columns[missing]
        database.execute(f"CREATE TABLE samples ({', '.join(' '.join(column) for column in columns.items())})")
        assert refusal(database.address()).endswith(
            f"has no column {missing}, but {', '.join(columns)}: --columns id=…,key=…,strokes=… says which is which"
        )
        database.execute("DROP TABLE samples")
    database.execute("CREATE TABLE samples (id integer, key text, strokes json)")
    database.execute("ALTER TABLE samples DROP COLUMN key")
    assert "has no column key, but id, strokes" in refusal(database.address())


def test_a_table_that_may_not_be_read_is_an_error(database: Database) -> None:
    fill(database)
    message = refusal(database.address("guarded", "open sesame"))
    assert "permission denied" in message
    assert "still running" not in message


def test_an_export_of_the_table_is_an_export_of_its_dump(database: Database, tmp_path: Path) -> None:
    rows = sample_rows(classes=3, each=5)
    fill(database, rows)
    dump = write_dump(tmp_path / "dump.sql.gz", dump_text(copy_block(rows)))
    exports = [
        export_dataset([source], tmp_path / name)
        for name, source in (("server", open_source(database.address())), ("dump", FileSource(dump)))
    ]
    assert exports[0].content_hash == exports[1].content_hash


# --- passwords ----------------------------------------------------------------------------------


def test_the_right_password_opens_the_database(database: Database) -> None:
    fill(database)
    database.execute("GRANT SELECT ON samples TO guarded")
    source = open_source(database.address("guarded", "open sesame"))
    assert len(list(source.rows())) == len(ROWS)
    assert "sesame" not in source.name


@pytest.mark.parametrize("password", ["s3cret", "s3cret @/:%?#&= ü", "s3cret'\\", "%s3cret%"])
@pytest.mark.parametrize("place", ["login", "query"])
def test_a_wrong_password_is_an_error_that_does_not_repeat_it(database: Database, password: str, place: str) -> None:
    address = database.address("guarded", password)
    if place == "query":
        login = address.partition("@")[0].rpartition(":")[2]
        address = database.address("guarded", options=f"&password={login}")
    message = refusal(address)
    assert "can't connect" in message
    assert "password authentication failed" in message
    assert "s3cret" not in message


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://user:s3cret@127.0.0.1:1/db",
        "postgresql://user:s3cret@host.invalid/db",
        "postgresql://user:s3cret@/db?host=/nowhere",
        "postgresql://user:s3cret@[::1]:1/db",
        "postgresql://user:s3cret@[::1/db",
        "postgresql://user:s3cret@127.0.0.1:1,127.0.0.1:2/db",
        "postgresql://user:s3cret@127.0.0.1:port/db",
        "postgresql://user:s3cret@127.0.0.1:99999/db",
        "postgresql://user:%zzs3cret@127.0.0.1:1/db",
        "postgresql://user:s3cret%@127.0.0.1:1/db",
        "postgresql://user:x@s3cret@127.0.0.1:1/db",
        "postgresql://user:x/s3cret@127.0.0.1:1/db",
        "postgresql://user:1/s3cret@127.0.0.1:1/db",
        "postgresql://user:1?s3cret@127.0.0.1:1/db",
        "postgresql://user:1#s3cret@127.0.0.1:1/db",
        "postgresql://127.0.0.1:1/db?user=u&password=s3cret",
        "postgresql://127.0.0.1:1/db?pasword=s3cret",
        "postgresql://127.0.0.1:1/db?password=s3cret&password",
        "postgresql://?host=127.0.0.1&port=1&password=s3cret",
        "postgresql://?host=127.0.0.1&port=s3cret",
        "postgresql://user:s3cret@127.0.0.1:1/db\x00",
        "postgresql://user:s3cret\udc80@127.0.0.1:1/db",
        "postgres://user:s3cret@127.0.0.1:1",
    ],
)
def test_no_address_that_fails_brings_its_password_into_the_message(address: str) -> None:
    assert "s3cret" not in refusal(address)


# --- addresses in environment variables -----------------------------------------------------------


def test_an_environment_variable_names_a_database(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(database)
    monkeypatch.setenv("MY_DRAWINGS", f" {database.address()} ")
    source = open_source("env:MY_DRAWINGS")
    assert len(list(source.rows())) == len(ROWS)
    assert source.name == "PostgreSQL (env:MY_DRAWINGS)"


@pytest.mark.parametrize("value", ["", "drawings.sql", "starter", "env:MY_DRAWINGS", "mysql://user:hush@host/db"])
def test_a_variable_without_an_address_is_an_error_that_names_it(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_DRAWINGS", value)
    message = refusal("env:MY_DRAWINGS")
    assert "MY_DRAWINGS" in message
    assert "hush" not in message


def test_a_variable_that_is_not_set_is_an_error() -> None:
    assert refusal("env:NO_SUCH_VARIABLE").endswith("NO_SUCH_VARIABLE isn't set")


@pytest.mark.parametrize(
    ("login", "reason"),
    [
        ("guarded:hush-hush@", "password authentication failed"),
        ("nobody-known:hush-hush@", "does not exist"),
        ("postgres@", "does not exist"),
    ],
)
def test_no_message_repeats_a_part_of_a_hidden_address(
    server: str, login: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_DRAWINGS", f"postgresql://{login}/drawings_of_mine?host={quote(server, safe='')}")
    message = refusal("env:MY_DRAWINGS")
    assert reason in message
    assert not any(part in message for part in ("guarded", "hush", "nobody", "postgres ", "of_mine", server))


@pytest.mark.parametrize("place", ["127.0.0.1:1", "host.invalid:1", "/nowhere"])
def test_no_message_repeats_a_hidden_place(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "MY_DRAWINGS", f"postgresql://me:hush@/mine?host={quote(place.partition(':')[0], safe='')}&port=1"
    )
    message = refusal("env:MY_DRAWINGS")
    assert message.startswith("can't connect to PostgreSQL (env:MY_DRAWINGS): ")
    assert not any(part in message for part in ("127.0", "invalid", "nowhere", "hush", "mine"))


def test_rows_are_counted_without_reading_them(database: Database) -> None:
    fill(database)
    assert PostgresSource(database.address()).count() == len(ROWS)
    database.execute("DROP TABLE samples")
    with pytest.raises(SourceError, match="has no table samples"):
        PostgresSource(database.address()).count()


def test_counting_waits_for_a_lock_for_a_limited_time(database: Database) -> None:
    fill(database)
    with closing(database.connect()) as other, other.cursor() as cursor:
        other.autocommit = False
        cursor.execute("LOCK TABLE samples IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(SourceError, match="timeout"):
            PostgresSource(database.address()).count(seconds=1)


# --- broken connections -------------------------------------------------------------------------


def test_a_connection_that_breaks_is_one_error(database: Database) -> None:
    fill(database, [(number, b"key", b"[" + b" " * 5000 + b"]") for number in range(5000)])
    reading = PostgresSource(database.address()).rows()
    next(reading)
    database.execute(f"SELECT pg_terminate_backend(pid) FROM {OTHER_SESSIONS}")
    with pytest.raises(SourceError, match="is the server still running") as caught:
        for _ in reading:
            pass
    assert "\n" not in str(caught.value)
    assert not any(thread.name == "read-ahead" for thread in threading.enumerate())
    assert len(read(database)) == 5000


def test_a_connection_that_breaks_during_an_export_leaves_the_earlier_dataset(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stage, "REPORT_EVERY", 0.0)  # seconds: all rows are read within a tenth of one
    before = export_dataset([ListSource(sample_rows())], tmp_path / "data").content_hash
    strokes = b"[[[1,2]," + b"[3,4]," * 1000 + b"[5,6]]]"
    fill(
        database,
        [(number, b"key%d" % (number % 9), strokes.replace(b"2", b"%d" % number, 1)) for number in range(3000)],
    )

    def kill(event: Progress) -> None:
        if event.done:
            database.execute(f"SELECT pg_terminate_backend(pid) FROM {OTHER_SESSIONS}")

    source = open_source(database.address())
    with pytest.raises(SourceError, match="is the server still running"):
        export_dataset([source], tmp_path / "data", report=kill)
    assert Dataset.open(tmp_path / "data").content_hash == before
    assert len(export_dataset([source], tmp_path / "data")) == 3000


@pytest.mark.parametrize("rows", [1, 5000])
def test_a_reader_that_leaves_early_leaves_nothing_behind(database: Database, rows: int) -> None:
    fill(database, [(number, b"key", b"[" + b" " * 5000 + b"]") for number in range(rows)])
    reading = PostgresSource(database.address()).rows()
    next(reading)
    reading.close()
    assert not any(thread.name == "read-ahead" for thread in threading.enumerate())
    for _ in range(1000):  # the server takes note of a closed connection a moment later
        if database.execute(f"SELECT count(*) FROM {OTHER_SESSIONS}") == [(0,)]:
            break
    else:
        pytest.fail("the connection is still open")


def test_a_wait_for_the_server_ends_when_the_reader_leaves(database: Database) -> None:
    # The first rows fill a chunk and come; the last one would take ten minutes. (Declared immutable, so that
    # counting the rows doesn't compute it; without sorting, so that the first rows don't wait for it.)
    database.execute(
        "CREATE FUNCTION slow(id integer) RETURNS text IMMUTABLE LANGUAGE plpgsql AS"
        " 'BEGIN IF id = 1000 THEN PERFORM pg_sleep(600); END IF; RETURN id; END'"
    )
    database.execute("CREATE TABLE stored (id integer PRIMARY KEY, strokes text)")
    database.execute("INSERT INTO stored SELECT n, repeat(' ', 3000) FROM generate_series(1, 1000) n")
    database.execute("CREATE VIEW samples AS SELECT id, slow(id) AS key, strokes FROM stored")
    options = "&options=-cenable_sort%3Doff%20-cenable_seqscan%3Doff"
    reading = PostgresSource(database.address(options=options)).rows()
    assert next(reading).id == b"1"
    reading.close()


def test_the_server_is_not_needed_to_name_a_source() -> None:
    source = PostgresSource("postgresql://me:pw@db.example:5433/drawings?sslmode=require")
    assert source.name == "postgresql://me@db.example:5433/drawings"
    with pytest.raises(SourceError, match="can't connect"):
        next(PostgresSource("postgresql://me:pw@/drawings?host=/nowhere").rows())
