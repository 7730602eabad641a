"""The process of a background job: runs a command of the command line and records how it ended.

    python -m extexify.cli.job_runner FOLDER

`extexify.workspace.jobs` starts it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import psutil

from extexify.core import interruption, settings
from extexify.core.processes import ProcessIdentity, kill_tree, lower_priority
from extexify.workspace import jobs
from extexify.workspace.files import file_lock, write_json

_LOOK_EVERY = 0.2  # seconds between two looks for a request to stop


def run(folder: Path) -> int:
    """Run the job of a folder in this process; returns the exit code."""
    with file_lock(folder / jobs.LOCK, wait=60):
        write_json(folder / jobs.PROCESS, asdict(ProcessIdentity.current()))
        job = jobs.find(folder.name)
        if job is None or job.is_stopping:
            return 1
        try:
            lower_priority(settings.count_of(settings.JOB_NICE))
            code, error = _run_command(job)
        except settings.SettingError as problem:
            code, error = 1, str(problem)
        seconds = max(time.monotonic() - job.clock, 0.0)
        jobs.write_end(folder, code=code, seconds=seconds, error=error)
    return code


def _run_command(job: jobs.Job) -> tuple[int, str]:
    """Run the job's command; returns its exit code and, if it failed, why."""
    # Imported late: a job that was stopped before it began needs no command.
    from extexify.cli import parser

    errors: list[str] = []

    def show_error(line: str) -> None:
        errors.append(line.removeprefix("error: "))
        parser.print_error(line)

    arguments = [job.kind, *job.arguments, "--json", "--events", str(job.folder / "events.jsonl")]
    try:
        with interruption.interruptible(), _watch_for_stop(job.folder):
            # The log takes the traceback of a fault.
            code = parser.main(arguments, show_error=show_error, debug=True)
    except SystemExit as exit_by_argparse:  # a wrong option
        code = int(exit_by_argparse.code or 0)
    except KeyboardInterrupt:  # before the command began, or after it ended
        code = interruption.STOPPED
    with suppress(OSError):  # a full disk
        sys.stdout.flush()
    return code, "".join(errors[-1:])


@contextmanager
def _watch_for_stop(folder: Path) -> Iterator[None]:
    """Inside, interrupt the main thread when the stop file appears; end the process when the kill file does.

    A signal from outside would not do: another container can't send one, and the process might have been replaced.
    """
    ended = threading.Event()

    def watch() -> None:
        is_stopping = False
        while not ended.wait(_LOOK_EVERY):
            if (folder / jobs.KILL).exists():
                kill_tree(psutil.Process())
                os._exit(interruption.STOPPED)
            if not is_stopping and (folder / jobs.STOP).exists():
                is_stopping = True
                interruption.interrupt_main_thread()

    watcher = threading.Thread(target=watch, name="stop", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1])))
