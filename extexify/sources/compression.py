"""Compressed data: gzip, bzip2 and xz by the standard library, zstd and lz4 by pyarrow, which Streamlit brings."""

from __future__ import annotations

import bz2
import lzma
import shlex
import zlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import IO, Any, Protocol

from extexify.sources.base import SourceError
from extexify.sources.streams import CHUNK, ChunkReader, Limits, Packed

_XZ_MEMORY = 256 << 20  # bytes; `xz -9` needs 65 MiB
_MAGIC = 6  # bytes
_PACKED_CHUNK = 1 << 14  # bytes


class _Decoder(Protocol):
    """The interface of the standard library's decompressor objects."""

    eof: bool
    needs_input: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _GzipDecoder:
    """zlib's decompressor with the interface of bz2's and lzma's."""

    needs_input = True

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(zlib.MAX_WBITS | 16)

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        unpacked = self._decoder.decompress(self._decoder.unconsumed_tail + data, max_length)
        self.needs_input = not self._decoder.unconsumed_tail and len(unpacked) < max_length
        return unpacked


@dataclass(frozen=True)
class Compression:
    """A compression format: its first bytes, and the program that unpacks it to its output with option -dc."""

    name: str
    magic: bytes
    program: str
    decoder: Callable[[], Any] | None = None
    """None: pyarrow unpacks it."""


COMPRESSIONS = (
    Compression("gzip", b"\x1f\x8b", "gzip", _GzipDecoder),
    Compression("bzip2", b"BZh", "bzip2", bz2.BZ2Decompressor),
    Compression(
        "xz", b"\xfd7zXZ\0", "xz", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
    ),
    Compression("zstd", b"\x28\xb5\x2f\xfd", "zstd"),
    Compression("lz4", b"\x04\x22\x4d\x18", "lz4"),
)  # fmt: skip


def raw_chunks(file: IO[bytes], limits: Limits) -> Generator[bytes]:
    """A file's bytes as they are. Of packed files less is read at once, because the ratio is checked between chunks."""
    chunk = file.read(_MAGIC)
    size = _PACKED_CHUNK if any(chunk.startswith(form.magic) for form in COMPRESSIONS) else CHUNK
    while chunk:
        limits.packed += len(chunk)
        limits.read += len(chunk)
        yield chunk
        chunk = file.read(size)


def decompressed(packed: Packed, form: Compression) -> Generator[bytes]:
    """The data of one compressed stream or several, one after the other. Raises `SourceError`."""
    chunks, name = packed.chunks, packed.name
    if form.decoder is None:
        yield from _decompressed_by_pyarrow(packed, form)
        return
    while True:
        decoder: _Decoder = form.decoder()
        while not decoder.eof:
            data = next(chunks, None) if decoder.needs_input else b""
            if data is None:
                raise SourceError(f"{name} is cut off: its {form.name} data ends too early; download or dump it again")
            try:
                unpacked = decoder.decompress(data, CHUNK)
            except (zlib.error, lzma.LZMAError, OSError) as error:
                raise _damaged(packed, form, error) from None
            if unpacked:
                yield unpacked
        chunks.put_back(decoder.unused_data)
        if not chunks.skip_zeros():  # padding
            return
        if not chunks.head(len(form.magic)).startswith(form.magic):
            raise SourceError(
                f"{name} has something else after its {form.name} data: download it again"
                + (f", or unpack the beginning with `{_command(packed, form)}`" if packed.path else "")
            )


def _decompressed_by_pyarrow(packed: Packed, form: Compression) -> Generator[bytes]:
    try:
        import pyarrow
    except ImportError:
        raise SourceError(
            f"{packed.name} is compressed with {form.name}: unpack it first"
            + (f", with `{_command(packed, form)}`" if packed.path else "")
        ) from None
    reader = ChunkReader(packed.chunks)
    try:
        with pyarrow.CompressedInputStream(pyarrow.PythonFile(reader, mode="r"), form.name) as file:
            while unpacked := file.read(CHUNK):
                yield unpacked
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        if reader.error is not None:
            raise reader.error from None
        raise _damaged(packed, form, error) from None


def _damaged(packed: Packed, form: Compression, error: Exception) -> SourceError:
    return SourceError(f"{packed.name} can't be unpacked as {form.name} data ({error}): download or dump it again")


def _command(packed: Packed, form: Compression) -> str:
    """A command that can be pasted into a shell."""
    return f"{form.program} -dc {shlex.quote(packed.name)} > unpacked"
