"""Real faults: disks without room, folders that can't be written, processes that are killed.

The errors are the operating system's own. Where nothing may be mounted, as in an unprivileged container, a limit of the
process takes the place of a small disk, and another user that of a read-only mount.
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
    """A guarantee is violated; the message says which."""


def require(condition: object, what: str) -> None:
    """Raise `Broken` with this message unless the condition holds."""
    if not condition:
        raise Broken(what)


def fingerprint(folder: Path) -> dict[str, str]:
    """The digest of each visible file below a folder, by its path: equal for folders that are equal bit by bit."""
    return {
        str(path.relative_to(folder)): hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def leftovers(folder: Path) -> list[str]:
    """Temporary files and folders, which only a write in progress may have."""
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob(".*") if path.name.endswith((".tmp", ".old", ".deleted"))
    )


# --- commands -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ended:
    """A command's exit code and standard error."""

    code: int
    stderr: str

    @property
    def error(self) -> str:
        """The last line of standard error. Raises `Broken` for a traceback, or without an error line."""
        lines = self.stderr.strip().splitlines()
        require(lines and "Traceback" not in self.stderr, f"no one-line error, but: {self.stderr[-2000:]!r}")
        require(lines[-1].startswith("extexify: "), f"no one-line error, but: {lines[-1]!r}")
        return lines[-1].removeprefix("extexify: ").removeprefix("error: ")


@contextmanager
def using(workspace: Path) -> Iterator[None]:
    """Make `workspace` the current one while the block runs."""
    before = os.environ.get(settings.WORKSPACE.name)
    os.environ[settings.WORKSPACE.name] = str(workspace)
    try:
        yield
    finally:
        os.environ.pop(settings.WORKSPACE.name)
        if before is not None:
            os.environ[settings.WORKSPACE.name] = before


def command(workspace: Path, *arguments: object) -> Ended:
    """Run a command of the command line in this process, capturing its output."""
    stderr = StringIO()
    with using(workspace), redirect_stdout(StringIO()), redirect_stderr(stderr):
        code = main([str(argument) for argument in arguments])
    return Ended(code, stderr.getvalue())


class Background:
    """A command in a process of its own, which may be killed."""

    def __init__(self, workspace: Path, *arguments: object, at: Barrier | None = None) -> None:
        """With `at` it waits at this barrier before it begins."""
        number, name = tempfile.mkstemp(prefix="extexify-stderr-")
        os.close(number)
        self._stderr = Path(name)
        # From a fork server that has the slow imports, so that kills hit the work and not the imports.
        self._process: ForkServerProcess = processes().Process(
            target=_run_command, args=(str(workspace), [str(argument) for argument in arguments], name, at)
        )
        self._process.start()

    def kill(self, after: float, begin: Callable[[], object] = lambda: True) -> None:
        """Send SIGKILL so many seconds after `begin` first holds, unless the process has ended by then."""
        while not begin() and self._process.is_alive():
            self._process.join(0.005)
        self._process.join(after)
        self._process.kill()

    def wait(self, seconds: float = 300) -> Ended:
        """Wait for its end; a killed one has a negative code."""
        self._process.join(seconds)
        code = self._process.exitcode
        self._process.kill()
        self._process.join()
        stderr = self._stderr.read_text("utf-8", "replace")
        self._stderr.unlink()
        require(code is not None, f"the command hangs; its standard error: {stderr[-2000:]!r}")
        assert code is not None
        return Ended(code, stderr)


def processes() -> ForkServerContext:
    """The fork server, with the slow imports done."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tools.faults.preload"])
    return context


def _run_command(workspace: str, arguments: list[str], stderr: str, at: Barrier | None) -> None:
    output = os.open(stderr, os.O_WRONLY | os.O_APPEND)
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
    require(ended.code == 0, f"{arguments[0]} failed: {ended.stderr[-2000:]}")
    return time.monotonic() - began


# --- disks --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Disk:
    """A folder whose free space can be limited: a tmpfs that is filled, or a limit on the size of files (kind)."""

    folder: Path
    kind: str

    @contextmanager
    def room(self, size: int) -> Iterator[None]:
        """Leave room for `size` bytes while the block runs: in all on a tmpfs, for any one file with a limit."""
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
    """A folder with a limit on the size of its files; needs no privileges."""
    with _open_folder() as folder:
        yield Disk(folder, "limit")


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """While the block runs nothing below `folder` can be written, not by root and not by processes started inside."""
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
    # Lazily, because a process that was just killed may not have exited.
    subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=True)


@contextmanager
def _filled(folder: Path, leaving: int) -> Iterator[None]:
    """Fill the disk with a file, except `leaving` bytes (in whole pages)."""
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
