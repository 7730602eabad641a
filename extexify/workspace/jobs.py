"""Background jobs: a command of the command line in a process of its own, which any page or tab can follow.

A job outlives the page, the browser and the server that started it, and is a folder `jobs/ID` of the workspace:

    job.json       what was asked: kind, arguments, title, what it writes, when
    lock           held by the process for as long as it lives; its text is the process's number
    events.jsonl   progress, a line an event
    output.json    the figures that the command printed
    log.txt        what it wrote to its standard error
    stop           there as soon as somebody asked it to stop
    end.json       exit code, time, seconds and what was wrong, the last thing that the process writes

Whether a job runs is asked of the operating system (the lock), not of a file that a killed process
could leave behind. How long it runs is asked of the machine's steady clock, which nobody sets.
`extexify.cli.job_runner` is what runs in the process.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets as randomness
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from filelock import FileLock, Timeout

from extexify.access import permissions
from extexify.core import settings
from extexify.core.errors import UserError, printable
from extexify.core.interruption import STOPPED
from extexify.core.progress import Event, newest_events, tail
from extexify.core.schema import Maybe, check_form
from extexify.workspace import paths
from extexify.workspace.files import StorageError, explained, read_json, write_json

MAX_JOBS = 50
"""Ended jobs whose folders are kept; older ones are removed when a new job starts."""

END_ROOM = "end.room"
"""The file that becomes `end.json`. Its blocks are taken when a job starts: a full disk doesn't silence its end."""

_END_BYTES, _NUMBER_BYTES = 4096, 16

_FOR_EVER = 1e8  # seconds

_STAMP_LENGTH = len("20260101-000000-000")

_ASKED = {
    "kind": str, "title": str, "arguments": [object], "writes": [str], "began": float, "clock": float, "boot": str,
}  # fmt: skip
_ENDED = {"code": int, "time": float, "seconds": Maybe(float), "error": Maybe(str)}

_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9]{3}-[a-z]+-[0-9a-f]{8}")
_COMPLAINT = re.compile(r"(?:extexify|python -m extexify(?: \w+)?): (?:error: )?(.+)")
_EPOCH = re.compile(r"(train|validate) epoch (\d{1,6})/(\d{1,6})$")
_ROOT = Path(__file__).resolve().parents[2]


