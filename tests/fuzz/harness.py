"""Fuzz tests: hypothesis makes the files, the program reads them within limits of time, memory and place.

`@fuzz(make, SourceError)` makes a test of a function that reads a case. A case must be read, or refused with one of the
errors named, whose message is one printable line; within 2 s of processor time and 512 MiB of memory; without touching
a file outside the folder, starting a program or unpickling. Each test runs a few examples; with EXTEXIFY_FUZZ_SECONDS
(`make fuzz`) all tests together run new examples for that long.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extexify.core.settings import WORKSPACE

Case = dict[str, bytes]
"""Files by their path in the folder that is read."""

Make = Callable[[Random], Case]
Read = Callable[[Case, Path], None]

SHOWN = 100
"""Bytes of each file that a failure shows; hypothesis warns of a longer text in place of the failure."""

CPU_SECONDS = 2.0
"""Processor time that a case may take."""

STUCK = 120.0
"""Seconds after which a case that doesn't return from compiled code ends the process with a traceback."""

MEMORY = 512 * 2**20
"""Bytes that may be allocated beyond what the process has when the target is warm."""

MAX_MESSAGE = 1000
"""Characters of a refusal's message."""

WARM_UP = 3
"""Cases run before the limits are set: they import and compile what the target needs."""

ROUND = 25
"""Examples of a round in a long run; between rounds the time is checked."""

seconds_a_test = 0.0
"""Duration of each test in a long run; see `conftest.py`."""


class ShownCase(Case):
    """A case that is shown with the beginnings of its files; what reproduces it is in hypothesis's message."""

    def __repr__(self) -> str:
        files = ", ".join(
            f"{name[:SHOWN]!r}: {content[:SHOWN]!r}" + (f"… ({len(content):,} bytes)" if len(content) > SHOWN else "")
            for name, content in list(self.items())[:SHOWN]
        )
        return f"{{{files}}}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


class Fault(AssertionError):
    """The program did what it must never do."""


class TooSlow(BaseException):
    """A case took too much processor time. Not an Exception, so that no handler of the program catches it."""


class Escape(BaseException):
    """The program touched a file outside the folder, started a program or unpickled. Not an Exception, as above."""


def fuzz(
    make: Make, *refusals: type[Exception], examples: int = 8
) -> Callable[[Read], Callable[[Callable[[str, object], None]], None]]:
    """Decorator: a test that reads cases of `make` with the decorated function.

    The folder that it is given is empty, and the current workspace. refusals: the documented errors; any other
    exception fails the test, as does a `Fault` that the function raises about the result. examples: of a short run.
    """

    def decorate(read: Read) -> Callable[[Callable[[str, object], None]], None]:
        def test(record_property: Callable[[str, object], None]) -> None:
            cases = refused = 0
            began = time.monotonic()

            def example(case: Case) -> None:
                nonlocal cases, refused
                cases += 1
                refused += not attempt(read, case, folder, refusals)

            # Name and qualified name are part of the key under which hypothesis stores failing examples.
            example.__name__ = example.__qualname__ = read.__name__
            options = settings(
                max_examples=ROUND if seconds_a_test else examples,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            )
            run = options(given(st.randoms(use_true_random=False).map(make).map(ShownCase))(example))
            with own_workspace() as folder:
                for number in range(min(WARM_UP, examples)):
                    with suppress(Exception):
                        read(make(Random(number)), emptied(folder))
                while True:
                    with limited_memory():
                        run()
                    if time.monotonic() - began >= seconds_a_test:
                        break
            record_property("fuzz", (read.__name__, cases, refused, time.monotonic() - began))

        test.__name__ = test.__qualname__ = read.__name__
        test.__module__, test.__doc__ = read.__module__, read.__doc__
        return test

    return decorate


def attempt(read: Read, case: Case, folder: Path, refusals: tuple[type[Exception], ...] = ()) -> bool:
    """Read a case within the limits of time and place; False when it was refused. Raises `Fault`, or the error."""
    emptied(folder)
    signal.signal(signal.SIGPROF, _out_of_time)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    assert sys.__stderr__ is not None
    faulthandler.dump_traceback_later(STUCK, exit=True, file=sys.__stderr__)
    try:
        with confined(folder):
            read(case, folder)
    except refusals as error:
        check_message(str(error))
        return False
    except (TooSlow, Escape) as error:
        raise Fault(str(error)) from error
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.cancel_dump_traceback_later()
    return True


