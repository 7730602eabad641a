"""Detexify's drawings by name: an archive of github.com/kirel/detexify-next, downloaded into the workspace once."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

from extexify.core import settings
from extexify.core.progress import Reporter, quiet
from extexify.sources.base import Row, Source
from extexify.sources.detexify_next import check_complete
from extexify.sources.download import download
from extexify.sources.files import FileSource
from extexify.workspace.paths import downloads_folder

ADDRESS = "detexify"
"""The address of the source."""

DRAWINGS = 39_554
"""Drawings at the default commit."""

LICENCE = "ODbL 1.0"
"""The licence of the drawings (github.com/kirel/detexify-data)."""

MEGABYTES = 50
"""About what is downloaded: estimated from some of the archive's files, because its server tells no size before."""


class DetexifySource:
    """The drawings of detexify-next, without those that its reviewers rejected."""

    unit = "bytes"

    def __init__(self) -> None:
        self._url = settings.value_of(settings.DETEXIFY) or settings.DETEXIFY.default
        digest = hashlib.blake2b(self._url.encode(), digest_size=4).hexdigest()
        self._path = downloads_folder() / f"detexify-next-{digest}.tar.gz"
        self.name = f"Detexify's drawings ({self._url})"
        self._file: FileSource | None = None

    def fetch(self, report: Reporter) -> None:
        """Download the archive unless the workspace has it. Raises as `extexify.sources.download.download` does."""
        download(self._url, self._path, "Detexify's drawings", _check, report)

    def rows(self) -> Generator[Row]:
        """All rows; the archive is downloaded first if it isn't there. Raises `SourceError`."""
        self.fetch(quiet)
        self._file = FileSource(self._path)
        yield from self._file.rows()

    def position(self) -> tuple[int, int | None]:
        return self._file.position() if self._file else (0, None)


def _check(path: Path) -> None:
    with closing(FileSource(path).files()) as files:
        check_complete(files, "the archive that came")


def fetch(source: Source, report: Reporter) -> None:
    """Download what a source reads, if it has to be."""
    if isinstance(source, DetexifySource):
        source.fetch(report)
