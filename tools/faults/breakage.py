"""What really goes wrong: disks without room, folders that can't be written, processes that are killed.

Nothing here is simulated: the errors are the operating system's own. Where something may not be mounted (a container
without that right), a limit of the process stands in for a small disk, and another user for a read-only mount.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path

from extexify.cli.parser import main
from extexify.core import settings

_NOBODY = 65534

_PAGE, _PIECE = 4096, 1 << 20


class Broken(AssertionError):
    """Something that must never happen did; the message says what."""


def require(condition: object, what: str) -> None:
    """Raise `Broken`, saying what is wrong, unless the condition holds."""
    if not condition:
        raise Broken(what)


def fingerprint(folder: Path) -> dict[str, str]:
    """The digest of each visible file below a folder, by its path: two folders that agree are the same, bit by bit."""
    return {
        str(path.relative_to(folder)): hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def leftovers(folder: Path) -> list[str]:
    """Names of files and folders that a write in progress has, and nothing else should."""
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob(".*") if path.name.endswith((".tmp", ".old", ".deleted"))
    )


# --- commands -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its code, and what it wrote to its standard error."""

    code: int
    said: str

    @property
    def complaint(self) -> str:
        """The one line that it ended with. Raises `Broken` when it is none: no line, or a traceback."""
        lines = self.said.strip().splitlines()
        require(lines and "Traceback" not in self.said, f"no sentence, but: {self.said[-2000:]!r}")
        require(lines[-1].startswith("extexify: "), f"no sentence, but: {lines[-1]!r}")
        return lines[-1].removeprefix("extexify: ").removeprefix("error: ")


@contextmanager
def using(workspace: Path) -> Iterator[None]:
    """Inside, `workspace` is the one that everything works in."""
    before = os.environ.get(settings.WORKSPACE.name)
    os.environ[settings.WORKSPACE.name] = str(workspace)
    try:
        yield
    finally:
        os.environ.pop(settings.WORKSPACE.name)
        if before is not None:
            os.environ[settings.WORKSPACE.name] = before


def command(workspace: Path, *arguments: object) -> Ended:
    """Run a command of the command line in this process, quietly."""
    said = StringIO()
    with using(workspace), redirect_stdout(StringIO()), redirect_stderr(said):
        code = main([str(argument) for argument in arguments])
    return Ended(code, said.getvalue())


class Background:
    """A command in a process of its own, which may be killed."""

    def __init__(self, workspace: Path, *arguments: object, at: Barrier | None = None) -> None:
        """With `at` it waits for others before it begins."""
        number, name = tempfile.mkstemp(prefix="extexify-said-")
        os.close(number)
        self._said = Path(name)
        # Of a server that has imported what takes seconds and then forks: kills hit the work and not the imports.
        self._process: ForkServerProcess = processes().Process(
            target=_run_command, args=(str(workspace), [str(argument) for argument in arguments], name, at)
        )
        self._process.start()

    def kill(self, after: float, begin: Callable[[], object] = lambda: True) -> None:
        """Kill it with SIGKILL so many seconds after `begin` first says so, if it hasn't ended by then."""
        while not begin() and self._process.is_alive():
            self._process.join(0.005)
        self._process.join(after)
        self._process.kill()

    def wait(self, seconds: float = 300) -> Ended:
        """How it ended; a killed one with a negative code."""
        self._process.join(seconds)
        code = self._process.exitcode
        self._process.kill()
        self._process.join()
        said = self._said.read_text("utf-8", "replace")
        self._said.unlink()
        require(code is not None, f"the command hangs; it said {said[-2000:]!r}")
        assert code is not None
        return Ended(code, said)


def processes() -> ForkServerContext:
    """Makes processes that have imported already what takes seconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tools.faults.preload"])
    return context


def _run_command(workspace: str, arguments: list[str], said: str, at: Barrier | None) -> None:
    output = os.open(said, os.O_WRONLY | os.O_APPEND)
    os.dup2(output, 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.environ[settings.WORKSPACE.name] = workspace
    if at is not None:
        at.wait()
    sys.exit(main(arguments))


def seconds_of(workspace: Path, *arguments: object) -> float:
    """Seconds that a command takes in a process of its own. Raises `Broken` unless it succeeds."""
    began = time.monotonic()
    ended = Background(workspace, *arguments).wait()
    require(ended.code == 0, f"{arguments[0]} failed: {ended.said[-2000:]}")
    return time.monotonic() - began


# --- disks --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Disk:
    """A place for files whose room can be taken away. kind says how: tmpfs, or a limit on the size of files."""

    folder: Path
    kind: str

    @contextmanager
    def room(self, size: int) -> Iterator[None]:
        """Inside, only `size` bytes more can be written: in all on a tmpfs, to any one file with a limit."""
        if self.kind == "tmpfs":
            with _filled(self.folder, size):
                yield
        else:
            before = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
            try:
                yield
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def small_disk(size: int) -> Iterator[Disk]:
    """A disk of `size` bytes where one may be mounted, else a folder with a limit on the size of its files."""
    with _open_folder() as folder, ExitStack() as mounted:
        if _mount("-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(folder)):
            mounted.callback(_unmount, folder)
            yield Disk(folder, "tmpfs")
        else:
            yield Disk(folder, "limit")


@contextmanager
def limited_files() -> Iterator[Disk]:
    """A folder with a limit on the size of its files, which needs no right at all."""
    with _open_folder() as folder:
        yield Disk(folder, "limit")


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Inside, nothing below `folder` can be written, not even by root; processes started inside can't either."""
    if _mount("--bind", str(folder), str(folder)):
        with ExitStack() as mounted:
            mounted.callback(_unmount, folder)
            if not _mount("-o", "remount,ro,bind", str(folder)):
                raise RuntimeError(f"{folder} can't be mounted read-only")
            yield
        return
    user, modes = os.geteuid(), {path: path.stat().st_mode for path in [folder, *folder.rglob("*")]}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222 | 0o444 | (0o111 if path.is_dir() else 0))
    if user == 0:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
        for path, mode in modes.items():
            path.chmod(mode)


@contextmanager
def _open_folder() -> Iterator[Path]:
    """A temporary folder that every user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="extexify-faults-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _mount(*arguments: str) -> bool:
    if os.geteuid() or shutil.which("mount") is None:
        return False
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


def _unmount(folder: Path) -> None:
    # Lazily: a process that was killed a moment ago may still be going.
    subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=True)


@contextmanager
def _filled(folder: Path, leaving: int) -> Iterator[None]:
    """A file takes what room there is, except `leaving` bytes (in whole pages)."""
    ballast = folder / ".ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            status = os.statvfs(folder)
            size = max(status.f_bavail * status.f_frsize // _PAGE - leaving // _PAGE, 0) * _PAGE
            while size > 0:
                size -= file.write(bytes(min(size, _PIECE)))
        yield
    finally:
        ballast.unlink(missing_ok=True)
