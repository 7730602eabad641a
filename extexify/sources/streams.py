"""Streams of bytes: chunks whose beginning can be looked at, and limits on what they may unpack to."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Self

from extexify.core import settings
from extexify.sources.base import SourceError

CHUNK = 1 << 20  # bytes

MAX_RATIO = 200
"""Maximum ratio of unpacked to packed size of a file. Dumps of drawings have 4; gzip can reach 1,030."""

_RATIO_CHECKED_FROM = 32 * 1024 * 1024  # unpacked bytes below which the ratio isn't checked


class Chunks:
    """A stream of bytes in chunks whose beginning can be looked at and put back."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._ahead = b""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        if self._ahead:
            chunk, self._ahead = self._ahead, b""
            return chunk
        return next(self._chunks)

    def head(self, size: int) -> bytes:
        """The next `size` bytes, fewer at the end of the stream; they stay in it."""
        if len(self._ahead) < size:
            parts, length = [self._ahead], len(self._ahead)
            while length < size and (chunk := next(self._chunks, None)) is not None:
                parts.append(chunk)
                length += len(chunk)
            self._ahead = b"".join(parts)
        return self._ahead[:size]

    def put_back(self, data: bytes) -> None:
        """Put bytes before the next ones."""
        self._ahead = data + self._ahead

    def skip_zeros(self) -> bool:
        """Skip zero bytes; False at the end of the stream."""
        while chunk := next(self, b""):
            if rest := chunk.lstrip(b"\0"):
                self.put_back(rest)
                return True
        return False


class ChunkReader(io.RawIOBase):
    """A stream of chunks as a file. `error` is what the stream raised."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks
        self.error: SourceError | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            chunk = next(self._chunks, b"")
        except SourceError as error:
            self.error = error
            raise
        size = min(len(buffer), len(chunk))
        buffer[:size] = chunk[:size]
        self._chunks.put_back(chunk[size:])
        return size


@dataclass
class Limits:
    """What a packed file may unpack to. `packed` is how many of its bytes that can have come from so far.

    `read` is how many bytes have been read, for progress.
    """

    name: str
    packed: int = 0
    read: int = 0
    _unpacked: dict[int, int] = field(default_factory=dict)

    @cached_property
    def _most(self) -> int:
        try:
            return settings.count_of(settings.MAX_UNPACKED) * 10**9
        except settings.SettingError as error:
            raise SourceError(str(error)) from None

    def add(self, layer: int, count: int) -> None:
        """Count bytes that a layer has unpacked.

        Raises `SourceError` for more than EXTEXIFY_MAX_UNPACKED, or more than `MAX_RATIO` times the packed bytes.
        """
        unpacked = self._unpacked[layer] = self._unpacked.get(layer, 0) + count
        if unpacked > self._most:
            raise SourceError(
                f"{self.name} unpacks to more than {self._most / 1e9:,.0f} GB: raise {settings.MAX_UNPACKED.name}, or "
                "unpack it yourself"
            )
        if unpacked > max(_RATIO_CHECKED_FROM, MAX_RATIO * self.packed):
            raise SourceError(
                f"{self.name} unpacks to more than {MAX_RATIO} times its size, which no dump of drawings does: if you "
                "trust it, unpack it yourself"
            )


@dataclass(frozen=True)
class Packed:
    """A file, or a file in an archive, as it is stored.

    `name` is for messages; `path` is the file on the disk if it is one, which may then be read in any order. `member`
    is its path in the archive or folder that it is in, with slashes; "" for a file by itself.
    """

    name: str
    chunks: Chunks
    path: Path | None = None
    member: str = ""


@dataclass(frozen=True)
class TextFile:
    """A file with all layers unpacked, as UTF-8 if it was text; `member` is that of `Packed`."""

    name: str
    chunks: Iterator[bytes]
    member: str = ""


def counted(chunks: Iterable[bytes], limits: Limits, layer: int) -> Generator[bytes]:
    """The chunks as they are, counted as unpacked by a layer. Raises `SourceError` as `Limits.add` does."""
    for chunk in chunks:
        limits.add(layer, len(chunk))
        yield chunk


def seekable(packed: Packed, limits: Limits, layer: int) -> IO[bytes]:
    """The file itself or, if it is a stream, a temporary copy of it."""
    if packed.path is not None:
        return packed.path.open("rb")
    file = TemporaryFile()  # noqa: SIM115  # the caller closes it
    try:
        for chunk in packed.chunks:
            limits.add(layer, len(chunk))
            file.write(chunk)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file