class JobError(UserError, RuntimeError):
    """A job that can't be started; the message is one sentence that says why."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it was asked for; the properties read how it stands now.

    kind is a command of the command line; writes names what it makes, relative to the workspace;
    began is in seconds since 1970; clock is the same moment by the steady clock of a machine that was
    started at `boot` (see `_boot`).
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
        """`running`, `done`, `stopped` or `failed` (an error, or killed)."""
        if _is_held(self.folder / "lock"):
            return "running"
        code = self._end().get("code")
        if code == 0:
            return "done"
        return "stopped" if self.is_stopping or code == STOPPED else "failed"

    @property
    def process(self) -> int | None:
        """The number of the job's process; None until it has begun to work, or for ever when it didn't come to that."""
        try:
            number = (self.folder / "lock").read_bytes().strip(b"\0")
        except FileNotFoundError:
            return None
        # Whatever stands there: 0 and 1 are no job's, and signals to numbers below them reach whole groups.
        return int(number) if number.isdigit() and len(number) < _NUMBER_BYTES and int(number) > 1 else None

    @property
    def is_stopping(self) -> bool:
        """Whether somebody asked the job to stop."""
        return (self.folder / "stop").exists()

    @property
    def ended(self) -> float | None:
        """When the job ended, in seconds since 1970; None while it runs. Of a killed one, its last sign of life."""
        if self.state == "running":
            return None
        if "time" in (end := self._end()):
            return float(end["time"])
        latest = self.latest()
        return latest.time if latest else self.began

    @property
    def seconds(self) -> float:
        """How long the job has been running, or ran; of a killed one, until its last sign of life."""
        if self.state == "running":
            # On another machine that shares the workspace, the time of day has to do.
            return max(time.monotonic() - self.clock if self.boot == _boot() else time.time() - self.began, 0.0)
        if "seconds" in (end := self._end()):
            return float(end["seconds"])
        latest = self.latest()
        return max(latest.clock - self.clock, 0.0) if latest else 0.0

    @property
    def error(self) -> str:
        """One sentence that says why a failed job failed; empty for any other."""
        if self.state != "failed":
            return ""
        end = self._end()
        if "code" not in end:
            return "the process ended without a word: it was killed, ran out of memory, or the machine went down"
        if said := end.get("error"):
            return str(said)
        for line in reversed(self.log()):
            if said := _COMPLAINT.match(line):
                return said[1]
        return f"the command ended with code {end['code']}"

    @property
    def figures(self) -> dict[str, Any]:
        """What the command printed with `--json`; empty until it is done."""
        try:
            figures = orjson.loads((self.folder / "output.json").read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return {}
        return figures if isinstance(figures, dict) else {}

    def latest(self) -> Event | None:
        """The newest progress event."""
        return next(self._newest(), None)

    @permissions.operators_only
    def log(self, lines: int = 200) -> list[str]:
        """The last lines of the log."""
        return [line.decode("utf-8", "replace") for line in tail(self.folder / "log.txt")][-lines:]

    @property
    def epoch(self) -> tuple[int, int] | None:
        """The epoch that a training is in and the number of all of them; None in any other stage."""
        latest = self.latest()
        found = _EPOCH.match(latest.progress.stage) if latest else None
        return (int(found[2]), int(found[3])) if found else None

    @property
    def done(self) -> float | None:
        """The part of the present stage that is done, of a training the part of all epochs: 0 to 1; None: unknown."""
        latest = self.latest()
        if latest is None or not latest.progress.total:
            return None
        part = min(max(latest.progress.done / latest.progress.total, 0.0), 1.0)
        if found := _EPOCH.match(latest.progress.stage):
            # Validation counts for nothing: it is a small part of an epoch, and a bar must not go back.
            number, epochs = int(found[2]), int(found[3])
            return min(max((number - 1 + (part if found[1] == "train" else 1.0)) / max(epochs, 1), 0.0), 1.0)
        return part

    @property
    def time_left(self) -> float | None:
        """Seconds until `done` is 1, as far as the present rate tells; None: nobody knows."""
        for event in self._newest():
            progress = event.progress
            found = _EPOCH.match(progress.stage)
            if found and found[1] == "validate":
                continue  # the training before it tells how long the epochs to come will take
            if not progress.total or progress.rate <= 0:
                return None
            units = float(progress.total - progress.done)
            if found:
                units += (int(found[3]) - int(found[2])) * progress.total
            left = max(units / progress.rate, 0.0)
            return left if left < _FOR_EVER else None
        return None

    def _newest(self) -> Iterator[Event]:
        """The last progress events, newest first."""
        return newest_events(self.folder / "events.jsonl")

    def _end(self) -> dict[str, Any]:
        try:
            end: Any = read_json(self.folder / "end.json")
            check_form(end, _ENDED)
        except (OSError, ValueError):
            return {}
        return {name: value for name, value in end.items() if value is not None}


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

    `title` is what pages call it. `writes` names what the job makes, relative to the workspace: two jobs that
    make the same don't run at once. `secrets` become environment variables of the process and are stored nowhere.
    Raises `JobError` when another job is in the way, or the process can't be started.
    """
    root = paths.jobs_folder()
    try:
        with explained(root):
            root.mkdir(parents=True, exist_ok=True)
        # One start at a time, or else two could each find that nothing is in the way.
        with explained(root), FileLock(root / ".start.lock", timeout=10):
            if in_the_way := running(writes):
                raise JobError(_busy(in_the_way[0]))
            _prune()
            return _launch(root, kind, tuple(arguments), printable(title), tuple(writes), dict(secrets or {}))
    except Timeout:
        raise JobError("another job is being started at this moment: try again") from None
    except StorageError as error:
        raise JobError(f"the job can't be started: {error}") from None
    except OSError as error:
        raise JobError(f"the job can't be started ({error.strerror}: {root})") from None


@permissions.operators_only
def list_jobs(kind: str | None = None) -> list[Job]:
    """All jobs that are still kept, or those of a kind, newest first."""
    try:
        names = sorted((entry.name for entry in os.scandir(paths.jobs_folder())), reverse=True)
    except FileNotFoundError:
        return []
    found = (find(name) for name in names)
    return [job for job in found if job is not None and kind in (None, job.kind)]


