"""A file, a folder or standard input as a source: unpacked, then read in whatever format it has."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

from extexify.sources.base import SAMPLES, NoDrawings, Row, SourceError, Table, shown_path
from extexify.sources.compression import raw_chunks
from extexify.sources.copy import read_ahead
from extexify.sources.detexify_next import Project, is_member
from extexify.sources.formats import rows_of
from extexify.sources.pg_restore import restored
from extexify.sources.streams import Chunks, Limits, Packed, TextFile
from extexify.sources.unpack import unpacked

STANDARD_INPUT = "-"
"""The address of standard input."""


_MAX_SKIPPED = 1000  # files without drawings, before the first with some


class FileSource:
    """The drawings of a file (packed or not, an archive of files too), a folder of files, a pipe or standard input."""

    unit = "bytes"

    def __init__(self, path: Path | None, table: Table = SAMPLES) -> None:
        """`path`: None for standard input."""
        self.path, self._table = path, table
        self.name = "standard input" if path is None else shown_path(path)
        self._limits = Limits(self.name)
        is_folder = path is not None and path.is_dir()
        # A pipe is read in the caller's thread, where Ctrl-C ends the wait for it.
        self._is_pipe = path is None or not (is_folder or path.is_file())
        self._size = None if path is None or is_folder or self._is_pipe else path.stat().st_size

    def position(self) -> tuple[int, int | None]:
        return self._limits.read, self._size

    def rows(self) -> Generator[Row]:
        """All rows, in the order of the files; files without drawings beside others are skipped.

        Raises `SourceError` for a file that can't be read or is damaged.
        """
        project: Project | None = None
        first_problem: NoDrawings | None = None
        skipped = 0
        found = False
        with closing(self.files()) as files:
            for file in files:
                if project is None and is_member(file.member):
                    project = self._read_project()
                try:
                    for row in project.rows(file) if project else rows_of(file, self._table):
                        found = True
                        yield row
                    found = found or project is None  # a table without rows
                except NoDrawings as problem:
                    if not file.member:
                        raise
                    first_problem = first_problem or problem
                    skipped += 1
                    if skipped >= _MAX_SKIPPED and not found:
                        raise SourceError(
                            f"{self.name} has no drawings in its first {skipped:,} files: name the folder or file that "
                            "has some"
                        ) from None
        if not found:
            raise first_problem or NoDrawings(f"{self.name} has no drawings in packages/data/source/samples")

    def _read_project(self) -> Project:
        if self._is_pipe:
            raise SourceError(f"{self.name} is detexify-next's archive, which has to be read twice: name it as a file")
        with closing(FileSource(self.path).files()) as files:
            return Project.read(files)

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
            if self.path is not None and (self.path / "toc.dat").is_file():
                self._limits.packed = sum(file.stat().st_size for file in _files_in(self.path))
                yield TextFile(self.name, iter(()))
                yield from restored(Packed(self.name, Chunks(()), self.path), "directory", self._limits)
                self._limits.read = self._limits.packed
                return
            for packed in self._packed_files():
                with closing(unpacked(packed, self._limits)) as files:
                    for file in files:
                        yield file
                        yield from file.chunks
        except OSError as error:
            raise SourceError(f"{self.name} can't be read: {error.strerror or error}") from None

    def _packed_files(self) -> Generator[Packed]:
        if self.path is None:
            yield Packed(self.name, Chunks(raw_chunks(sys.stdin.buffer, self._limits)))
            return
        path = None
        for path in _files_in(self.path) if self.path.is_dir() else [self.path]:
            with path.open("rb") as file:
                member = path.as_posix() if self.path.is_dir() else ""
                yield Packed(shown_path(path), self._chunks(file), None if self._is_pipe else path, member)
        if path is None:
            raise SourceError(f"{self.name} is a folder without files")

    def _chunks(self, file: IO[bytes]) -> Chunks:
        return Chunks(raw_chunks(file, self._limits))


def _files_in(folder: Path) -> Iterator[Path]:
    """All files in a folder and its folders, in the order of their names, without hidden ones."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            if not name.startswith(".") and path.is_file():
                yield path


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
        yield TextFile(file.name, content, file.member)
        for _ in content:  # what the reader left
            pass
        file = following[0] if following else None
