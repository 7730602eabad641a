"""Atomic writes, locks, JSON and arrays on disk: a crash leaves the old file or folder, or the new one, never a part.

Beside a file or folder NAME there may be, all hidden: `.NAME.PID.N.tmp`, which is being written (the next write
removes what a dead process left), `.NAME.old`, the former folder during an exchange, and `.NAME.lock`, an empty file
that stays; the lock itself is the operating system's and ends with its process.

In a public demo the functions that write refuse visitors (`extexify.access.permissions`).
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
import orjson
import psutil
from filelock import FileLock, SoftFileLock, Timeout, lock_descriptor, unlock_descriptor
from numpy.typing import NDArray

from extexify.access import permissions
from extexify.core.errors import UserError

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_STALE_AFTER = 3600.0  # seconds
_RECOVER_WITHIN = 10.0  # seconds; an exchange of folders takes two renames
_LOOK_SECONDS = 0.1  # more than a look at a lock takes

_numbers = count()
_T = TypeVar("_T")


class StorageError(UserError, OSError):
    """A file or folder is missing, damaged, of another version or in use."""


class NoRoom(StorageError):
    """A file or folder can't be written for lack of space; the former one is unchanged."""

    def __init__(self, path: Path, number: int) -> None:
        """`number` is the errno: of a full disk or quota (ENOSPC, EDQUOT), or of a limit on file sizes (EFBIG)."""
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
    Raises `StorageError` when `path` is something that was not written this way (a folder of another program,
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
            _sync_tree(temporary)
            if path.exists():
                path.rename(_aside(path))
            temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        _put_back(path)


def recover_folder(path: Path) -> None:
    """Before reading: put the old folder back if a crash in the middle of `atomic_folder` left none."""
    path = path.resolve()
    if path.exists() or not _aside(path).exists():
        return
    # Under the lock, because the writer may be between its two renames. Without the right to write, nothing is done.
    with suppress(Timeout, OSError), file_lock(_lock_file(path), wait=_RECOVER_WITHIN):
        _put_back(path)


@permissions.operators_only
def remove_folder(folder: Path) -> None:
    """Remove a folder: it is renamed first, so that a crash leaves no folder that looks whole.

    Raises FileNotFoundError when it isn't there, `StorageError` when this user may not remove it.
    """
    aside = folder.with_name(f".{folder.name}.deleted")
    with explained(folder):
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)


def holds_files(folder: Path) -> bool:
    """Whether a folder exists and holds anything but hidden files (such as an interrupted write leaves)."""
    try:
        with os.scandir(folder) as entries:
            return any(not entry.name.startswith(".") for entry in entries)
    except FileNotFoundError:
        return False


def read_consistently(path: Path, read: Callable[[Path], _T]) -> _T:
    """Return `read(path)`; repeated if a writer exchanged the folder meanwhile."""
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
    """Complete or undo an interrupted exchange of folders; under the writer's lock."""
    aside = _aside(path)
    if path.exists():
        shutil.rmtree(aside, ignore_errors=True)
    elif aside.exists():
        aside.rename(path)


def _check_replaceable(path: Path) -> None:
    """Raise `StorageError` unless `path` doesn't exist, is an empty folder, or holds a manifest and arrays."""
    if not path.exists():
        return
    if not path.is_dir():
        raise StorageError(f"{path} is a file, not a folder: name another one")
    is_replaceable = (path / "manifest.json").exists() and any(path.glob("*.npy"))
    if not is_replaceable and any(path.iterdir()):
        raise StorageError(f"{path} holds other files, which would be lost: name a new or an empty folder")


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{next(_numbers)}.tmp")


def _temporaries(path: Path) -> list[Path]:
    """The temporary files or folders of all writers of `path`."""
    name = re.compile(rf"\.{re.escape(path.name)}\.\d+\.\d+\.tmp")
    return [file for file in path.parent.iterdir() if name.fullmatch(file.name)]


def _is_stale(temporary: Path) -> bool:
    """Whether the process that wrote a file is dead: no such process here, nor any recent write by one elsewhere."""
    if psutil.pid_exists(int(temporary.name.split(".")[-3])):
        return False
    with suppress(OSError):
        return time.time() - temporary.stat().st_mtime > _STALE_AFTER
    return False


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.old")


