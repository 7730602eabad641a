"""Disks that fill up and folders that can't be written, in every stage; `make faults` does it many times."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from extexify.core.progress import EventLog, Progress, TerminalProgress
from extexify.workspace.files import StorageError, atomic_folder, write_json, writer_lock
from tools.faults import full_disks, read_only_places, writers
from tools.faults.breakage import Disk, limited_files, read_only, small_disk

STAGES = {stage.name: stage for stage in writers.STAGES}


@pytest.fixture(scope="module", params=["small disk", "limit on the size of files"])
def disk(request: pytest.FixtureRequest) -> Iterator[Disk]:
    """A place with a filled workspace, whose room can be taken away."""
    small = request.param == "small disk"
    with small_disk(full_disks.DISK_SIZE) if small else limited_files() as place:
        writers.prepare(place.folder / "ws")
        yield place


@pytest.mark.parametrize("name", STAGES)
def test_a_full_disk_is_one_sentence_loses_nothing_and_a_retry_works(disk: Disk, name: str, one_thread: None) -> None:
    times = 2
    assert full_disks.fill_disks(disk, STAGES[name], times, Random()).total() == times


def test_a_place_that_nobody_may_write_is_read_as_ever_and_everything_that_writes_says_so(disk: Disk) -> None:
    outcomes = read_only_places.write_nowhere(disk.folder / "ws")
    assert outcomes["one sentence, nothing changed"] == len(STAGES) + 3


def test_a_dashboard_on_such_a_place_answers_and_says_that_it_cannot_keep_the_drawing(disk: Disk) -> None:
    outcomes = read_only_places.serve_read_only(disk.folder / "ws")
    assert outcomes == {
        "page shown": len(read_only_places.PAGES),
        "answered, and said that the drawing could not be kept": 1,
    }


def test_the_folder_is_named_and_not_what_is_being_written_for_it(disk: Disk) -> None:
    folder = disk.folder / "data"
    with (
        disk.room(0),
        pytest.raises(StorageError) as caught,
        writer_lock(folder, "the dataset"),
        atomic_folder(folder) as new,
    ):
        write_json(new / "manifest.json", {})
    assert f"{folder}" in str(caught.value)
    assert ".tmp" not in str(caught.value)
    assert not folder.exists()


def test_progress_that_finds_no_room_stops_no_work(disk: Disk) -> None:
    log = EventLog(disk.folder / "events.jsonl")
    with (disk.folder / "log.txt").open("w") as text:
        show = TerminalProgress(text)
        with disk.room(0):
            log(Progress("export", message="one"))
            show(Progress("export", message="one"))
        log(Progress("export", message="two"))
        show(Progress("export", message="two"))
    assert b'"two"' in (disk.folder / "events.jsonl").read_bytes()
    assert "two" in (disk.folder / "log.txt").read_text()


def test_a_folder_that_cannot_be_written_is_told_with_what_to_do(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    write_json(tmp_path / "old.json", 1)
    with read_only(tmp_path):
        for name in ("old.json", "new.json", "below/new.json"):
            with pytest.raises(StorageError, match=r"can't be written \(.+\): give this user the right to"):
                write_json(tmp_path / name, 2)
    assert (tmp_path / "old.json").read_bytes() == b"1\n"
