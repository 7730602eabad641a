"""Atomic writes and locks: a crash leaves the old file or folder, or the new one, never half of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import orjson
from filelock import FileLock, Timeout
from numpy.typing import NDArray


class StorageError(OSError):
    """Something on disk is missing, damaged, of another version or in use; the message says what to do."""


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, which replaces `path` when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        _sync(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`, which replaces `path` when the block ends without an error.

    A folder can't replace a non-empty one in a single step, so the old one steps aside first;
    `recover_folder` puts it back if the process died between the two renames.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    recover_folder(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        yield temporary
        for file in temporary.iterdir():
            if file.is_file():
                _sync(file)
        aside = _aside(path)
        if path.exists():
            path.rename(aside)
        temporary.rename(path)
        shutil.rmtree(aside, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def recover_folder(path: Path) -> None:
    """Finish what a crash in the middle of `atomic_folder` left: put the old folder back, or remove it."""
    aside = _aside(path)
    if aside.exists():
        if path.exists():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.rename(path)


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.old")


def _sync(path: Path) -> None:
    """Have the file's content on the disk before its name: a rename can outlive a power failure, data can't."""
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
    """Read a JSON file. Raises `StorageError` when it is missing or no JSON."""
    try:
        return orjson.loads(path.read_bytes())
    except FileNotFoundError:
        raise StorageError(f"{path} does not exist") from None
    except orjson.JSONDecodeError as error:
        raise StorageError(f"{path} is not valid JSON ({error}); write it anew") from None


def read_array(path: Path, dtype: str, tail: tuple[int, ...] | None = ()) -> NDArray[np.generic]:
    """Open a `.npy` file as a read-only memory map, never unpickling anything.

    dtype is the type that it must hold, `tail` the lengths of all axes after the first (None: any).
    Raises `StorageError` when the file is missing, damaged or holds something else.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise StorageError(f"{path} does not exist") from None
    except (ValueError, EOFError, OSError) as error:
        raise StorageError(f"{path} is not a readable array ({error}); write it anew") from None
    fits = isinstance(array, np.ndarray) and array.dtype == np.dtype(dtype) and array.ndim > 0
    if not fits or (tail is not None and array.shape[1:] != tail):
        raise StorageError(f"{path} does not hold {dtype} values of the expected shape; write it anew")
    return array


class ArrayWriter:
    """Appends rows to a `.npy` file whose length is known only at the end.

    NumPy pads the header so that the first axis may grow in place; the final length is written on `close`.
    """

    def __init__(self, path: Path, dtype: str, tail: tuple[int, ...] = ()) -> None:
        """dtype of the values; `tail` is the lengths of all axes after the first."""
        self._file = path.open("wb")
        self._dtype = np.dtype(dtype)
        self._tail = tail
        self.rows = 0
        self._header()

    def append(self, values: NDArray[np.generic]) -> None:
        """Append an array (n, *tail)."""
        values = np.ascontiguousarray(values, self._dtype)
        self._file.write(values.data)
        self.rows += len(values)

    def close(self) -> None:
        """Write the final length and close the file."""
        self._file.seek(0)
        self._header()
        self._file.close()

    def _header(self) -> None:
        # numpy pads a C-ordered array's header for a first axis of up to 21 digits.
        header = {
            "descr": np.lib.format.dtype_to_descr(self._dtype), "fortran_order": False,
            "shape": (self.rows, *self._tail),
        }  # fmt: skip
        np.lib.format.write_array_header_1_0(self._file, header)


@contextmanager
def writer_lock(path: Path, what: str) -> Iterator[None]:
    """Hold the right to write `path` (a file or folder); one process has it at a time, and a crash frees it.

    Raises `StorageError` saying that `what` is being written already.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StorageError(f"{what} {path} is being written by another process: wait for it or stop it") from None
    try:
        yield
    finally:
        lock.release()
