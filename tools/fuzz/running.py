"""Running cases in processes of their own, with limits on time and memory, and keeping count of what came of them."""

from __future__ import annotations

import json
import logging
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from types import FrameType
from typing import Any

from extexify.core.settings import WORKSPACE
from tools.fuzz.target import Case, Target, emptied, put

SECONDS = 2.0
"""Seconds of the processor that a case may take."""

STUCK = 30.0
"""Seconds after which a case that uses no processor, or doesn't come back from compiled code, counts as hanging."""

MEMORY = 512 * 2**20
"""Bytes that a process may ask for beyond what it has when its target is loaded and warm."""

WARM_UP = 20
"""Cases that are run before the limits are set: they load and compile whatever there is to load and compile."""


class TooSlow(BaseException):
    """A case took more than its time; not to be caught by anything in between."""


@dataclass
class Tally:
    """What came of a target's cases. peak: bytes of memory that its process took beyond what it began with; places:
    where cases have failed, each once."""

    target: str
    engine: str = "seeded"
    cases: int = 0
    refused: int = 0
    seconds: float = 0.0
    peak: int = 0
    failures: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)

    def count(self, was_read: bool, what: str) -> bool:
        """Count a case; whether it failed (`what` says how) in a place where none has failed yet."""
        self.cases += 1
        self.refused += not was_read and not what
        # The same fault again, with other values in its message, is no news.
        place = what.rpartition("(")[2] + what.partition(":")[0]
        news = bool(what) and place not in self.places
        if news:
            self.places.append(place)
        return news

    def add(self, other: Tally) -> None:
        """Count another tally of the same target, too."""
        self.cases += other.cases
        self.refused += other.refused
        self.seconds += other.seconds
        self.peak = max(self.peak, other.peak)
        self.failures += [failure for failure in other.failures if failure not in self.failures]
        self.places += [place for place in other.places if place not in self.places]


def case_of(target: Target, seed: int, number: int) -> Case:
    """The case of a number: the same one every time."""
    return target.make(Random(f"{seed}/{target.name}/{number}"))


@contextmanager
def own_workspace() -> Iterator[Path]:
    """An empty folder in memory, if there is one, that is the workspace as long as the block runs."""
    shared = Path("/dev/shm")
    folder = Path(mkdtemp(prefix="extexify-fuzz-", dir=shared if os.access(shared, os.W_OK) else None))
    before = os.environ.get(WORKSPACE.name)
    os.environ[WORKSPACE.name] = str(folder)
    try:
        yield folder
    finally:
        if before is None:
            del os.environ[WORKSPACE.name]
        else:
            os.environ[WORKSPACE.name] = before
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def limits() -> Iterator[None]:
    """Limit this process's memory, and quiet what has nothing to say here."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    present = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (present + MEMORY, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def warm_up(target: Target, folder: Path) -> None:
    """Have everything loaded and compiled that reading takes; what goes wrong will go wrong again."""
    for number in range(WARM_UP):
        with suppress(Exception):
            target.read(case_of(target, -1, number), emptied(folder))


def run_case(target: Target, case: Case, folder: Path) -> tuple[bool, str]:
    """Run a case within its time; returns whether it was read, and what went wrong ("" for nothing)."""
    emptied(folder)
    signal.signal(signal.SIGPROF, _out_of_time)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        return target.run(case, folder), ""
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        signal.setitimer(signal.ITIMER_PROF, 0)
        return False, _told(error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _out_of_time(number: int, frame: FrameType | None) -> None:
    raise TooSlow(f"more than {SECONDS:g} s of the processor")


def _told(error: BaseException) -> str:
    """An error with the last lines of our own that it came through."""
    ours = [line for line in traceback.extract_tb(error.__traceback__) if "site-packages" not in line.filename]
    places = " < ".join(f"{Path(line.filename).name}:{line.lineno}" for line in reversed(ours[-4:]))
    said = " ".join(str(error).split())[:200].encode("ascii", "backslashreplace").decode()
    return f"{type(error).__name__}: {said} ({places})"


def keep_failure(out: Path, target: Target, case: Case, what: str) -> Path:
    """Keep a case that failed as a folder of its files, with what went wrong."""
    digest = blake2b(repr(sorted(case.items())).encode(), digest_size=6).hexdigest()
    folder = out / "found" / target.name.replace(" ", "-") / digest
    (folder / "case").mkdir(parents=True, exist_ok=True)
    put(case, folder / "case")
    (folder / "error.txt").write_text(f"{what}\n", "utf-8")
    return folder


# --- one process ---------------------------------------------------------------------------------


def work(
    target: Target, seed: int, first: int, count: int, seconds: float, out: Path, watch: Path | None = None
) -> Tally:
    """Run the cases from `first` on until there were `count`, or the time is over.

    The number of the present case is written to `watch`, for whoever wants to know how this process ended.
    """
    logging.disable(logging.CRITICAL)
    tally = Tally(target.name)
    with own_workspace() as folder, (watch or Path(os.devnull)).open("wb", buffering=0) as present:
        warm_up(target, folder)
        before, began = peak_memory(), time.monotonic()
        with limits():
            for number in range(first, first + count):
                if time.monotonic() - began > seconds:
                    break
                os.pwrite(present.fileno(), number.to_bytes(8, "little"), 0)
                case = case_of(target, seed, number)
                was_read, what = run_case(target, case, folder)
                if tally.count(was_read, what):
                    tally.failures.append(f"{keep_failure(out, target, case, what)}: {what}")
        tally.seconds = time.monotonic() - began
        tally.peak = max(peak_memory() - before, 0)
    return tally


def peak_memory() -> int:
    """The most bytes of memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