@permissions.operators_only
def find(job_id: str) -> Job | None:
    """The job of an id; None when there is none."""
    if not _ID.fullmatch(job_id):
        return None
    folder = paths.jobs_folder() / job_id
    try:
        asked: Any = read_json(folder / "job.json")
        check_form(asked, _ASKED)
        return Job(
            id=job_id,
            folder=folder,
            kind=asked["kind"],
            title=asked["title"],
            arguments=tuple(map(str, asked["arguments"])),
            writes=tuple(asked["writes"]),
            began=asked["began"],
            clock=asked["clock"],
            boot=asked["boot"],
        )
    except (OSError, ValueError):
        return None  # being made, being removed, or damaged


def running(writes: Sequence[str] = ()) -> list[Job]:
    """The jobs that run, newest first; with `writes`, those of them that make one of these."""
    found = (job for job in list_jobs() if not writes or not set(writes).isdisjoint(job.writes))
    return [job for job in found if job.state == "running"]


@permissions.operators_only
def stop(job: Job) -> None:
    """Ask a job to stop; one that was asked before is killed. Either leaves nothing half-written.

    Raises `StorageError` when this user may not write there.
    """
    again = job.is_stopping
    if job.state != "running":
        return
    with explained(job.folder / "stop"):
        (job.folder / "stop").touch()
    number = job.process
    # Until it has written its number, the process looks for the stop file itself.
    if number is not None and job.state == "running":
        try:
            os.kill(number, signal.SIGKILL if again else signal.SIGTERM)
        except ProcessLookupError:
            return


@permissions.operators_only
def delete(job: Job) -> None:
    """Remove an ended job's folder; what it made stays."""
    if job.state != "running":
        shutil.rmtree(job.folder, ignore_errors=True)


def _busy(job: Job) -> str:
    began = datetime.fromtimestamp(job.began)
    return f"“{job.title}” has been running since {began:%H:%M} and writes the same: wait for it or stop it"


def _prune() -> None:
    for job in list_jobs()[MAX_JOBS:]:
        delete(job)


def _launch(
    root: Path, kind: str, arguments: tuple[str, ...], title: str, writes: tuple[str, ...], hidden: dict[str, str]
) -> Job:
    now, clock, boot = time.time(), time.monotonic(), _boot()
    job_id = f"{_stamp(root, now)}-{kind}-{randomness.token_hex(4)}"
    folder = root / job_id
    folder.mkdir()
    environment = {
        **os.environ,
        **hidden,
        settings.WORKSPACE.name: str(paths.workspace().resolve()),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH", "")])),
        # Threads that wait for each other give their core to the pages instead of spinning on it.
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    try:
        with (folder / "lock").open("wb") as lock, (folder / "log.txt").open("wb") as log:
            # Taken here and inherited: from the first moment on the job counts as running, and the system
            # frees the lock whichever way the process ends.
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.write(bytes(_NUMBER_BYTES))
            lock.flush()
            (folder / END_ROOM).write_bytes(bytes(_END_BYTES))
            asked = {
                "kind": kind, "title": title, "arguments": arguments, "writes": writes,
                "began": now, "clock": clock, "boot": boot,
            }  # fmt: skip
            write_json(folder / "job.json", asked)
            with (folder / "output.json").open("wb") as output:
                process = subprocess.Popen(
                    [sys.executable, "-m", "extexify.cli.job_runner", str(folder.resolve()), str(lock.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=log,
                    env=environment,
                    pass_fds=(lock.fileno(),),
                    start_new_session=True,  # Ctrl-C in the server's terminal, or its end, is not the job's
                )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    # Somebody has to take note of the process's end, or it stays in the system's table.
    threading.Thread(target=process.wait, name=f"job {job_id}", daemon=True).start()
    return Job(job_id, folder, kind, title, arguments, writes, now, clock, boot)


def _stamp(root: Path, now: float) -> str:
    """How the id of a job begins that is started now: with the time, or a millisecond after the newest job's where the
    clock was put back. The order of the ids is the order of the starts."""
    moment = datetime.fromtimestamp(now)
    newest = max((entry.name[:_STAMP_LENGTH] for entry in os.scandir(root) if _ID.fullmatch(entry.name)), default="")
    with suppress(ValueError):  # of a job that nobody started: no such day
        moment = max(moment, datetime.strptime(newest, "%Y%m%d-%H%M%S-%f") + timedelta(milliseconds=1))
    return f"{moment:%Y%m%d-%H%M%S}-{moment.microsecond // 1000:03d}"


def _boot() -> str:
    """What tells one run of this machine, and of its steady clock, from the next, where the system says (Linux)."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def _is_held(lock: Path) -> bool:
    try:
        with lock.open("rb") as file:
            # Shared: those who ask at the same time don't take each other for the job.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
