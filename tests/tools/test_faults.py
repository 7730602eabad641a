"""Kills, full disks, stopped servers, crowds and jumping clocks, a few times each; `make faults` does it many times."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest

from extexify.core.progress import EventLog, Progress, TerminalProgress
from extexify.model.library import check_new_run
from extexify.ui.common.job_panel import is_recent
from extexify.workspace.files import StorageError, atomic_folder, write_json, writer_lock
from tools.dashboard import serving
from tools.faults.breakage import Disk, limited_files, read_only, small_disk, using
from tools.faults.full_disks import DISK_SIZE
from tools.faults.scenarios import SCENARIOS, Scenario
from tools.visitor import Visitor, run_apart

SHORT = [scenario for scenario in SCENARIOS if scenario.short]


@pytest.mark.parametrize("scenario", SHORT, ids=lambda scenario: f"{scenario.fault}-{scenario.stage}")
def test_a_fault_loses_nothing_is_reported_in_a_sentence_and_a_retry_works(
    scenario: Scenario, tmp_path: Path, one_thread: None
) -> None:
    assert scenario.run(tmp_path, scenario.short, Random()).total() >= scenario.short


def test_every_scenario_runs_in_make_faults_and_every_kind_of_fault_here() -> None:
    kinds = {scenario.fault.partition(",")[0] for scenario in SCENARIOS}
    assert kinds == {scenario.fault.partition(",")[0] for scenario in SHORT}


# --- details ------------------------------------------------------------------------------------


@pytest.fixture(params=["small disk", "limit on the size of files"])
def disk(request: pytest.FixtureRequest) -> Iterator[Disk]:
    """An empty place whose room can be taken away."""
    with small_disk(DISK_SIZE) if request.param == "small disk" else limited_files() as place:
        yield place


def test_the_error_of_a_full_disk_names_the_folder_and_not_its_temporary_name(disk: Disk) -> None:
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


def test_the_error_of_a_folder_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    write_json(tmp_path / "old.json", 1)
    with read_only(tmp_path):
        for name in ("old.json", "new.json", "below/new.json"):
            with pytest.raises(StorageError, match=r"can't be written \(.+\): give this user the right to"):
                write_json(tmp_path / name, 2)
    assert (tmp_path / "old.json").read_bytes() == b"1\n"


def test_the_name_of_a_training_that_was_killed_before_it_wrote_anything_is_free(tmp_path: Path) -> None:
    with using(tmp_path):
        run = tmp_path / "runs" / "first"
        run.mkdir(parents=True)
        (run / ".run.json.4711.0.tmp").touch()
        check_new_run("first")
        (run / "metrics.jsonl").touch()
        with pytest.raises(StorageError, match="exists already"):
            check_new_run("first")


def test_sessions_that_have_ended_take_no_open_files_from_new_ones(tmp_path: Path) -> None:
    few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        # A service manager may set such a limit; each session has three files open for two minutes.
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(128, most), most))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (few, most))
        server = stack.enter_context(serving(tmp_path))

        async def visit_and_leave() -> None:
            for _ in range(45):
                async with Visitor(server.address) as visitor:
                    assert not visitor.failed

        run_apart(visit_and_leave())


def test_a_job_that_ends_in_the_future_is_not_recent() -> None:
    now = time.time()
    assert is_recent(now - 5, 60)
    assert not is_recent(now - 100, 60)
    assert not is_recent(now + 3600, 60)