# --- and whoever watches it ----------------------------------------------------------------------


def supervise(target: Target, seed: int, first: int, count: int, seconds: float, out: Path) -> Tally:
    """Have a process of its own run cases; one that dies or hangs is a failure of the case that it was at."""
    out.mkdir(parents=True, exist_ok=True)
    watch = out / f".watch-{os.getpid()}-{target.name.replace(' ', '-')}"
    order = {"target": target.name, "seed": seed, "first": first, "count": count, "seconds": seconds, "out": str(out)}
    worker = subprocess.Popen(
        [sys.executable, "-m", "tools.fuzz.running", json.dumps({**order, "watch": str(watch)})],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        answer, complaint = _wait(worker, watch)
        if worker.returncode == 0:
            return Tally(**json.loads(answer.splitlines()[-1]))
        number = int.from_bytes(watch.read_bytes(), "little") if watch.exists() else first
    finally:
        watch.unlink(missing_ok=True)
    how = f"the process ended with code {worker.returncode}: {complaint.decode('utf-8', 'replace')[-300:]!r}"
    kept = keep_failure(out, target, case_of(target, seed, number), how)
    return Tally(target.name, cases=number - first + 1, failures=[f"{kept}: {how}"])


def _wait(worker: subprocess.Popen[bytes], watch: Path) -> tuple[bytes, bytes]:
    """Wait for a worker's end, or end it when it is at the same case for too long."""
    present, since = b"", time.monotonic()
    while True:
        try:
            return worker.communicate(timeout=1)
        except subprocess.TimeoutExpired:
            now_at = watch.read_bytes() if watch.exists() else b""
            if now_at != present or not now_at:  # loading and compiling isn't counted
                present, since = now_at, time.monotonic()
            elif time.monotonic() - since > STUCK:
                worker.kill()


def _main(order: dict[str, Any]) -> None:
    """In a process of its own: run cases, and print what came of them."""
    from tools.fuzz.all_targets import find_target

    target = find_target(order.pop("target"))
    places = {name: Path(order.pop(name)) for name in ("out", "watch")}
    print(json.dumps(asdict(work(target, **{**order, **places}))))


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
