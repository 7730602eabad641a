"""Inside a background job's process: it runs a command of the command line, and says how that ended.

    python -m extexify.cli.job_runner FOLDER LOCK

`extexify.workspace.jobs` starts it; LOCK is the number of the file that it inherits.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

import orjson

from extexify.workspace.jobs import END_ROOM, find

_NICE = 10
"""A tenth of the share of what runs beside it: enough to go on under load, too little to be felt by the pages."""


def run(folder: Path, lock: int) -> int:
    """Run the job of a folder in this process, holding the inherited lock; returns the exit code."""
    os.set_inheritable(lock, False)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    job = find(folder.name)
    if job is None or job.is_stopping:
        return 1
    _step_back()
    # Imported here: a job that was stopped at once needs no command.
    from extexify.cli import parser

    code, complaint = 1, ""

    def complain(why: str) -> None:
        nonlocal complaint
        complaint = why
        parser.say(why)

    arguments = [job.kind, *job.arguments, "--json", "--events", str(folder / "events.jsonl")]
    try:
        code = parser.main(arguments, complain=complain)
    except SystemExit as refused:  # the command line's own way to say that an argument is wrong
        code = int(refused.code or 0)
    finally:
        with suppress(OSError):  # figures that a full disk doesn't take; what they are of is there
            sys.stdout.flush()
        seconds = max(time.monotonic() - job.clock, 0.0)
        error = complaint.removeprefix("error: ")
        _write_end(folder, {"code": code, "time": time.time(), "seconds": seconds, "error": error})
    return code


def _write_end(folder: Path, end: dict[str, object]) -> None:
    """Say how the job ended, in the room that was taken for it: in one step, and on a full disk, too."""
    said = orjson.dumps(end) + b"\n"
    with (folder / END_ROOM).open("r+b") as file:
        file.write(said)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
    (folder / END_ROOM).rename(folder / "end.json")


def _step_back() -> None:
    """Let everything else on the machine go first: people who draw are waiting, a job is not."""
    os.nice(_NICE)
    try:
        # Linux shares the cores between sessions before it looks at the processes' own nice values.
        Path("/proc/self/autogroup").write_text(str(_NICE), "ascii")
    except OSError:
        return  # another system, or a kernel without autogroups: the nice value counts


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), int(sys.argv[2])))
