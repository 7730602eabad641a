"""Files → the text files in them: compression, archives and text encodings, recognized by content, as a stream.

Layers may be nested (`.tar.gz`, gzip in gzip, `.sql.gz` in a ZIP archive). What a packed file may unpack to is limited
(`Limits`), in every layer.
"""

from __future__ import annotations

import bz2
import codecs
import io
import lzma
import shlex
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Protocol, Self

from extexify.core import settings
from extexify.core.errors import printable
from extexify.sources.base import SourceError

CHUNK = 1 << 20  # bytes

MAX_RATIO = 200
"""Maximum ratio of unpacked to packed size of a file. Dumps of drawings have 4; gzip can reach 1,030."""

_RATIO_CHECKED_FROM = 32 * 1024 * 1024  # unpacked bytes below which the ratio isn't checked

_MAGIC = 6
_PACKED_CHUNK = 1 << 14

_MAX_LAYERS = 6  # a ZIP archive with a gzipped tar archive of gzipped files has four
_XZ_MEMORY = 256 << 20  # bytes; `xz -9` needs 65 MiB
_TAR_HEADER = 1 << 20  # bytes of a tar archive's extended header, which holds a name


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

    `name` is for messages; `path` is the file on the disk if it is one, which may then be read in any order.
    """

    name: str
    chunks: Chunks
    path: Path | None = None


@dataclass(frozen=True)
class TextFile:
    """A file with all layers unpacked, as UTF-8 if it was text. `inside`: it is one of an archive or a folder."""

    name: str
    chunks: Iterator[bytes]
    inside: bool = False


# --- compressed data ------------------------------------------------------------------------------


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


def _decompressed(packed: Packed, form: Compression) -> Generator[bytes]:
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


def raw_chunks(file: IO[bytes], limits: Limits) -> Generator[bytes]:
    """A file's bytes as they are. Of packed files less is read at once, because the ratio is checked between chunks."""
    chunk = file.read(_MAGIC)
    size = _PACKED_CHUNK if any(chunk.startswith(form.magic) for form in COMPRESSIONS) else CHUNK
    while chunk:
        limits.packed += len(chunk)
        limits.read += len(chunk)
        yield chunk
        chunk = file.read(size)


# --- archives -------------------------------------------------------------------------------------


class _BoundedTarInfo(tarfile.TarInfo):
    """A tar header that refuses extended headers of any length, which tarfile would read into memory."""

    _NAMES = (
        tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK
    )  # fmt: skip

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in self._NAMES and self.size > _TAR_HEADER:
            raise tarfile.ReadError("an extended header is too long")
        return super()._proc_member(archive)  # type: ignore[misc]


def _tar_members(packed: Packed) -> Generator[Packed]:
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
                yield Packed(_member_name(member.name, packed), Chunks(_content(file, packed, "tar", reader)))


def _zip_members(packed: Packed, limits: Limits, layer: int) -> Generator[Packed]:
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
                yield Packed(_member_name(member.filename, packed), Chunks(_content(content, packed, "ZIP")))
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


# --- all layers -----------------------------------------------------------------------------------

_OTHER_FORMATS = {
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", "7z x"),
    b"Rar!\x1a\x07": ("a RAR archive", "unrar x"),
}
"""First bytes of archives that can't be read, with their names and the command that unpacks them."""


def unpacked(packed: Packed, limits: Limits, layer: int = 0, inside: bool = False) -> Generator[TextFile]:
    """The text files in a file; each must be read before the next one. Raises `SourceError`."""
    head = packed.chunks.head(512)
    if layer > _MAX_LAYERS:
        raise SourceError(f"{packed.name} is packed more than {_MAX_LAYERS} times: unpack it first")
    if not head and not layer and not inside:
        raise SourceError(f"{packed.name} is empty")
    for magic, (what, command) in _OTHER_FORMATS.items():
        if head.startswith(magic):
            how = f", with `{command} {shlex.quote(packed.name)}`" if packed.path else ""
            raise SourceError(f"{packed.name} is {what}, which can't be read: unpack it first{how}")
    for form in COMPRESSIONS:
        if head.startswith(form.magic):
            with closing(_decompressed(packed, form)) as content:
                counted = Packed(packed.name, Chunks(_counted(content, limits, layer)))
                yield from unpacked(counted, limits, layer + 1, inside)
            return
    members: Generator[Packed] | None = None
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        members = _zip_members(packed, limits, layer)
    elif head[257:262] == b"ustar":
        members = _tar_members(packed)
    if members is None:
        yield TextFile(packed.name, _as_utf8(packed), inside)
        return
    with closing(members):
        for member in members:
            counted = Packed(member.name, Chunks(_counted(member.chunks, limits, layer)))
            yield from unpacked(counted, limits, layer + 1, inside=True)


def _counted(chunks: Iterable[bytes], limits: Limits, layer: int) -> Generator[bytes]:
    for chunk in chunks:
        limits.add(layer, len(chunk))
        yield chunk


# --- text encodings -------------------------------------------------------------------------------

_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def _as_utf8(packed: Packed) -> Iterator[bytes]:
    """Text without its byte order mark, UTF-16 as UTF-8; anything else as it is."""
    chunks = packed.chunks
    head = chunks.head(64)
    encoding = next((name for bom, name in _BOMS.items() if head.startswith(bom)), "") or _unmarked_utf16(head)
    if not encoding:
        return chunks
    for bom in _BOMS:
        if head.startswith(bom):
            chunks.put_back(next(chunks)[len(bom) :])
    return chunks if encoding == "utf-8" else _transcoded(packed, encoding)


def _unmarked_utf16(head: bytes) -> str:
    """The encoding of UTF-16 text without a byte order mark: of ASCII characters, one byte of two is zero."""
    low, high = head[0::2], head[1::2]
    if len(high) < 2:
        return ""
    for encoding, letters, zeros in (("utf-16-le", low, high), ("utf-16-be", high, low)):
        if not any(zeros) and all(letters):
            return encoding
    return ""


def _transcoded(packed: Packed, encoding: str) -> Generator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in packed.chunks:
            yield decoder.decode(chunk).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError:
        raise SourceError(
            f"{packed.name} is damaged: it begins as UTF-16 text but doesn't go on as such; download or dump it again"
        ) from None