def _out_of_time(number: int, frame: FrameType | None) -> None:
    raise TooSlow(f"more than {CPU_SECONDS:g} s of processor time")


def check_message(text: str) -> None:
    """Raise `Fault` unless a message is one printable line of at most MAX_MESSAGE characters."""
    if not text.strip() or len(text) > MAX_MESSAGE or not text.isprintable():
        raise Fault(f"the message of a refusal is empty, too long or unprintable: {text[:200]!r} ({len(text):,})")


def check_text(*texts: object) -> None:
    """Raise `Fault` unless all are strings that a page or a terminal can show as they are."""
    for text in texts:
        # `extexify.ui.common.text` inserts word joiners.
        if not isinstance(text, str) or not text.replace("\N{WORD JOINER}", "").isprintable():
            raise Fault(f"{text!r:.200} is shown, which is no printable text")


def put(case: Case, folder: Path) -> Path:
    """Write a case's files; returns the folder."""
    for name, content in case.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def contents(folder: Path) -> Case:
    """A folder's files."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def emptied(folder: Path) -> Path:
    """The folder, with everything in it removed."""
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            Path(entry.path).unlink()
    return folder


@contextmanager
def own_workspace() -> Iterator[Path]:
    """An empty folder, in memory where /dev/shm can be written, that is the workspace while the block runs."""
    shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    before = os.environ.get(WORKSPACE.name)
    logging.disable(logging.CRITICAL)
    with TemporaryDirectory(prefix="extexify-fuzz-", dir=shared) as name:
        os.environ[WORKSPACE.name] = name
        try:
            yield Path(name)
        finally:
            logging.disable(logging.NOTSET)
            os.environ.pop(WORKSPACE.name)
            if before is not None:
                os.environ[WORKSPACE.name] = before


@contextmanager
def limited_memory() -> Iterator[None]:
    """Let this process allocate no more than MEMORY beyond what it has."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    present = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (present + MEMORY, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


# --- nothing outside the folder -------------------------------------------------------------------

_CHANGES = {
    "os.remove": 1, "os.rename": 2, "os.mkdir": 1, "os.rmdir": 1, "os.chmod": 1, "os.link": 2, "os.symlink": 2,
    "os.truncate": 1, "os.utime": 1, "shutil.rmtree": 1, "shutil.copyfile": 2, "shutil.move": 2,
}  # fmt: skip
"""Audit events that change files, and how many of their arguments are paths."""

_RUNS_CODE = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "pickle.find_class")
"""Audit events of running code that came in a file."""

_inside: str = ""
_hooked = False


@contextmanager
def confined(folder: Path) -> Iterator[None]:
    """Raise `Escape` when this process writes outside `folder`, starts a program or unpickles.

    Based on Python's audit events (PEP 578), which don't cover files that C libraries such as SQLite open themselves.
    """
    global _inside, _hooked
    if not _hooked:
        sys.addaudithook(_audit)  # can't be removed again
        _hooked = True
    _inside = f"{folder.resolve()}{os.sep}"
    try:
        yield
    finally:
        _inside = ""


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _inside:
        return
    if event == "open":
        path, mode, flags = arguments
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC) if mode is None else set("wax+") & {*mode}
        if writes:
            _check_inside(event, path)
    elif event in _CHANGES:
        # The path may be relative to an open folder, whose descriptor is the last argument then.
        folder = arguments[-1] if isinstance(arguments[-1], int) and arguments[-1] > 2 else None
        for path in arguments[: _CHANGES[event]]:
            _check_inside(event, path, folder)
    elif event in _RUNS_CODE and not (event == "pickle.find_class" and _is_numba()):
        raise Escape(f"{event} {arguments!r:.200}")


def _is_numba() -> bool:
    """Whether numba is on the stack: its cache of compiled code is pickled, beside the program."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if "/numba/" in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False


def _check_inside(event: str, path: object, folder: int | None = None) -> None:
    if not isinstance(path, str | bytes | os.PathLike):
        return
    around = Path(f"/proc/self/fd/{folder}").readlink() if folder is not None else Path()
    real = os.path.realpath(around / os.fsdecode(path))
    if not f"{real}{os.sep}".startswith(_inside) and real != os.devnull and "__pycache__" not in real:
        raise Escape(f"{event} of {real!r}, which is outside {_inside}")
