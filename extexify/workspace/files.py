"""Atomic writes and locks: a crash leaves the old file or folder, or the new one, never half of it.

Beside a file or folder NAME there may be, all hidden: `.NAME.PID.N.tmp`, which is being written (or was, when
its process died; the next write removes it), `.NAME.old`, the folder before, for the moment of the exchange,
and `.NAME.lock`, an empty file that stays; the lock itself is the operating system's and ends with its process.

In a public demo none of this writes for visitors (`extexify.access.permissions`).
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import numpy as np
import orjson
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from extexify.access import permissions
from extexify.core.errors import UserError

_STALE_AFTER = 3600.0  # seconds
_RECOVER_WITHIN = 10.0  # seconds; an exchange of folders takes two renames
_A_LOOK = 0.1  # seconds

_numbers = count()
_T = TypeVar("_T")


class StorageError(UserError, OSError):
    """Something on disk is missing, damaged, of another version or in use; the message says what to do."""


class NoRoom(StorageError):
    """There is no room for a file or folder; what was there before is unchanged."""

    def __init__(self, path: Path, number: int) -> None:
        """`number` is the system's: of a full disk or quota, or (EFBIG) of a limit on the size of a file."""
        if number == errno.EFBIG:
            why = f"{path} would be larger than a file may be here: raise that limit and try again"
        else:
            why = f"the disk has no room left for {path}: free some and try again"
        super().__init__(f"{why} (what was there is unchanged)")
        self.number = number


@permissions.operators_only
@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, which replaces `path` when the block ends without an error.

    Raises `StorageError` when the disk is full, or this user may not write there.
    """
    temporary = _temporary(path)
    try:
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            for stale in _temporaries(path):
                if _is_stale(stale):
                    stale.unlink(missing_ok=True)
            yield temporary
            _sync(temporary)
            temporary.replace(path)
    finally:
        with suppress(OSError):  # on a read-only disk even what isn't there can't be removed
            temporary.unlink(missing_ok=True)


@permissions.operators_only
@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`, which replaces `path` when the block ends without an error.

    The caller holds `writer_lock(path)`. A folder can't replace a non-empty one in a single step, so the old
    one steps aside first; if the process dies between the two renames, `recover_folder` puts it back.
    Raises `StorageError` when `path` is something that was not written this way (somebody's own folder,
    which must not be lost by a mistyped name), when the disk is full, or when this user may not write there.
    """
    path = path.resolve()
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _put_back(path)
    _check_replaceable(path)
    for stale in _temporaries(path):  # of dead processes: the living one that may write here is this one
        shutil.rmtree(stale, ignore_errors=True)
    temporary = _temporary(path)
    try:
        with explained(path):
            temporary.mkdir()
            yield temporary
            for file in temporary.iterdir():
                _sync(file)
            _sync(temporary)
            if path.exists():
                path.rename(_aside(path))
            temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        _put_back(path)


def recover_folder(path: Path) -> None:
    """Put the old folder back if a crash in the middle of `atomic_folder` left none; for those who read it."""
    path = path.resolve()
    if path.exists() or not _aside(path).exists():
        return
    # Under the lock, because the writer may be alive and between its two renames. Who may not write there reads on.
    with suppress(Timeout, OSError), FileLock(_lock_file(path), timeout=_RECOVER_WITHIN):
        _put_back(path)


@permissions.operators_only
def remove_folder(folder: Path) -> None:
    """Remove a folder: out of sight in one step, so that what a crash leaves of it has a name that nobody reads.

    Raises FileNotFoundError when it isn't there, `StorageError` when this user may not remove it.
    """
    aside = folder.with_name(f".{folder.name}.deleted")
    with explained(folder):
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)


def holds_files(folder: Path) -> bool:
    """Whether there is anything in a folder but what a write left that broke off; False when it isn't there."""
    try:
        with os.scandir(folder) as entries:
            return any(not entry.name.startswith(".") for entry in entries)
    except FileNotFoundError:
        return False


def read_consistently(path: Path, read: Callable[[Path], _T]) -> _T:
    """What `read(path)` returns, read from one folder: again, if a writer exchanged the folder meanwhile."""
    while True:
        recover_folder(path)
        before = _identity(path)
        try:
            value = read(path)
        except StorageError:
            if _identity(path) == before:
                raise
        else:
            if _identity(path) == before:
                return value


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _put_back(path: Path) -> None:
    """End an exchange of folders, wherever it stopped; under the writer's lock."""
    aside = _aside(path)
    if path.exists():
        shutil.rmtree(aside, ignore_errors=True)
    elif aside.exists():
        aside.rename(path)


def _check_replaceable(path: Path) -> None:
    """Raise `StorageError` unless `path` is free, an empty folder, or one with a manifest and arrays."""
    if not path.exists():
        return
    if not path.is_dir():
        raise StorageError(f"{path} is a file, not a folder: name another one")
    ours = (path / "manifest.json").exists() and any(path.glob("*.npy"))
    if not ours and any(path.iterdir()):
        raise StorageError(f"{path} holds other files, which would be lost: name a new or an empty folder")


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{next(_numbers)}.tmp")


def _temporaries(path: Path) -> list[Path]:
    """What writers of `path`, alive or dead, have beside it."""
    form = re.compile(rf"\.{re.escape(path.name)}\.\d+\.\d+\.tmp")
    return [other for other in path.parent.iterdir() if form.fullmatch(other.name)]


