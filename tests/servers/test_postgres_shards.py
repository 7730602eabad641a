"""Several processes read a table as one does, and one that dies or a table that can't be divided is one sentence."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from psycopg2.extras import execute_values

from extexify.cli.parser import main
from extexify.core.progress import Progress
from extexify.dataset.dataset import Dataset
from extexify.dataset.export import export_dataset
from extexify.sources import postgres_shards
from extexify.sources.base import SourceError
from extexify.sources.open import open_source
from extexify.sources.postgres import PostgresSource
from extexify.sources.postgres_shards import ShardedPostgresSource
from extexify.sources.rows import batches
from tests.drawings import sample_rows
from tests.postgres_server import Database, database, server

__all__ = ["database", "server"]


def fill(database: Database, *, index: str = "CREATE INDEX ON samples (id)") -> None:
    """A table of 600 drawings with gaps between their ids, and four rows that can't be used."""
    rows: list[tuple[object, ...]] = [(7 * identifier, *rest) for identifier, *rest in sample_rows(6, each=100)]
    rows += [(None, b"test-OT1-_class1", b"[[[1,2]]]"), (-4, b"", b"[]"), (300, b"k", None), (302, b"k", b"[[]]")]
    text = [tuple(value.decode() if isinstance(value, bytes) else value for value in row) for row in rows]
    database.execute("CREATE TABLE samples (id integer, key varchar(255), strokes json)")
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        execute_values(cursor, "INSERT INTO samples VALUES %s", text)
    database.execute(index)


def test_shards_make_the_dataset_that_one_process_makes(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(postgres_shards, "_RANGE_ROWS", 50)
    fill(database)
    for shards in ("1", "3"):
        arguments = ["export", "--source", database.address(), "--shards", shards, "--out", str(tmp_path / shards)]
        assert main(arguments) == 0, capsys.readouterr().err
    for file in (tmp_path / "1").iterdir():
        assert file.read_bytes() == (tmp_path / "3" / file.name).read_bytes(), file.name
    assert len(Dataset.open(tmp_path / "3")) == 600


def test_all_shards_see_the_same_moment(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_shards, "_RANGE_ROWS", 100)
    fill(database)
    source = ShardedPostgresSource(database.address(), shards=2)
    reading = source.batches()
    first = next(reading)
    database.execute("DELETE FROM samples WHERE id > 350")
    assert first.rows + sum(batch.rows for batch in reading) == 604
    assert source.position() == (604, 604)
    assert sum(batch.rows for batch in batches(PostgresSource(database.address()))) < 60


def test_a_process_that_dies_leaves_the_earlier_dataset_and_one_sentence(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_shards, "_RANGE_ROWS", 50)
    fill(database)
    before = export_dataset([open_source(database.address())], tmp_path / "data").content_hash
    pools: list[ProcessPoolExecutor] = []

    class Watched(ProcessPoolExecutor):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            pools.append(self)

    def kill(event: Progress) -> None:
        if event.done and event.stage == "export":
            for process in list(pools[0]._processes):
                os.kill(process, signal.SIGKILL)

    monkeypatch.setattr(postgres_shards, "ProcessPoolExecutor", Watched)
    with pytest.raises(SourceError, match=r"a process that read .* has died"):
        export_dataset([open_source(database.address(), shards=2)], tmp_path / "data", report=kill)
    assert Dataset.open(tmp_path / "data").content_hash == before
    assert export_dataset([open_source(database.address(), shards=2)], tmp_path / "data").content_hash == before


def test_a_reader_that_leaves_early_leaves_no_process(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_shards, "_RANGE_ROWS", 50)
    fill(database)
    reading = ShardedPostgresSource(database.address(), shards=2).batches()
    next(reading)
    reading.close()
    others = "pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    for _ in range(1000):
        if database.execute(f"SELECT count(*) FROM {others} AND datname = current_database()") == [(0,)]:
            return
    pytest.fail("a connection is still open")


def test_an_error_of_the_server_is_told_as_without_shards(database: Database) -> None:
    database.execute("CREATE TABLE samples (id integer PRIMARY KEY, key text)")
    with pytest.raises(SourceError, match="no column strokes"):
        next(ShardedPostgresSource(database.address(), shards=2).batches())


def test_a_table_without_an_index_is_not_divided(database: Database) -> None:
    fill(database, index="CREATE INDEX ON samples (id) WHERE id > 5")
    with pytest.raises(SourceError, match="has no index that begins with id"):
        next(ShardedPostgresSource(database.address(), shards=2).batches())


@pytest.mark.parametrize("shards", [0, -1, 65])
def test_the_number_of_shards_has_limits(shards: int) -> None:
    with pytest.raises(SourceError, match=f"1 to 64, not {shards}"):
        open_source("postgresql://me@/db?host=/nowhere", shards=shards)
