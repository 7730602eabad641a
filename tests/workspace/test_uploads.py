"""Uploads: names are sanitized, equal content is stored once, and files outside the folder are not touched."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from extexify.workspace.files import StorageError
from extexify.workspace.paths import uploads_folder
from extexify.workspace.uploads import MAX_NAME, delete_upload, list_uploads, safe_name, save_upload


@pytest.fixture(autouse=True)
def own_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path / "ws"))


def files() -> list[str]:
    return sorted(str(path.relative_to(uploads_folder())) for path in uploads_folder().rglob("*") if path.is_file())


@given(name=st.text())
@example(name="")
@example(name="..")
@example(name="../../etc/passwd")
@example(name="C:\\dumps\\d.sql")
@example(name="/")
@example(name="a\0b.sql")
@example(name=".hidden")
@example(name="x" * 5000 + ".sql.gz")
@example(name="\ud800.sql")
@example(name="CON\n<script>.sql")
def test_every_name_becomes_a_plain_one(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert len(safe) <= MAX_NAME
    assert safe[0] not in ".-"
    assert all(letter.isascii() and (letter.isalnum() or letter in "._-") for letter in safe)
    assert safe_name(safe) == safe


def test_a_name_stays_recognizable() -> None:
    assert safe_name("my dumps/détexify 2026.sql.gz") == "d_texify_2026.sql.gz"
    assert safe_name("x" * 200 + ".sql.gz").endswith("x.sql.gz")


@pytest.mark.parametrize("name", ["dump.sql", "../../dump.sql", "..\\dump.sql", "/etc/dump.sql"])
def test_a_file_is_stored_inside_the_uploads_folder(name: str, tmp_path: Path) -> None:
    path = save_upload(name, io.BytesIO(b"content"))
    assert path.read_bytes() == b"content"
    assert path.name == "dump.sql"
    assert path.parent.parent == uploads_folder()
    assert [entry.name for entry in tmp_path.iterdir()] == ["ws"]


def test_the_same_content_is_stored_once() -> None:
    data = io.BytesIO(b"x" * 3_000_000)
    first = save_upload("one.sql", data)
    assert save_upload("two.sql", data) == first  # from wherever the file stands
    assert save_upload("one.sql", io.BytesIO(b"y")) != first
    assert len(files()) == 2
    assert first.stat().st_size == 3_000_000


def test_uploads_are_listed_newest_first_until_they_are_deleted() -> None:
    assert list_uploads() == []
    old, new = save_upload("old.sql", io.BytesIO(b"1")), save_upload("new.sql", io.BytesIO(b"2"))
    os.utime(old, (1, 1))
    assert list_uploads() == [new, old]
    delete_upload(new)
    delete_upload(new)
    assert list_uploads() == [old]
    assert save_upload("again.sql", io.BytesIO(b"2")).read_bytes() == b"2"


def test_only_uploads_can_be_deleted(tmp_path: Path) -> None:
    mine = tmp_path / "ws" / "dataset" / "manifest.json"
    mine.parent.mkdir(parents=True)
    mine.write_text("{}")
    for path in (mine, uploads_folder() / "x", uploads_folder() / "x" / ".." / ".." / "dataset" / "manifest.json"):
        with pytest.raises(StorageError, match="is no upload"):
            delete_upload(path)
    assert mine.exists()


class FailsInTheMiddle(io.BytesIO):
    """A file of which the second reading, the one that writes, breaks off."""

    def __init__(self, content: bytes, error: Exception) -> None:
        super().__init__(content)
        self._error, self._readings = error, 0

    def seek(self, *where: int) -> int:
        self._readings += 1
        return super().seek(*where)

    def read(self, size: int | None = -1) -> bytes:
        if self._readings > 1 and self.tell() > 0:
            raise self._error
        return super().read(size)


def test_an_interrupted_upload_leaves_no_file() -> None:
    with pytest.raises(StorageError, match="no room left"):
        save_upload("dump.sql", FailsInTheMiddle(b"x" * 2_000_000, OSError(errno.ENOSPC, "full")))
    assert files() == []
    assert list_uploads() == []
    assert save_upload("dump.sql", io.BytesIO(b"x" * 2_000_000)).stat().st_size == 2_000_000


def test_a_folder_that_cannot_be_written_is_an_error_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "ws").write_text("a file where the workspace should be")
    with pytest.raises(StorageError, match=r"dump.sql can't be written \(Not a directory\): choose another place"):
        save_upload("dump.sql", io.BytesIO(b"x"))
