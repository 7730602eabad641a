"""The store that the settings choose, and the number of contributions that no dataset has yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from extexify.contributions.sqlite_store import SqliteStore
from extexify.contributions.store import (
    count_contributions,
    count_unexported,
    open_store,
    source_address,
    store_description,
)
from extexify.dataset.export import export_dataset
from extexify.sources.open import open_source
from extexify.workspace.files import StorageError
from tests.drawings import ListSource, sample_rows, zigzag
from tests.postgres_server import Database, database, server

__all__ = ["database", "server"]  # the fixtures of the tests below


@pytest.fixture(autouse=True)
def a_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path))
    monkeypatch.delenv("EXTEXIFY_CONTRIBUTIONS", raising=False)


def test_by_default_the_store_is_in_the_workspace(tmp_path: Path) -> None:
    identifier = open_store().add("key", zigzag(1))
    assert [row.id for row in open_source(str(tmp_path / "drawings.sqlite3")).rows()] == [identifier]
    assert store_description() == "this workspace"


def test_the_setting_names_a_database(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTEXIFY_CONTRIBUTIONS", database.address())
    identifier = open_store().add("key", zigzag(1))
    assert [row.id for row in open_source(database.address()).rows()] == [str(identifier).encode()]
    assert not (tmp_path / "drawings.sqlite3").exists()
    assert store_description() == "the shared database"


def test_the_source_address_reads_the_store_of_the_settings(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store().add("key", zigzag(1))
    assert count_contributions() == len(list(open_source(source_address()).rows())) == 1
    monkeypatch.setenv("EXTEXIFY_CONTRIBUTIONS", database.address("guarded", "open sesame"))
    database.execute("GRANT CREATE ON SCHEMA public TO guarded")
    for number in range(2):
        open_store().add("key", zigzag(number))
    source = open_source(source_address())
    assert count_contributions() == len(list(source.rows())) == 2
    assert not any(part in source_address() + source.name for part in ("guarded", "sesame", database.name))


def test_counting_creates_no_store(tmp_path: Path) -> None:
    assert count_contributions() == 0
    assert list(tmp_path.iterdir()) == []


def test_an_invalid_setting_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTEXIFY_CONTRIBUTIONS", "mysql://user:s3cret@host/db")
    with pytest.raises(StorageError, match="must be a postgresql:// address") as caught:
        open_store()
    assert "s3cret" not in str(caught.value)


def test_contributions_after_an_export_are_counted(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "drawings.sqlite3")
    for number in range(6):
        store.add("key", zigzag(number))
    assert count_unexported(store, None) == 6
    others = ListSource(sample_rows())
    # Starter drawings have higher ids than the store's, which must not count as exported contributions.
    starter = ListSource([(2**52 + number, *row[1:]) for number, row in enumerate(sample_rows(first=50))])
    without = export_dataset([others, starter], tmp_path / "without")
    assert count_unexported(store, without) == 6
    dataset = export_dataset([others, starter, open_source(str(store.path))], tmp_path / "dataset")
    assert count_unexported(store, dataset) == 0
    store.add("key", zigzag(7))
    assert count_unexported(store, dataset) == 1
