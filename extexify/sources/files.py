"""A file, a folder or standard input as a source: unpacked, then read in whatever format it has."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

from extexify.sources.base import NoDrawings, Row, SourceError, shown_path
from extexify.sources.copy import read_ahead
from extexify.sources.formats import rows_of
from extexify.sources.unpack import Chunks, Limits, Packed, TextFile, raw_chunks, unpacked

STANDARD_INPUT = "-"
"""The address of standard input."""


class FileSource:
    """The drawings of a file (packed or not, an archive of files too), a folder of files, a pipe or standard input."""

    unit = "bytes"

    def __init__(self, path: Path | None) -> None:
        """`path`: None for standard input."""
        self.path = path
        self.name = "standard input" if path is None else shown_path(path)
        self._limits = Limits(self.name)
        self._paths = [] if path is None else _files_in(path) if path.is_dir() else [path]
        # A pipe is read in the caller's thread, where Ctrl-C ends the wait for it.
        self._is_pipe = path is None or not (path.is_dir() or path.is_file())
        self._size = None if self._is_pipe else sum(file.stat().st_size for file in self._paths)

    def position(self) -> tuple[int, int | None]:
        return self._limits.read, self._size

    def rows(self) -> Generator[Row]:
        """All rows, in the order of the files; files without drawings beside others are skipped.

        Raises `SourceError` for a file that can't be read or is damaged.
        """
        first_problem: NoDrawings | None = None
        found = False
        with closing(self.files()) as files:
            for file in files:
                try:
                    yield from rows_of(file)
                    found = True
                except NoDrawings as problem:
                    if not file.inside:
                        raise
                    first_problem = first_problem or problem
        if first_problem is not None and not found:
            raise first_problem

    def files(self) -> Generator[TextFile]:
        """The unpacked files; each must be read before the next one. Raises `SourceError`."""
        self._limits = Limits(self.name)
        items = self._items() if self._is_pipe else read_ahead(self._unpack)
        with closing(items):
            yield from _regrouped(items)

    def _unpack(self, put: Callable[[TextFile | bytes], None]) -> None:
        with closing(self._items()) as items:
            for item in items:
                put(item)

    def _items(self) -> Generator[TextFile | bytes]:
        """Every file, each followed by its chunks."""
        try:
            for packed in self._packed_files():
                with closing(unpacked(packed, self._limits, inside=packed.name != self.name)) as files:
                    for file in files:
                        yield file
                        yield from file.chunks
        except OSError as error:
            raise SourceError(f"{self.name} can't be read: {error.strerror or error}") from None

    def _packed_files(self) -> Generator[Packed]:
        if self.path is None:
            yield Packed(self.name, Chunks(raw_chunks(sys.stdin.buffer, self._limits)))
            return
        if not self._paths:
            raise SourceError(f"{self.name} is a folder without files")
        for path in self._paths:
            with path.open("rb") as file:
                yield Packed(shown_path(path), self._chunks(file), None if self._is_pipe else path)

    def _chunks(self, file: IO[bytes]) -> Chunks:
        return Chunks(raw_chunks(file, self._limits))


def _files_in(folder: Path) -> list[Path]:
    """All files in a folder and its folders, sorted, without hidden ones."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, name) for name in names if not name.startswith(".")]
    return sorted(path for path in found if path.is_file())


def _regrouped(items: Iterator[TextFile | bytes]) -> Generator[TextFile]:
    """Files with their chunks from a stream in which each file is followed by its chunks."""
    file = next(items, None)
    while isinstance(file, TextFile):
        following: list[TextFile] = []

        def chunks(following: list[TextFile] = following) -> Iterator[bytes]:
            for item in items:
                if isinstance(item, TextFile):
                    following.append(item)
                    return
                yield item

        content = chunks()
        yield TextFile(file.name, content, file.inside)
        for _ in content:  # what the reader left
            pass
        file = following[0] if following else None
