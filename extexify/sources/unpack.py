"""Files → the text files in them: compression, archives and text encodings, recognized by content, as a stream.

Layers may be nested (`.tar.gz`, gzip in gzip, `.sql.gz` in a ZIP archive). What a packed file may unpack to is limited
in every layer (see `extexify.sources.streams.Limits`).
"""

from __future__ import annotations

import codecs
import shlex
from collections.abc import Generator, Iterator
from contextlib import closing

from extexify.sources.archives import tar_members, zip_members
from extexify.sources.base import SourceError
from extexify.sources.compression import COMPRESSIONS, decompressed
from extexify.sources.pg_restore import restored
from extexify.sources.streams import Chunks, Limits, Packed, TextFile, counted

_MAX_LAYERS = 6  # a ZIP archive with a gzipped tar archive of gzipped files has four

_OTHER_FORMATS = {
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", "7z x"),
    b"Rar!\x1a\x07": ("a RAR archive", "unrar x"),
}
"""First bytes of archives that can't be read, with their names and the command that unpacks them."""


def unpacked(packed: Packed, limits: Limits, layer: int = 0) -> Generator[TextFile]:
    """The text files in a file; each must be read before the next one. Raises `SourceError`."""
    head = packed.chunks.head(512)
    if layer > _MAX_LAYERS:
        raise SourceError(f"{packed.name} is packed more than {_MAX_LAYERS} times: unpack it first")
    if not head and not layer and not packed.member:
        raise SourceError(f"{packed.name} is empty")
    for magic, (what, command) in _OTHER_FORMATS.items():
        if head.startswith(magic):
            how = f", with `{command} {shlex.quote(packed.name)}`" if packed.path else ""
            raise SourceError(f"{packed.name} is {what}, which can't be read: unpack it first{how}")
    for form in COMPRESSIONS:
        if head.startswith(form.magic):
            with closing(decompressed(packed, form)) as content:
                inner = Packed(packed.name, Chunks(counted(content, limits, layer)), member=packed.member)
                yield from unpacked(inner, limits, layer + 1)
            return
    if dump_format := _dump_format(packed, head):
        if packed.path is not None:
            limits.packed = limits.read = packed.path.stat().st_size
        with closing(restored(packed, dump_format, limits, layer)) as content:
            yield TextFile(packed.name, content, packed.member)
        return
    members: Generator[Packed] | None = None
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        members = zip_members(packed, limits, layer)
    elif head[257:262] == b"ustar":
        members = tar_members(packed)
    if members is None:
        yield TextFile(packed.name, _as_utf8(packed), packed.member)
        return
    with closing(members):
        for member in members:
            inner = Packed(member.name, Chunks(counted(member.chunks, limits, layer)), member=member.member)
            yield from unpacked(inner, limits, layer + 1)


def _dump_format(packed: Packed, head: bytes) -> str:
    """The format of a file for pg_restore, "" for another one."""
    if head.startswith(b"PGDMP"):
        if packed.path is None and packed.name.partition(" in ")[0].rpartition("/")[2] == "toc.dat":
            raise SourceError(
                f"{packed.name} is part of a dump in pg_dump's directory format: unpack the archive and name the folder"
            )
        return "custom"
    return "tar" if head.startswith(b"toc.dat\0") and head[257:262] == b"ustar" else ""


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
