"""A target: how its cases are made, and how the program reads them; and what must never happen while it does."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

Case = dict[str, bytes]
"""Files by their path in the folder that is read."""

MAX_SENTENCE = 1000
"""Characters of a message: more is no sentence that anybody reads on a page."""


class Fault(Exception):
    """The program did what it promises not to do."""


class Escape(BaseException):
    """The program touched a file outside its folder; not to be caught by anything in between."""


@dataclass(frozen=True)
class Target:
    """Something that reads what others wrote.

    share: its cases of a million. make: a case of everything random that a `Random` gives. read: reads the case as the
    program does (the folder is empty, and the current workspace), and may check what came of it. refusals: the errors
    that it documents, each of one sentence; whatever else it raises is a fault. main: the file of a case that raw bytes
    of a coverage-guided fuzzer stand for.
    """

    name: str
    share: int
    make: Callable[[Random], Case]
    read: Callable[[Case, Path], None]
    refusals: tuple[type[Exception], ...] = ()
    main: str = ""

    def run(self, case: Case, folder: Path) -> bool:
        """Read a case; False when it was refused as documented. Raises `Fault`, or whatever the program raised."""
        try:
            with confined(folder):
                self.read(case, folder)
        except self.refusals as error:
            check_sentence(str(error))
            return False
        return True


def check_sentence(text: str) -> None:
    """Raise `Fault` unless a message is one line of printable text that is short enough to be read."""
    if not text.strip():
        raise Fault("the message of a refusal is empty")
    if len(text) > MAX_SENTENCE:
        raise Fault(f"the message of a refusal has {len(text):,} characters: {text[:200]!r} …")
    if not text.isprintable():
        raise Fault(f"the message of a refusal has a line break or something unprintable: {text[:200]!r}")


def check_text(*texts: object) -> None:
    """Raise `Fault` unless all are texts that a page or a terminal can show as they are."""
    for text in texts:
        # The character without width is ours (see `extexify.ui.common.text`).
        if not isinstance(text, str) or not text.replace("\N{WORD JOINER}", "").isprintable():
            raise Fault(f"{text!r:.200} is shown, which is no printable text")


def put(case: Case, folder: Path) -> Path:
    """Write a case's files."""
    for name, content in case.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def emptied(folder: Path) -> Path:
    """The folder, without what a case has left in it."""
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            Path(entry.path).unlink()
    return folder


# --- nothing outside the folder -------------------------------------------------------------------

_CHANGES = {
    "os.remove": 1, "os.rename": 2, "os.mkdir": 1, "os.rmdir": 1, "os.chmod": 1, "os.link": 2, "os.symlink": 2,
    "os.truncate": 1, "os.utime": 1, "shutil.rmtree": 1, "shutil.copyfile": 2, "shutil.move": 2,
}  # fmt: skip
"""Audit events that change files, and how many of their arguments are paths."""

_RUNS_CODE = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "pickle.find_class")
"""Audit events of running something that came in a file."""

_inside: str = ""
_hooked = False


@contextmanager
def confined(folder: Path) -> Iterator[None]:
    """Let this process write nowhere but in `folder`, start no program and unpickle nothing. Raises `Escape`.

    Python's own audit events tell (PEP 578); what libraries in C open themselves, such as SQLite, they don't see.
    """
    global _inside, _hooked
    if not _hooked:
        sys.addaudithook(_audit)  # there is no way to take one off again
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
        # Some say a path relative to an open folder, whose number is the last argument then.
        folder = arguments[-1] if isinstance(arguments[-1], int) and arguments[-1] > 2 else None
        for path in arguments[: _CHANGES[event]]:
            _check_inside(event, path, folder)
    elif event in _RUNS_CODE and not (event == "pickle.find_class" and _is_compiler()):
        raise Escape(f"{event} {arguments!r:.200}")


def _is_compiler() -> bool:
    """Whether it is numba that asks: it keeps what it has compiled as pickles of its own, beside the program."""
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
