"""The Export page with a PostgreSQL server: an address that is typed in is used, and stored nowhere."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from psycopg2.extras import execute_values
from streamlit.testing.v1 import AppTest

from extexify.dataset.dataset import Dataset
from tests.drawings import sample_rows
from tests.pages import StartedJobs, errors, open_page, rerun, started, texts
from tests.postgres_server import Database, database, server

__all__ = ["database", "server", "started"]  # fixtures


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path / "ws"))
    return tmp_path / "ws"


def fill(database: Database) -> None:
    database.execute("CREATE TABLE samples (id integer, key text, strokes json)")
    database.execute("GRANT SELECT ON samples TO guarded")
    rows = [tuple(str(value, "utf-8") if isinstance(value, bytes) else value for value in row) for row in sample_rows()]
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        execute_values(cursor, "INSERT INTO samples VALUES %s", rows)


def type_address(address: str) -> AppTest:
    page = open_page("export")
    page.button_group(key="export-sources").set_value(["postgres"])
    page = rerun(page)
    page.text_input(key="export-sources-postgres-address").input(address)
    return rerun(page)


def export(page: AppTest, started: StartedJobs) -> AppTest:
    page.button(key="export-go").click()
    rerun(page)
    started.last.run()
    return rerun(page)


def files_with(text: str, folder: Path) -> list[str]:
    """The files under a folder that contain a text."""
    found = (path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes())
    return [str(path.relative_to(folder)) for path in found]


def test_an_address_that_is_typed_in_is_used_and_stored_nowhere(
    started: StartedJobs, workspace: Path, database: Database
) -> None:
    fill(database)
    page = type_address(database.address("guarded", "open sesame"))
    page.button(key="export-sources-postgres-try").click()
    page = rerun(page)
    assert "Connected: its table has 15 rows." in texts(page)
    page = export(page, started)
    assert "Drawings: 15" in texts(page)
    manifest = Dataset.open(workspace / "dataset").manifest
    assert manifest["sources"][0]["source"] == "PostgreSQL (env:EXTEXIFY_SOURCE)"
    again = open_page("export")
    assert "From PostgreSQL" in texts(again)
    for part in ("guarded", "sesame", database.host, database.name):
        assert files_with(part, workspace) == []
        assert part not in texts(again)


def test_a_refused_login_is_reported_without_a_word_of_the_address(
    started: StartedJobs, workspace: Path, database: Database
) -> None:
    fill(database)
    page = export(type_address(database.address("guarded", "hush hush")), started)
    assert "password authentication failed" in errors(page)
    for part in ("guarded", "hush", database.host, database.name):
        assert files_with(part, workspace) == []
        assert part not in errors(page)
