"""Background jobs: each is a command of the command line in a process of its own.

A job outlives the page, browser and server that started it. It is a folder `jobs/ID` of the workspace:

    job.json       kind, title, arguments, what it writes, start time
    lock           locked by the job's process while it lives
    process.json   which process that is, written as soon as it holds the lock
    events.jsonl   progress, one event a line
    output.json    JSON that the command printed
    log.txt        its standard error
    stop           its existence asks the job's process to stop; the process watches for it
    kill           likewise, to end at once
    end.json       exit code, time, seconds and error; blank until the job ends

Several servers, also in containers or on several machines, may share a workspace. Each finds out from the lock whether
a job runs. Only a server on the job's machine can kill its process; stopping works through the files.
`extexify.cli.job_runner` is the program that the process runs.
"""

from __future__ import annotations

import os
import re
import secrets as randomness
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import orjson
from filelock import Timeout

from extexify.access import permissions
from extexify.core import settings
from extexify.core.errors import UserError, in_one_line, printable
from extexify.core.interruption import STOPPED
from extexify.core.processes import ProcessIdentity, boot_id, kill_tree
from extexify.core.progress import Event, newest_events, tail
from extexify.core.schema import SchemaError, validate
from extexify.workspace import paths
from extexify.workspace.files import StorageError, explained, file_lock, is_locked, read_json, write_json

LOCK, PROCESS, STOP, KILL = "lock", "process.json", "stop", "kill"
"""Names of a job's files that its process uses."""

MAX_JOBS = 50
"""Maximum number of job folders; starting a job removes older ones."""

_END = "end.json"

_END_BYTES = 4096
"""Size of `end.json` from the start on: written in place, it needs no room on a disk that is full by then."""

_START_SECONDS = 60.0
"""A job without `process.json` counts as starting for so long; afterwards its process never began."""

_MAX_SECONDS = 1e8
"""Estimates beyond are none."""

_STAMP_LENGTH = len("20260101-000000-000")

_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9]{3}-[a-z-]+-[0-9a-f]{8}")
_ERROR_LINE = re.compile(r"(?:extexify|python -m extexify(?: [\w-]+)?): (?:error: )?(.+)")
_EPOCH = re.compile(r"(train|validate) epoch (\d{1,6})/(\d{1,6})$")
_ROOT = Path(__file__).resolve().parents[2]

_T = TypeVar("_T")


class JobError(UserError, RuntimeError):
    """A job can't be started."""


@dataclass(frozen=True, slots=True)
class _JobFile:
    """The content of `job.json`."""

    kind: str
    title: str
    arguments: tuple[Any, ...]
    writes: tuple[str, ...]
    began: float
    clock: float
    boot: str


