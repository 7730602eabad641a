"""`detexify` as a source: an archive that is downloaded, from servers that do what servers do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from extexify.core import settings
from extexify.core.progress import Progress, Stage
from extexify.sources import download
from extexify.sources.base import SourceError
from extexify.sources.detexify import DetexifySource
from extexify.sources.open import open_source
from tests import archives
from tests.archives import SUM, Answer, origin, project, sample, send, tar


def archive(count: int = 3, claimed: int = 0, filling: int = 300_000) -> bytes:
    """An archive: of `count` drawings the first is rejected, the last has no id and no key of its own."""
    lines = [sample(number, source=origin(SUM, 100 + number)) for number in range(count - 1)]
    return project([*lines, sample(count - 1)], claimed=claimed, rejected=[0], filling=filling)


ARCHIVE, OTHER = archive(), archive(5)
HALF = len(ARCHIVE) // 2

answer = partial(send, ARCHIVE)


@contextmanager
def served(monkeypatch: pytest.MonkeyPatch, *answers: Answer) -> Iterator[list[str]]:
    """The ranges that a server is asked for, which the source's address names."""
    with archives.served(*answers) as (address, asked):
        monkeypatch.setenv(settings.DETEXIFY.name, address)
        yield asked


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(settings.WORKSPACE.name, str(tmp_path))
    return tmp_path / "downloads"


def read() -> list[tuple[object, object]]:
    return [(row.id, row.key) for row in open_source("detexify").rows()]


def rows(count: int) -> list[tuple[object, object]]:
    """What an archive of `count` drawings has: the first is rejected, the last has no id."""
    return [(100 + n, SUM) for n in range(1, count - 1)]


def is_complete(count: int = 3) -> bool:
    found = read()
    return found[:-1] == rows(count) and found[-1][1] == SUM


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_the_archive_is_downloaded_once_with_progress(monkeypatch: pytest.MonkeyPatch, workspace: Path) -> None:
    events: list[Progress] = []
    with served(monkeypatch, answer()) as asked:
        DetexifySource().fetch(events.append)
        assert is_complete()
        assert is_complete()
    assert asked == [""]
    assert [len(names(workspace)), events[-1].done, events[-1].total] == [1, len(ARCHIVE), len(ARCHIVE)]


@pytest.mark.parametrize(
    ("answers", "ranges"),
    [
        ((answer(stop=HALF), answer()), ["", f"bytes={HALF}-"]),
        ((answer(stop=HALF), answer(status=503), answer()), ["", f"bytes={HALF}-", f"bytes={HALF}-"]),
        ((answer(stop=HALF), answer(ranges=False)), ["", f"bytes={HALF}-"]),
        ((answer(stop=HALF, tag=""), answer(tag="")), ["", ""]),
        ((answer(stop=HALF, tag='W/"1"'), answer(tag='W/"1"')), ["", ""]),
        ((answer(stop=HALF), send(b"", status=416, length=0), answer()), ["", f"bytes={HALF}-", ""]),
        ((answer(status=429), answer(status=500), answer()), ["", "", ""]),
        ((answer(length=len(ARCHIVE) + 9), send(b"", status=416), answer()), ["", f"bytes={len(ARCHIVE)}-", ""]),
    ],
    ids=["broken off", "busy", "no ranges", "no tag", "weak tag", "no such range", "busy at first", "length too large"],
)  # fmt: skip
def test_an_interrupted_download_goes_on(
    monkeypatch: pytest.MonkeyPatch, answers: tuple[Answer, ...], ranges: list[str]
) -> None:
    with served(monkeypatch, *answers) as asked:
        assert is_complete()
    assert asked == ranges


def test_a_file_that_has_changed_in_between_is_fetched_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch, answer(stop=HALF), send(OTHER, tag='"2"')) as asked:
        assert is_complete(5)
    assert asked == ["", f"bytes={HALF}-"]


def test_a_server_that_falls_silent_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "SECONDS", 0.2)
    hold = threading.Event()
    with served(monkeypatch, answer(stop=HALF, hold=hold), answer()) as asked:
        assert is_complete()
        hold.set()
    assert asked == ["", f"bytes={HALF}-"]


def test_a_stopped_download_goes_on_at_the_next_start(monkeypatch: pytest.MonkeyPatch, workspace: Path) -> None:
    class Stop(Exception):
        pass

    def stop(event: Progress) -> None:
        if event.done:
            raise Stop

    monkeypatch.setattr(download, "_CHUNK", 1000)
    monkeypatch.setattr(Stage, "REPORT_EVERY", 0.0)
    with served(monkeypatch, answer()) as asked:
        with pytest.raises(Stop):
            DetexifySource().fetch(stop)
        [part] = (path for path in workspace.glob("*.part"))
        size = part.stat().st_size
        assert is_complete()
    assert asked == ["", f"bytes={size}-"]
    assert 0 < size < len(ARCHIVE)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (answer(status=404), "answers with status 404; is the address right?"),
        (send(b"<html>", kind="text/html"), "answers with a web page; does the network ask for a sign-in?"),
        (answer(stop=0), r"0 of .* bytes came.*: is there a connection\? Begin again$"),
        (answer(status=503), r"status 503.*Begin again$"),
        (answer(length=HALF, tag=""), "is cut off: its gzip data ends too early"),
        (send(archive(claimed=4)), "is incomplete: it has 3 drawings of 4"),
        (send(tar({"x/readme": b"x"}, "w:gz")), "is no archive of detexify-next"),
        (send(b"nonsense"), "is no archive of detexify-next"),
        (answer(length=len(ARCHIVE) + 9, ranges=False), r"of [\d,]+ bytes came.*it goes on after"),
    ],
    ids=[
        "404", "web page", "nothing", "busy", "length too small", "incomplete", "another project", "nonsense",
        "length too large",
    ],
)  # fmt: skip
def test_what_cannot_be_had_is_said_in_a_sentence_and_had_later(
    monkeypatch: pytest.MonkeyPatch, bad: Answer, words: str
) -> None:
    with served(monkeypatch, bad), pytest.raises(SourceError, match=words):
        read()
    with served(monkeypatch, answer()):
        assert is_complete()


def test_without_a_connection_what_is_there_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch, answer(stop=HALF)) as asked:
        with pytest.raises(SourceError, match=r"it goes on after the 0\.\d MB that are here"):
            read()
        assert asked == ["", *[f"bytes={HALF}-"] * download.TRIES]


def test_an_address_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.DETEXIFY.name, "file:///etc/passwd")
    with pytest.raises(SourceError, match="no address that begins with https://"):
        read()


def test_the_project_is_a_source_by_its_path_too(tmp_path: Path) -> None:
    path = tmp_path / "archive.tar.gz"
    path.write_bytes(ARCHIVE)
    found = [(row.id, row.key) for row in open_source(str(path)).rows()]
    assert found[:-1] == rows(3)
