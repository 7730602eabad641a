"""Background jobs: real processes, started, followed, stopped and killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from extexify.core import processes
from extexify.core.errors import in_one_line
from extexify.core.processes import ProcessIdentity, machine_id
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


def wait_until(condition: Callable[[], object], seconds: float = 300) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, f"not within {seconds} s"
        time.sleep(0.02)


def ended(job: Job) -> Job:
    """The job, as another page finds it, when it has ended."""
    wait_until(lambda: job.state != "running")
    found = jobs.find(job.id)
    assert found == job
    return found


def stored_job(number: int) -> Job:
    """A job that ended, made without a process."""
    folder = paths.jobs_folder() / f"20260101-000000-00{number}-export-00000000"
    folder.mkdir(parents=True)
    stored = {"kind": "export", "title": "Export", "arguments": [], "writes": ["dataset"]}
    (folder / "job.json").write_text(json.dumps({**stored, "began": 0.0, "clock": 0.0, "boot": "x"}))
    (folder / "process.json").write_text("{}")
    (folder / "end.json").write_bytes(b" " * 4096)
    jobs.write_end(folder, code=0, seconds=1.0)
    job = jobs.find(folder.name)
    assert job is not None
    return job


def process_of(job: Job) -> int:
    """The number of the job's process, once it reports progress."""
    wait_until(lambda: job.latest() is not None)
    assert job.process is not None
    return job.process


def test_a_job_runs_a_command_and_reports_progress_log_and_output() -> None:
    job = start_export(FEW, secrets={"EXTEXIFY_SOURCE": "postgresql://someone:hush@nowhere/db"})
    assert job.state == "running"
    assert jobs.running() == [job]
    job = ended(job)
    assert job.state == "done"
    assert job.output["samples"] == 6
    assert job.error == ""
    assert job.ended is not None
    assert job.latest() is not None
    assert any("6 drawings of 2 symbols" in line for line in job.log())
    assert jobs.running() == []
    assert len(Dataset.open(paths.dataset_folder())) == 6
    # Secrets reach the process and no file.
    assert not [path for path in job.folder.iterdir() if b"hush" in path.read_bytes()]


def test_a_job_that_fails_says_why_in_one_sentence(tmp_path: Path) -> None:
    job = ended(start_export(str(tmp_path / "nothing.sql")))
    assert job.state == "failed"
    assert job.error == f"{tmp_path / 'nothing.sql'} does not exist"


def test_a_wrong_option_is_a_failure_too() -> None:
    job = ended(jobs.start("export", ["--source", FEW, "--nonsense"], title="Export"))
    assert job.state == "failed"
    assert job.error == "unrecognized arguments: --nonsense"


def test_a_fault_is_named_as_one_and_its_traceback_is_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "from extexify.cli import commands\ndef fail(options): return {}['missing']\ncommands.export = fail\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    job = ended(start_export(FEW))
    assert job.state == "failed"
    assert job.error == "this is a fault of Extexify (KeyError: 'missing'); its traceback is in the log"
    assert "Traceback (most recent call last):" in job.log()
    assert any("in fail" in line for line in job.log())


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


def test_a_job_whose_process_cannot_start_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    job = ended(start_export(FEW))
    assert (job.state, job.error) == ("failed", "the command ended with code 1")


def test_a_job_is_running_before_its_process_holds_the_lock(tmp_path: Path) -> None:
    began = {"kind": "export", "title": "Export", "arguments": [], "writes": ["dataset"], "clock": 0.0, "boot": "x"}
    folder = paths.jobs_folder() / "20260101-000000-000-export-00000000"
    folder.mkdir(parents=True)
    for age, state in ((1.0, "running"), (1000.0, "failed"), (-1000.0, "failed")):
        (folder / "job.json").write_text(json.dumps({**began, "began": time.time() - age}))
        (job,) = jobs.list_jobs()
        assert job.state == state


def test_the_end_is_recorded_on_a_disk_that_is_full_by_then() -> None:
    job = stored_job(1)
    size = (job.folder / "end.json").stat().st_size
    jobs.write_end(job.folder, code=1, seconds=2.0, error="é\0" * 250)
    assert (job.folder / "end.json").stat().st_size == size  # written in place, it takes no new room
    assert (job.state, job.error) == ("failed", in_one_line("é\0" * 250))


def test_jobs_of_earlier_versions_still_open() -> None:
    folder = paths.jobs_folder() / "20260101-000000-000-export-00000000"
    folder.mkdir(parents=True)
    (folder / "job.json").write_text(
        '{"kind": "export", "title": "Export", "arguments": ["--source", "starter"], "writes": ["dataset"], '
        '"began": 1767225600.0, "clock": 5.0, "boot": "former"}'
    )
    (folder / "lock").write_bytes(b"4711".ljust(16, b"\0"))
    (job,) = jobs.list_jobs()
    assert (job.state, job.process, job.ended) == ("failed", None, 1767225600.0)  # killed
    (folder / "end.json").write_text('{"code": 0, "time": 1767225605.0, "seconds": 4.5, "error": ""}')
    assert (job.state, job.seconds, job.ended) == ("done", 4.5, 1767225605.0)


def test_a_second_stop_kills_a_job_that_hangs() -> None:
    job = start_export(MANY)
    os.kill(process_of(job), signal.SIGSTOP)
    jobs.stop(job)
    assert job.state == "running"
    assert job.is_stopping
    jobs.stop(job)
    assert ended(job).state == "stopped"


def test_another_containers_job_is_stopped_by_its_files_and_no_process_here_is_touched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        for stops in (1, 2):
            job = start_export(MANY)
            process_of(job)
            # This server is in another container from now on, where the job's number is a bystander's.
            identity = {**json.loads((job.folder / "process.json").read_text()), "pid": bystander.pid}
            (job.folder / "process.json").write_text(json.dumps(identity))
            with monkeypatch.context() as patch:
                patch.setattr(processes, "machine_id", lambda: "another container")
                assert job.process is None
                for _ in range(stops):
                    jobs.stop(job)
            assert ended(job).state == "stopped"
            assert bystander.poll() is None
        assert bystander.stdin is not None
        bystander.stdin.close()


def test_a_process_is_distinguished_from_a_later_one_with_its_number() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        identity = ProcessIdentity(machine_id(), process.pid, psutil.Process(process.pid).create_time())
        found = identity.find()
        assert found is not None
        assert found.pid == process.pid
        assert replace(identity, started=identity.started - 5).find() is None
        assert replace(identity, machine="another").find() is None
        process.communicate()
    assert identity.find() is None


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


def test_a_job_outlives_the_process_that_started_it_and_is_found_by_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTEXIFY_JOB_NICE", "10")
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
    # The pages go first.
    assert os.getpriority(os.PRIO_PROCESS, number) == min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19)
    jobs.stop(job)
    assert ended(job).state == "stopped"


def test_jobs_are_listed_newest_first_and_deleted_on_request() -> None:
    first, second = stored_job(1), stored_job(2)
    assert jobs.list_jobs() == [second, first]
    assert jobs.list_jobs("render") == []
    jobs.delete(first)
    assert jobs.list_jobs() == [second]
    assert jobs.find(first.id) is None


@pytest.mark.parametrize("name", ["", "..", "../..", "x", "20260101-000000-000-export-00000000", "a/b", "\0"])
def test_no_job_under_a_name_that_is_none(name: str) -> None:
    assert jobs.find(name) is None


def test_a_line_that_is_still_being_written_is_not_read() -> None:
    job = stored_job(1)
    write_event(job, stage="export", done=50, total=100, rate=10.0)
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
    job = stored_job(1)
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