def _lock_file(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Inside, an OSError that refuses to write `path` (rights, space) becomes a `StorageError` that names it."""
    try:
        yield
    except NoRoom as error:
        # Raised for a file within a temporary folder: the message names the folder.
        raise NoRoom(path, error.number) from None
    except OSError as error:
        if error.errno in _FULL:
            raise NoRoom(path, error.errno) from None
        if error.errno in _REFUSALS and _is_about(error, path):
            raise StorageError(
                f"{path} can't be written ({error.strerror}): give this user the right to, or choose another place"
            ) from None
        if error.errno in _WRONG_PATHS and _is_about(error, path):
            raise StorageError(f"{path} can't be written ({error.strerror}): choose another place") from None
        raise


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REFUSALS = (errno.EROFS, errno.EACCES, errno.EPERM)
_WRONG_PATHS = (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP, errno.ENAMETOOLONG)


def _is_about(error: OSError, path: Path) -> bool:
    """Whether an error is about `path`, a folder around it or its temporary file, not about a file read meanwhile."""
    if not isinstance(error.filename, str | bytes | os.PathLike):
        return False
    place = Path(os.fsdecode(error.filename))
    return place == path or place in path.parents or place.parent == path.parent


def _sync(path: Path) -> None:
    """Flush a file or folder to the disk, before it is renamed: after a power failure the name may be there first."""
    if path.is_dir() and os.name == "nt":
        return  # Windows can't open folders
    # For writing, which Windows requires to flush a file.
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_tree(folder: Path) -> None:
    """Sync all files below a folder, then the folders, the innermost first.

    In threads: a file system commits many syncs that wait together in one step, 11 times as fast for 2,000 files.
    """
    files: list[Path] = []
    folders: list[Path] = []
    for place, _, names in os.walk(folder, topdown=False):
        folders.append(Path(place))
        files += [Path(place, name) for name in names]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(_sync, files))
    for directory in folders:
        _sync(directory)


def write_json(path: Path, value: object) -> None:
    """Write `value` as indented JSON, atomically."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY) + b"\n")


def read_bytes(path: Path) -> bytes:
    """Read a file. Raises `StorageError` if it is missing or can't be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise StorageError(f"{path} does not exist") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise StorageError(f"{path} can't be read ({getattr(error, 'strerror', error)})") from None


def read_json(path: Path) -> object:
    """Read a JSON file. Raises `StorageError` if it is missing, can't be read or is not JSON."""
    try:
        return orjson.loads(read_bytes(path))
    except orjson.JSONDecodeError as error:
        raise StorageError(f"{path} is not valid JSON ({error}); write it anew") from None


def read_array(path: Path, dtype: str, tail: tuple[int, ...] = ()) -> NDArray[np.generic]:
    """Open a `.npy` file as a read-only memory map, without pickle, of shape (n, *tail) and `dtype`.

    Raises `StorageError` if the file is missing, damaged or holds another type or shape.
    """
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except FileNotFoundError:
        raise StorageError(f"{path} does not exist") from None
    except Exception as error:  # for damaged headers numpy raises errors of ast, tokenize and mmap
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise StorageError(f"{path} is not a readable array ({why}); write it anew") from None
    if array.dtype != np.dtype(dtype) or array.ndim == 0 or array.shape[1:] != tail:
        raise StorageError(f"{path} does not hold {dtype} values of the expected shape; write it anew")
    return array


class ArrayWriter:
    """Appends rows to a `.npy` file of shape (n, *tail); n is known only at the end.

    NumPy pads the header so that the first axis may grow in place; `close` writes the final length. As a context
    manager it closes the file; after an error, without the final length.
    """

    @permissions.operators_only
    def __init__(self, path: Path, dtype: str, tail: tuple[int, ...] = ()) -> None:
        """`tail` is the shape of a row."""
        self._file = path.open("wb")
        self._dtype = np.dtype(dtype)
        self._tail = tail
        self.rows = 0
        self._header()
        self.offset = self._file.tell()
        """Byte at which the first row begins."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            with suppress(OSError):  # a full disk fails again; the first error is reported
                self._file.close()

    def append(self, values: NDArray[np.generic]) -> None:
        """Append an array (n, *tail)."""
        values = np.ascontiguousarray(values, self._dtype)
        self._file.write(values.data)
        self.rows += len(values)

    def close(self) -> None:
        """Write the final length and close the file; further calls do nothing."""
        if not self._file.closed:
            try:
                self._file.seek(0)
                self._header()
            finally:
                self._file.close()

    def _header(self) -> None:
        # numpy pads a C-ordered array's header for a first axis of up to 21 digits.
        header = {
            "descr": np.lib.format.dtype_to_descr(self._dtype), "fortran_order": False,
            "shape": (self.rows, *self._tail),
        }  # fmt: skip
        np.lib.format.write_array_header_1_0(self._file, header)


# --- locks --------------------------------------------------------------------------------------


@contextmanager
def file_lock(file: Path, *, wait: float = 0.0) -> Iterator[None]:
    """Hold an exclusive lock on `file`, which is created and stays; the lock ends with its process, too.

    Raises `Timeout` if another process or thread holds it for `wait` seconds. Its holder may not write to the file:
    Windows locks its first byte.
    """
    # A look by `is_locked` holds the lock for a moment.
    with FileLock(file, timeout=max(wait, _LOOK_SECONDS)):
        yield


def is_locked(file: Path) -> bool:
    """Whether a process, this one or another, holds `file_lock(file)` now."""
    try:
        with file.open("rb") as look:
            if fcntl is not None:
                # A shared lock: two looks at the same time don't see each other.
                fcntl.flock(look, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return False
            give_up = time.monotonic() + _LOOK_SECONDS  # another look is over by then
            while not lock_descriptor(look.fileno(), blocking=False):
                if time.monotonic() > give_up:
                    return True
                time.sleep(0.005)
            unlock_descriptor(look.fileno())
            return False
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        # Without locks by the system, `FileLock` writes the holder's process id into the file.
        return SoftFileLock(file).pid is not None


@permissions.operators_only
@contextmanager
def writer_lock(path: Path, what: str, *, wait: float = 0.0) -> Iterator[None]:
    """Hold the exclusive right to write `path`, a file or folder that messages call `what`.

    Raises `StorageError` if another process holds it for `wait` seconds, or this user may not write there.
    """
    path = path.resolve()
    with ExitStack() as stack:
        try:
            with explained(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(file_lock(_lock_file(path), wait=wait))
        except Timeout:
            raise StorageError(f"{what} {path} is being written by another process: wait for it or stop it") from None
        yield


def is_being_written(path: Path) -> bool:
    """Whether a process, this one or another, holds `writer_lock(path)` now."""
    return is_locked(_lock_file(path.resolve()))
