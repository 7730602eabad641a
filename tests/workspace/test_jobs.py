"""Background jobs: real processes, started, followed, stopped and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from extexify.dataset.dataset import Dataset
from extexify.workspace import jobs, paths
from extexify.workspace.jobs import Job, JobError
from tools.dashboard import ROOT

FEW = "starter:each=3,symbols=latex2e-OT1-_alpha;latex2e-OT1-_beta"
MANY = "starter:each=2000"


@pytest.fixture(autouse=True)
def own_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path / "ws"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def start_export(source: str, **more: dict[str, str]) -> Job:
    return jobs.start("export", ["--source", source], title="Export", writes=["dataset"], **more)


def wait_until(condition: Callable[[], object], seconds: float = 60) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "waited in vain"
        time.sleep(0.02)


def ended(job: Job) -> Job:
    """The job, as another page finds it, when it has ended."""
    wait_until(lambda: job.state != "running")
    found = jobs.find(job.id)
    assert found == job
    return found


def process_of(job: Job) -> int:
    """The number of the job's process, once it reports progress."""
    wait_until(lambda: job.latest() is not None)
    assert job.process is not None
    return job.process


def test_a_job_runs_a_command_and_tells_progress_log_and_figures() -> None:
    job = start_export(FEW)
    assert job.state == "running"
    assert jobs.running() == [job]
    job = ended(job)
    assert job.state == "done"
    assert job.figures["samples"] == 6
    assert job.error == ""
    assert job.ended is not None
    assert job.latest() is not None
    assert any("6 drawings of 2 symbols" in line for line in job.log())
    assert jobs.running() == []
    assert len(Dataset.open(paths.dataset_folder())) == 6


def test_a_job_that_fails_says_why_in_one_sentence(tmp_path: Path) -> None:
    job = ended(start_export(str(tmp_path / "nothing.sql")))
    assert job.state == "failed"
    assert job.error == f"{tmp_path / 'nothing.sql'} does not exist"


def test_a_wrong_option_is_a_failure_too() -> None:
    job = ended(jobs.start("export", ["--source", FEW, "--nonsense"], title="Export"))
    assert job.state == "failed"
    assert job.error == "unrecognized arguments: --nonsense"


def test_a_killed_job_has_failed_and_leaves_the_old_dataset() -> None:
    ended(start_export(FEW))
    job = start_export(MANY)
    os.kill(process_of(job), signal.SIGKILL)
    job = ended(job)
    assert job.state == "failed"
    assert "killed" in job.error
    assert job.ended is not None
    assert len(Dataset.open(paths.dataset_folder())) == 6


def test_stopping_works_at_once_and_leaves_the_old_dataset() -> None:
    ended(start_export(FEW))
    job = start_export(MANY)
    process_of(job)
    jobs.stop(job)
    job = ended(job)
    assert job.state == "stopped"
    assert job.error == ""
    assert len(Dataset.open(paths.dataset_folder())) == 6


def test_a_job_that_was_just_started_can_be_stopped() -> None:
    job = start_export(MANY)
    jobs.stop(job)
    assert ended(job).state == "stopped"
    assert not paths.dataset_folder().exists()


def test_a_second_stop_kills() -> None:
    job = start_export(MANY)
    number = process_of(job)
    os.kill(number, signal.SIGSTOP)  # hangs: it hears nothing any more
    jobs.stop(job)
    assert job.state == "running"
    assert job.is_stopping
    jobs.stop(job)
    assert ended(job).state == "stopped"


def test_two_jobs_that_write_the_same_do_not_run_at_once(tmp_path: Path) -> None:
    job = start_export(MANY)
    with pytest.raises(JobError, match=r"“Export” has been running since \d\d:\d\d and writes the same"):
        start_export(FEW)
    elsewhere = str(tmp_path / "elsewhere")
    other = jobs.start("export", ["--source", FEW, "--out", elsewhere], title="Other", writes=["elsewhere"])
    assert {found.id for found in jobs.running()} == {job.id, other.id}
    assert jobs.running(["dataset"]) == [job]
    for started in (job, other):
        jobs.stop(started)
        ended(started)
    assert ended(start_export(FEW)).state == "done"


def test_a_job_outlives_the_process_that_started_it_and_is_found_by_others() -> None:
    script = (
        "from extexify.workspace import jobs\n"
        f"print(jobs.start('export', ['--source', {MANY!r}], title='Export', writes=['dataset']).id)"
    )
    starter = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    job = jobs.find(starter.stdout.strip())
    assert job is not None
    number = process_of(job)
    assert job.state == "running"
    assert os.getsid(number) == number  # in a session of its own: the terminal's Ctrl-C doesn't reach it
    jobs.stop(job)
    assert ended(job).state == "stopped"


def test_a_job_goes_behind_everything_else() -> None:
    job = start_export(MANY)
    assert os.getpriority(os.PRIO_PROCESS, process_of(job)) == min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19)
    jobs.stop(job)
    ended(job)


def test_secrets_reach_the_process_and_no_file() -> None:
    job = ended(start_export(FEW, secrets={"EXTEXIFY_SOURCE": "postgresql://someone:hush@nowhere/db"}))
    assert job.state == "done"
    assert not [path for path in job.folder.iterdir() if b"hush" in path.read_bytes()]


def test_jobs_are_listed_newest_first_and_forgotten_on_request() -> None:
    first, second = ended(start_export(FEW)), ended(start_export(FEW))
    assert jobs.list_jobs() == [second, first]
    assert jobs.list_jobs("render") == []
    jobs.delete(first)
    assert jobs.list_jobs() == [second]
    assert jobs.find(first.id) is None


@pytest.mark.parametrize("name", ["", "..", "../..", "x", "20260101-000000-000-export-00000000", "a/b", "\0"])
def test_no_job_under_a_name_that_is_none(name: str) -> None:
    assert jobs.find(name) is None


def test_a_line_that_is_still_being_written_is_not_read() -> None:
    job = ended(start_export(FEW))
    before = job.latest()
    with (job.folder / "events.jsonl").open("ab") as file:
        file.write(b'{"time": 1e18, "stage": "ha')
    assert job.latest() == before


def write_event(job: Job, **fields: object) -> None:
    import orjson

    event = {"time": 0.0, "clock": 0.0, "message": "", "metrics": {}, "unit": "drawings", **fields}
    with (job.folder / "events.jsonl").open("ab") as file:
        file.write(orjson.dumps(event) + b"\n")


def test_time_left_of_a_training_counts_all_epochs() -> None:
    job = ended(start_export(FEW))
    write_event(job, stage="train epoch 2/4", done=50, total=100, rate=10.0)
    assert job.done == pytest.approx(1.5 / 4)
    assert job.time_left == pytest.approx((50 + 2 * 100) / 10)
    write_event(job, stage="validate epoch 2/4", done=10, total=20, rate=99.0)
    assert job.epoch == (2, 4)
    assert job.done == pytest.approx(2 / 4)
    assert job.time_left == pytest.approx((50 + 2 * 100) / 10)
    write_event(job, stage="export", done=50, total=None, rate=10.0)
    assert job.done is None
    assert job.time_left is None
