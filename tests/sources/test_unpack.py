"""Packed files, archives, folders, pipes and text encodings: the same rows, or one sentence that says what it is."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import os
import sys
import tarfile
import threading
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.core import settings
from extexify.sources import files, streams
from extexify.sources.base import Row, SourceError
from extexify.sources.open import open_source
from extexify.sources.streams import Chunks, Limits, Packed
from extexify.sources.unpack import unpacked
from tests.archives import tar
from tests.drawings import copy_block, dump_text, sample_rows

ROWS = sample_rows(classes=2, each=3)
AS_READ = [Row(b"%d" % identifier, key, strokes) for identifier, key, strokes in ROWS]
DUMP = dump_text(copy_block(ROWS))


def by_pyarrow(form: str) -> Callable[[bytes], bytes]:
    def compress(content: bytes) -> bytes:
        sink = pyarrow.BufferOutputStream()
        with pyarrow.CompressedOutputStream(sink, form) as file:
            file.write(content)
        return sink.getvalue().to_pybytes()

    return compress


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": by_pyarrow("zstd"),
    "lz4": by_pyarrow("lz4"),
}


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def read(path: Path) -> list[Row]:
    return list(open_source(str(path)).rows())


def refusal(path: Path) -> str:
    with pytest.raises(SourceError) as caught:
        read(path)
    message = str(caught.value)
    assert path.name in message
    assert not any(thread.name == "read-ahead" for thread in threading.enumerate())
    return message


HALVES = {"a.sql": dump_text(copy_block(ROWS[:2])), "b/c.sql": dump_text(copy_block(ROWS[2:]))}

PACKED = {
    **{form: compress(DUMP) for form, compress in COMPRESS.items()},
    **{f"two streams of {form}": compress(DUMP[:300]) + compress(DUMP[300:]) for form, compress in COMPRESS.items()},
    "gzip in gzip": gzip.compress(gzip.compress(DUMP)),
    "padding": gzip.compress(DUMP) + bytes(5000),
    "zip": zipped({"dump.sql": DUMP}),
    "zip, stored": zipped({"dump.sql": DUMP}, zipfile.ZIP_STORED),
    "zip of several": zipped({**HALVES, "__MACOSX/._a.sql": b"\0\1", ".hidden": b"x"}),
    "zip of packed": zipped({name: gzip.compress(content) for name, content in HALVES.items()}),
    "zip in gzip": gzip.compress(zipped(HALVES)),
    "tar": tar(HALVES),
    "tar, a long name": tar({"x" * 300: DUMP}),
    "tar.gz": tar(HALVES, "w:gz"),
    "tar.bz2": tar(HALVES, "w:bz2"),
    "tar.xz": tar(HALVES, "w:xz"),
    "tar.zst": by_pyarrow("zstd")(tar(HALVES)),
}  # fmt: skip


@pytest.mark.parametrize("how", PACKED)
def test_a_packed_dump_gives_the_same_rows_whatever_its_name(tmp_path: Path, how: str) -> None:
    path = tmp_path / "dump.sql"
    path.write_bytes(PACKED[how])
    assert read(path) == AS_READ


def test_other_files_beside_dumps_are_skipped_but_not_alone(tmp_path: Path) -> None:
    path = tmp_path / "dump.zip"
    others = {"README": b"hello", "LICENSE": b"", "index.html": b"<!doctype html>"}
    path.write_bytes(zipped({**others, **HALVES}))
    assert read(path) == AS_READ
    path.write_bytes(zipped(others))
    assert "README in " in refusal(path)


def test_a_folder_is_read_with_the_folders_in_it(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_bytes(b"x")
    (tmp_path / "a.sql.gz").write_bytes(gzip.compress(HALVES["a.sql"]))
    (tmp_path / "b" / "c.sql").write_bytes(HALVES["b/c.sql"])
    source = open_source(str(tmp_path))
    assert list(source.rows()) == list(source.rows()) == AS_READ
    assert source.position()[0] == sum(path.stat().st_size for path in tmp_path.rglob("*.sql*"))


def test_a_folder_of_something_else_is_not_searched_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_MAX_SKIPPED", 3)
    for name in "abcd":
        (tmp_path / name).write_bytes(b"hello")
    assert "has no drawings in its first 3 files" in refusal(tmp_path)
    (tmp_path / "a.sql").write_bytes(DUMP)  # the second
    assert read(tmp_path) == AS_READ
    (tmp_path / "empty").mkdir()
    assert refusal(tmp_path / "empty").endswith("is a folder without files")


@pytest.mark.parametrize("how", ["plain", "gzip", "zip", "tar.gz"])
def test_standard_input_is_read_as_a_file_is(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO({**PACKED, "plain": DUMP}[how])))
    source = open_source("-")
    assert source.name == "standard input"
    assert list(source.rows()) == AS_READ


def test_a_named_pipe_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(PACKED["gzip"],))
    writer.start()
    assert read(pipe) == AS_READ
    writer.join()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16-le", "utf-16-be", "marked utf-16-le", "marked utf-16-be"])
def test_text_is_read_in_the_encodings_that_programs_write(tmp_path: Path, encoding: str) -> None:
    marks = {"marked utf-16-le": codecs.BOM_UTF16_LE, "marked utf-16-be": codecs.BOM_UTF16_BE}
    text = DUMP.replace(b"class0", "ü𝔸".encode()).decode()
    content = marks.get(encoding, b"") + text.encode(encoding.removeprefix("marked "))
    path = tmp_path / "dump.sql"
    for written in (content, gzip.compress(content)):
        path.write_bytes(written)
        assert [row.key for row in read(path)] == [row[1].replace(b"class0", "ü𝔸".encode()) for row in ROWS]


def test_a_byte_order_mark_directly_before_the_table_is_no_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "dump.sql"
    path.write_bytes(codecs.BOM_UTF8 + copy_block(ROWS))
    assert read(path) == AS_READ


@pytest.mark.parametrize("form", COMPRESS)
def test_compressed_data_that_is_cut_off_or_damaged_is_an_error_anywhere(tmp_path: Path, form: str) -> None:
    packed = COMPRESS[form](DUMP)
    path = tmp_path / "dump.sql"
    for end in range(7, len(packed) - 1, 23):
        path.write_bytes(packed[:end])
        assert "cut off" in refusal(path) or form in ("zstd", "lz4")
    damaged = bytearray(packed)
    damaged[5 if form in ("zstd", "lz4") else len(packed) // 2] ^= 0xFF  # these two have no check sum here
    path.write_bytes(damaged)
    assert f"as {form} data" in refusal(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (gzip.compress(DUMP, mtime=0) + b"<html>", r"else after its gzip data: .*`gzip -dc '.*' > unpacked`$"),
        (b"BZh91AY&SY", "its bzip2 data ends too early"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(60), r"a 7z archive, .*with `7z x '\S*the dump'`$"),
        (b"Rar!\x1a\x07\x01", "a RAR archive"),
        (b"PK\x03\x04 and so on", "can't be read as a ZIP archive"),
        (zipped({"dump.sql": DUMP})[:-30], "can't be read as a ZIP archive"),
        (tar({"dump.sql": DUMP})[:1000], "can't be read as a tar archive"),
        (zipped({"a.7z": b"7z\xbc\xaf\x27\x1c"}), "a.7z in .* is a 7z archive"),
        (DUMP.decode().encode("utf-16")[:-7], "damaged"),
        (b"<!DOCTYPE html><title>Google Drive - Virus scan warning</title>", "Google Drive's warning, a web page"),
        (b"\n<html><h1>404</h1>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS pointer.*`git lfs pull`"),
        (gzip.compress(b"SQLite format 3\0", mtime=0), "is an SQLite file: name it by itself"),
        (b"", "is empty"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_named_with_what_to_do(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "the dump"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=says) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_an_encrypted_archive_is_named(tmp_path: Path) -> None:
    content = bytearray(zipped({"dump.sql": DUMP}))
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the directory's flag
    path = tmp_path / "dump.zip"
    path.write_bytes(content)
    assert "ZIP archive with a password" in refusal(path)


def test_without_pyarrow_the_sentence_has_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = tmp_path / "dump.sql.zst"
    path.write_bytes(PACKED["zstd"])
    assert refusal(path) == f"{path} is compressed with zstd: unpack it first, with `zstd -dc {path} > unpacked`"


def test_the_limits_hold_in_every_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_RATIO_CHECKED_FROM", 2 << 20)
    zeros = b"\n" * (4 << 20)
    for name, content in {
        "xz": lzma.compress(zeros),
        "bzip2": bz2.compress(zeros),
        "zstd": by_pyarrow("zstd")(zeros),
        "gzip in gzip": gzip.compress(gzip.compress(zeros * 100, 1)),
        "zip": zipped({"a": zeros}),
        "many in a zip": zipped({f"{number}.gz": gzip.compress(zeros[: 1 << 20]) for number in range(9)}),
        "tar.gz": tar({"a": zeros}, "w:gz"),
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        assert "200 times its size" in refusal(path), name
    monkeypatch.setenv(settings.MAX_UNPACKED.name, "0")
    path.write_bytes(PACKED["tar.gz"])
    assert "EXTEXIFY_MAX_UNPACKED" in refusal(path)


def test_layers_without_end_are_refused(tmp_path: Path) -> None:
    content = DUMP
    for _ in range(9):
        content = gzip.compress(content)
    path = tmp_path / "dump.gz"
    path.write_bytes(content)
    assert "packed more than" in refusal(path)


def test_a_header_of_a_tar_archive_that_is_too_long_is_not_read_into_memory(tmp_path: Path) -> None:
    member = tarfile.TarInfo("dump.sql")
    member.type, member.size = tarfile.XHDTYPE, 1 << 32
    path = tmp_path / "dump.tar"
    path.write_bytes(member.tobuf(tarfile.USTAR_FORMAT) + bytes(5000))
    assert "too long" in refusal(path)


@given(st.lists(st.binary(max_size=9)), st.integers(0, 40))
def test_a_look_at_the_head_takes_nothing_away(chunks: list[bytes], size: int) -> None:
    stream, whole = Chunks(chunks), b"".join(chunks)
    assert stream.head(size) == whole[:size]
    assert b"".join(stream) == whole


@given(st.binary(max_size=200), st.sampled_from(sorted(COMPRESS)), st.integers(1, 50))
def test_any_data_comes_back_however_it_arrives(content: bytes, form: str, size: int) -> None:
    packed = COMPRESS[form](b"text" + content)
    chunks = (packed[start : start + size] for start in range(0, len(packed), size))
    (file,) = unpacked(Packed("x", Chunks(chunks)), Limits("x", packed=1 << 30))
    assert b"".join(file.chunks) == b"text" + content