@dataclass(frozen=True, slots=True)
class _End:
    """The content of `end.json`."""

    code: int
    time: float
    seconds: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it was started; the properties read its present state from disk.

    kind is a command of the command line; writes names what it makes, relative to the workspace; began is in seconds
    since 1970; clock is the same moment by the monotonic clock of the boot `boot` (see `boot_id`).
    """

    id: str
    folder: Path
    kind: str
    title: str
    arguments: tuple[str, ...]
    writes: tuple[str, ...]
    began: float
    clock: float
    boot: str

    @property
    def state(self) -> str:
        """`running`, `done`, `stopped` or `failed` (by an error, or killed)."""
        # Read first: the process writes it under the lock.
        has_begun = (self.folder / PROCESS).exists()
        if is_locked(self.folder / LOCK):
            return "running"
        if end := self._end():
            if end.code == 0:
                return "done"
            return "stopped" if self.is_stopping or end.code == STOPPED else "failed"
        if not has_begun and 0 <= self._age() < _START_SECONDS:
            return "running"
        return "stopped" if self.is_stopping else "failed"

    @property
    def process(self) -> int | None:
        """The job's process id while the process lives and is on this machine, in this container; else None."""
        identity = _read(self.folder / PROCESS, ProcessIdentity)
        process = identity.find() if identity else None
        return process.pid if process else None

    @property
    def is_stopping(self) -> bool:
        """Whether a stop was requested."""
        return (self.folder / STOP).exists()

    @property
    def ended(self) -> float | None:
        """When the job ended, in seconds since 1970 (if killed, its last event); None while it runs."""
        if self.state == "running":
            return None
        if end := self._end():
            return end.time
        latest = self.latest()
        return latest.time if latest else self.began

    @property
    def seconds(self) -> float:
        """How long the job has been running, or ran (if killed, until its last event)."""
        if self.state == "running":
            return max(self._age(), 0.0)
        if (end := self._end()) and end.seconds is not None:
            return end.seconds
        latest = self.latest()
        return max(latest.clock - self.clock, 0.0) if latest else 0.0

    @property
    def error(self) -> str:
        """Why a failed job failed, in one sentence; empty for any other job."""
        if self.state != "failed":
            return ""
        end = self._end()
        if end is None:
            return "it was killed, ran out of memory, or the machine went down"
        if end.error:
            return end.error
        for line in reversed(self.log()):
            if found := _ERROR_LINE.match(line):
                return found[1]
        return f"the command ended with code {end.code}"

    @property
    def output(self) -> dict[str, Any]:
        """The JSON that the command printed; empty until it is done."""
        try:
            output = orjson.loads((self.folder / "output.json").read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return {}
        return output if isinstance(output, dict) else {}

    def latest(self) -> Event | None:
        """The newest progress event."""
        return next(self._newest(), None)

    @permissions.operators_only
    def log(self, lines: int = 200) -> list[str]:
        """The last lines of the log."""
        return [line.decode("utf-8", "replace") for line in tail(self.folder / "log.txt")][-lines:]

    @property
    def epoch(self) -> tuple[int, int] | None:
        """A training's present epoch and the number of all; None in other stages."""
        latest = self.latest()
        found = _EPOCH.match(latest.progress.stage) if latest else None
        return (int(found[2]), int(found[3])) if found else None

    @property
    def done(self) -> float | None:
        """The fraction done, 0 to 1, of the present stage, or of all epochs of a training; None if unknown."""
        latest = self.latest()
        if latest is None or not latest.progress.total:
            return None
        fraction = min(max(latest.progress.done / latest.progress.total, 0.0), 1.0)
        if found := _EPOCH.match(latest.progress.stage):
            # Validation counts for nothing: it is a small part of an epoch, and a bar must not go back.
            number, epochs = int(found[2]), int(found[3])
            return min(max((number - 1 + (fraction if found[1] == "train" else 1.0)) / max(epochs, 1), 0.0), 1.0)
        return fraction

    @property
    def time_left(self) -> float | None:
        """Estimated seconds until `done` is 1, at the present rate; None if unknown."""
        for event in self._newest():
            progress = event.progress
            found = _EPOCH.match(progress.stage)
            if found and found[1] == "validate":
                continue  # the rate of the training epochs counts
            if not progress.total or progress.rate <= 0:
                return None
            units = float(progress.total - progress.done)
            if found:
                units += (int(found[3]) - int(found[2])) * progress.total
            left = max(units / progress.rate, 0.0)
            return left if left < _MAX_SECONDS else None
        return None

    def _newest(self) -> Iterator[Event]:
        """The last progress events, newest first."""
        return newest_events(self.folder / "events.jsonl")

    def _end(self) -> _End | None:
        return _read(self.folder / _END, _End)

    def _age(self) -> float:
        """Seconds since the start; by the wall clock if the job was started in another boot or on another machine."""
        return time.monotonic() - self.clock if self.boot == boot_id() else time.time() - self.began


@permissions.operators_only
def start(
    kind: str,
    arguments: Sequence[str],
    *,
    title: str,
    writes: Sequence[str] = (),
    secrets: Mapping[str, str] | None = None,
) -> Job:
    """Start `python -m extexify KIND ARGUMENTS…` in the background, at low priority.

    `title` is shown on pages. `writes` names what the job makes, relative to the workspace: two jobs that make the
    same don't run at once. `secrets` become environment variables of the process and are stored nowhere.
    Raises `JobError` if a running job writes the same, or the process can't be started.
    """
    root = paths.jobs_folder()
    try:
        with explained(root):
            root.mkdir(parents=True, exist_ok=True)
        # One start at a time: two could both find no job that writes the same.
        with explained(root), file_lock(root / ".start.lock", wait=10):
            if conflicting := running(writes):
                raise JobError(_conflict(conflicting[0]))
            for job in list_jobs()[MAX_JOBS:]:
                delete(job)
            return _launch(root, kind, tuple(arguments), printable(title), tuple(writes), dict(secrets or {}))
    except Timeout:
        raise JobError("another job is being started at this moment: try again") from None
    except StorageError as error:
        raise JobError(f"the job can't be started: {error}") from None
    except OSError as error:
        raise JobError(f"the job can't be started ({error.strerror}: {root})") from None


@permissions.operators_only
def list_jobs(kind: str | None = None) -> list[Job]:
    """All jobs in the workspace, or those of a kind, newest first."""
    try:
        names = sorted((entry.name for entry in os.scandir(paths.jobs_folder())), reverse=True)
    except FileNotFoundError:
        return []
    found = (find(name) for name in names)
    return [job for job in found if job is not None and kind in (None, job.kind)]


@permissions.operators_only
def find(job_id: str) -> Job | None:
    """The job of an id; None if there is none, or its `job.json` is damaged."""
    if not _ID.fullmatch(job_id):
        return None
    folder = paths.jobs_folder() / job_id
    stored = _read(folder / "job.json", _JobFile)
    if stored is None:
        return None
    arguments = tuple(map(str, stored.arguments))
    return Job(
        job_id, folder, stored.kind, stored.title, arguments, stored.writes, stored.began, stored.clock, stored.boot
    )


def running(writes: Sequence[str] = ()) -> list[Job]:
    """The running jobs, newest first; with `writes`, only those that make one of these."""
    found = (job for job in list_jobs() if not writes or not set(writes).isdisjoint(job.writes))
    return [job for job in found if job.state == "running"]


@permissions.operators_only
def stop(job: Job) -> None:
    """Ask a job to stop; a second call kills it. Neither leaves anything half-written.

    Raises `StorageError` if this user may not write to the job's folder.
    """
    request = job.folder / (KILL if job.is_stopping else STOP)
    if job.state != "running":
        return
    with explained(request):
        request.touch()
    # The job's process watches for both files, unless it hangs.
    identity = _read(job.folder / PROCESS, ProcessIdentity)
    if request.name == KILL and identity and (process := identity.find()):
        kill_tree(process)


@permissions.operators_only
def delete(job: Job) -> None:
    """Remove an ended job's folder; what it made stays."""
    if job.state != "running":
        shutil.rmtree(job.folder, ignore_errors=True)


def write_end(folder: Path, *, code: int, seconds: float, error: str = "") -> None:
    """Record how a job ended; for its process, the last thing it does."""
    end = {"code": code, "time": time.time(), "seconds": seconds, "error": in_one_line(error)}
    with (folder / _END).open("r+b") as file:
        file.write(orjson.dumps(end))


def _conflict(job: Job) -> str:
    began = datetime.fromtimestamp(job.began)
    return f"“{job.title}” has been running since {began:%H:%M} and writes the same: wait for it or stop it"


def _launch(
    root: Path, kind: str, arguments: tuple[str, ...], title: str, writes: tuple[str, ...], secrets: dict[str, str]
) -> Job:
    now, clock, boot = time.time(), time.monotonic(), boot_id()
    job_id = f"{_stamp(root, now)}-{kind}-{randomness.token_hex(4)}"
    folder = root / job_id
    folder.mkdir()
    environment = {
        **os.environ,
        **secrets,
        settings.WORKSPACE.name: str(paths.workspace().resolve()),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH", "")])),
        # Waiting threads give their core to the pages instead of spinning.
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    try:
        (folder / _END).write_bytes(b" " * _END_BYTES)
        write_json(
            folder / "job.json",
            {
                "kind": kind, "title": title, "arguments": arguments, "writes": writes,
                "began": now, "clock": clock, "boot": boot,
            },
        )  # fmt: skip
        with (folder / "log.txt").open("wb") as log, (folder / "output.json").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "extexify.cli.job_runner", str(folder.resolve())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                env=environment,
                # Ctrl-C in the server's terminal, and its end, don't reach the job.
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
            )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    threading.Thread(target=_wait, args=(process, folder), name=f"job {job_id}", daemon=True).start()
    return Job(job_id, folder, kind, title, arguments, writes, now, clock, boot)


def _wait(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Reap the job's process when it ends; record the end of one that died before it could hold its lock."""
    code = process.wait()
    if not (folder / PROCESS).exists():
        with suppress(OSError):  # the folder may have been removed
            write_end(folder, code=code, seconds=0.0)


def _stamp(root: Path, now: float) -> str:
    """The time that a new job's id begins with. If the clock was put back, a millisecond after the newest job's: ids
    are in the order of the starts."""
    moment = datetime.fromtimestamp(now)
    newest = max((entry.name[:_STAMP_LENGTH] for entry in os.scandir(root) if _ID.fullmatch(entry.name)), default="")
    with suppress(ValueError):  # a folder of another origin, with digits that are no time
        moment = max(moment, datetime.strptime(newest, "%Y%m%d-%H%M%S-%f") + timedelta(milliseconds=1))
    return f"{moment:%Y%m%d-%H%M%S}-{moment.microsecond // 1000:03d}"


def _read(file: Path, kind: type[_T]) -> _T | None:
    """The content of a JSON file; None if it is missing, being written or damaged."""
    try:
        return validate(read_json(file), kind)
    except (StorageError, SchemaError):
        return None
