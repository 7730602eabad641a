"""The files in tar and ZIP archives."""

from __future__ import annotations

import io
import lzma
import shlex
import tarfile
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import IO

from extexify.core.errors import printable
from extexify.sources.base import SourceError
from extexify.sources.streams import CHUNK, ChunkReader, Chunks, Limits, Packed, seekable

_TAR_HEADER = 1 << 20  # bytes of a tar archive's extended header, which holds a name


class _BoundedTarInfo(tarfile.TarInfo):
    """A tar header that refuses extended headers of any length, which tarfile would read into memory."""

    _NAMES = (
        tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK
    )  # fmt: skip

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in self._NAMES and self.size > _TAR_HEADER:
            raise tarfile.ReadError("an extended header is too long")
        return super()._proc_member(archive)  # type: ignore[misc]


def tar_members(packed: Packed) -> Generator[Packed]:
    reader = ChunkReader(packed.chunks)
    with (
        _archive_errors(packed, "tar", reader),
        tarfile.open(
            fileobj=io.BufferedReader(reader, CHUNK), mode="r|", bufsize=CHUNK, tarinfo=_BoundedTarInfo
        ) as archive,
    ):
        for member in archive:
            archive.members = []  # type: ignore[attr-defined]  # tarfile would remember all of them
            if member.isreg() and _is_content(member.name) and (file := archive.extractfile(member)) is not None:
                content = Chunks(_content(file, packed, "tar", reader))
                yield Packed(_member_name(member.name, packed), content, member=member.name)


def zip_members(packed: Packed, limits: Limits, layer: int) -> Generator[Packed]:
    if packed.path is not None:  # any entry of the archive may be about all of its bytes
        limits.packed, limits.read = packed.path.stat().st_size, 0
    with seekable(packed, limits, layer) as file, _archive_errors(packed, "ZIP"), zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if member.is_dir() or not _is_content(member.filename):
                continue
            if member.flag_bits & 1:
                raise SourceError(
                    f"{packed.name} is a ZIP archive with a password: unpack it first"
                    + (f", with `unzip {shlex.quote(packed.name)}`" if packed.path else "")
                )
            with archive.open(member) as content:
                yield Packed(
                    _member_name(member.filename, packed),
                    Chunks(_content(content, packed, "ZIP")),
                    member=member.filename,
                )
            if packed.path is not None:
                limits.read = min(limits.read + member.compress_size, limits.packed)


def _content(file: IO[bytes], archive: Packed, kind: str, reader: ChunkReader | None = None) -> Generator[bytes]:
    with _archive_errors(archive, kind, reader):
        while chunk := file.read(CHUNK):
            yield chunk


@contextmanager
def _archive_errors(packed: Packed, kind: str, reader: ChunkReader | None = None) -> Iterator[None]:
    """Raise a `SourceError` for what is wrong with an archive, or that of the stream below (`reader`)."""
    try:
        yield
    except (
        tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError, OSError,
    ) as error:  # fmt: skip
        if isinstance(error, SourceError):
            raise
        if reader is not None and reader.error is not None:
            raise reader.error from None
        raise SourceError(
            f"{packed.name} can't be read as a {kind} archive ({error}): download it again, or unpack it yourself"
        ) from None


def _is_content(name: str) -> bool:
    """Whether a file in an archive or folder is content: not hidden, nor what macOS adds to ZIP archives."""
    parts = name.split("/")
    return "__MACOSX" not in parts and not any(part.startswith(".") and part not in (".", "..") for part in parts)


def _member_name(member: str, archive: Packed) -> str:
    return f"{printable(member)} in {archive.name}"