def _is_stale(temporary: Path) -> bool:
    """Whether the process that wrote a file is dead, and not in another container that shares the folder."""
    try:
        os.kill(int(temporary.name.split(".")[-3]), 0)
    except (ProcessLookupError, OverflowError):
        with suppress(OSError):
            return time.time() - temporary.stat().st_mtime > _STALE_AFTER
    except PermissionError:  # alive, and another user's
        pass
    return False


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.old")


def _lock_file(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Inside, the system's refusals to write `path` become a `StorageError`, one sentence that names it."""
    try:
        yield
    except NoRoom as error:
        # Of a file within a folder that is being written: what is known by a name is the folder.
        raise NoRoom(path, error.number) from None
    except OSError as error:
        if error.errno in _FULL:
            raise NoRoom(path, error.errno) from None
        if error.errno in _REFUSALS and _is_about(error, path):
            raise StorageError(
                f"{path} can't be written ({error.strerror}): give this user the right to, or choose another place"
            ) from None
        raise


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REFUSALS = (errno.EROFS, errno.EACCES, errno.EPERM)


def _is_about(error: OSError, path: Path) -> bool:
    """Whether an error is about `path`, what lies around it or is written in its place, and not what is read for it."""
    if not isinstance(error.filename, str | bytes | os.PathLike):
        return False
    place = Path(os.fsdecode(error.filename))
    return place == path or place in path.parents or place.parent == path.parent


def _sync(path: Path) -> None:
    """Have content on the disk before its name: a rename can outlive a power failure, data can't."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: object) -> None:
    """Write `value` as indented JSON, atomically."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY) + b"\n")


def read_json(path: Path) -> object:
    """Read a JSON file. Raises `StorageError` when it is missing, can't be read or is no JSON."""
    try:
        return orjson.loads(path.read_bytes())
    except FileNotFoundError:
        raise StorageError(f"{path} does not exist") from None
    except OSError as error:
        raise StorageError(f"{path} can't be read ({error.strerror})") from None
    except orjson.JSONDecodeError as error:
        raise StorageError(f"{path} is not valid JSON ({error}); write it anew") from None


def read_array(path: Path, dtype: str, tail: tuple[int, ...] = ()) -> NDArray[np.generic]:
    """Open a `.npy` file as a read-only memory map, never unpickling anything.

    dtype is the type that it must hold, `tail` the lengths of all axes after the first.
    Raises `StorageError` when the file is missing, damaged or holds something else.
    """
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except FileNotFoundError:
        raise StorageError(f"{path} does not exist") from None
    except Exception as error:  # of a damaged header, numpy passes on whatever ast, tokenize or mmap say
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise StorageError(f"{path} is not a readable array ({why}); write it anew") from None
    if array.dtype != np.dtype(dtype) or array.ndim == 0 or array.shape[1:] != tail:
        raise StorageError(f"{path} does not hold {dtype} values of the expected shape; write it anew")
    return array


class ArrayWriter:
    """Appends rows to a `.npy` file whose length is known only at the end.

    NumPy pads the header so that the first axis may grow in place; the final length is written on `close`.
    As a context manager it closes the file; after an error, without finishing it.
    """

    @permissions.operators_only
    def __init__(self, path: Path, dtype: str, tail: tuple[int, ...] = ()) -> None:
        """dtype of the values; `tail` is the lengths of all axes after the first."""
        self._file = path.open("wb")
        self._dtype = np.dtype(dtype)
        self._tail = tail
        self.rows = 0
        self._header()
        self.offset = self._file.tell()
        """Where in the file the first row begins."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            with suppress(OSError):  # a full disk refuses once more; the first error is the one to tell
                self._file.close()

    def append(self, values: NDArray[np.generic]) -> None:
        """Append an array (n, *tail)."""
        values = np.ascontiguousarray(values, self._dtype)
        self._file.write(values.data)
        self.rows += len(values)

    def close(self) -> None:
        """Write the final length and close the file; a second time does nothing."""
        if not self._file.closed:
            try:
                self._file.seek(0)
                self._header()
            finally:
                self._file.close()  # on a full disk, too

    def _header(self) -> None:
        # numpy pads a C-ordered array's header for a first axis of up to 21 digits.
        header = {
            "descr": np.lib.format.dtype_to_descr(self._dtype), "fortran_order": False,
            "shape": (self.rows, *self._tail),
        }  # fmt: skip
        np.lib.format.write_array_header_1_0(self._file, header)


@permissions.operators_only
@contextmanager
def writer_lock(path: Path, what: str, *, wait: float = 0.0) -> Iterator[None]:
    """Hold the right to write `path` (a file or folder); one process has it at a time, and a crash frees it.

    Raises `StorageError` saying that `what` is being written already, when that is still so after `wait` seconds, or
    that this user may not write there.
    """
    path = path.resolve()
    lock = FileLock(_lock_file(path))
    try:
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            # Whoever just looks whether a writer is there (`is_being_written`) is in the way for a moment.
            lock.acquire(timeout=max(wait, _A_LOOK))
    except Timeout:
        raise StorageError(f"{what} {path} is being written by another process: wait for it or stop it") from None
    try:
        yield
    finally:
        lock.release()


def is_being_written(path: Path) -> bool:
    """Whether some process, this one or another, holds `writer_lock(path)` now."""
    try:
        with _lock_file(path.resolve()).open("rb") as file:
            # Shared: those who look at the same time don't take each other for a writer.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
