"""Dumps: read as users have them, streamed, and refused in one sentence when they are something else."""

from __future__ import annotations

import gzip
import io
import itertools
import re
import threading
import zlib
from pathlib import Path

import pytest
from PIL import Image

from extexify.sources.base import Row, SourceError
from extexify.sources.files import FileSource
from extexify.sources.open import check_source, open_source
from tests.drawings import copy_block, dump_text, sample_rows, write_dump

ROWS = sample_rows(classes=2, each=3)
AS_READ = [Row(b"%d" % identifier, key, strokes) for identifier, key, strokes in ROWS]


def read(path: Path) -> list[Row]:
    return list(FileSource(path).rows())


def refusal(path: Path) -> str:
    """The one sentence with which a file is refused; it names the file."""
    with pytest.raises(SourceError) as caught:
        for _ in open_source(str(path)).rows():
            pass
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert not any(thread.name == "read-ahead" for thread in threading.enumerate())
    return message


@pytest.mark.parametrize("name", ["dump.sql", "dump.sql.gz"])
@pytest.mark.parametrize(
    "table",
    ["samples", "public.samples", '"samples"', '"public"."samples"', '"My schema".samples', "SAMPLES", 'a."samples"'],
)
def test_the_table_is_found_under_every_form_of_its_name(tmp_path: Path, name: str, table: str) -> None:
    assert read(write_dump(tmp_path / name, dump_text(copy_block(ROWS, table)))) == AS_READ


def test_a_look_into_a_dump_goes_no_further_than_its_first_row(tmp_path: Path) -> None:
    broken = copy_block(sample_rows()[:1]).removesuffix(b"\\.\n\n") + b"cut off"
    check_source(open_source(str(write_dump(tmp_path / "dump.sql", dump_text(broken)))))
    for text, why in ((dump_text(copy_block([])), "has no rows"), (b"no dump", "has no table samples")):
        with pytest.raises(SourceError, match=why):
            check_source(open_source(str(write_dump(tmp_path / "other.sql", text))))


@pytest.mark.parametrize("columns", itertools.permutations(["id", "key", "strokes", "created at"]))
def test_columns_come_in_any_order_with_others_between(tmp_path: Path, columns: tuple[str, ...]) -> None:
    rows = [
        tuple(dict(zip(("id", "key", "strokes", "created at"), (*row, b"2015\t"), strict=True))[c] for c in columns)
        for row in ROWS
    ]
    quoted = [f'"{column}"' if " " in column else column for column in columns]
    assert read(write_dump(tmp_path / "d.sql", dump_text(copy_block(rows, columns=quoted)))) == AS_READ


def test_a_block_without_column_names_has_them_in_the_usual_order(tmp_path: Path) -> None:
    assert read(write_dump(tmp_path / "d.sql", dump_text(copy_block(ROWS, columns=None)))) == AS_READ


@pytest.mark.parametrize("other", ["users", '"my table"', 'public."a ""quoted"" name"', "public.samples_old", "x.y"])
def test_other_tables_are_passed_over_even_when_their_rows_look_like_ours(tmp_path: Path, other: str) -> None:
    # In COPY's format a row can't hold a bare newline, but it may well be one of these whole lines.
    lines = [("COPY samples (id, key, strokes) FROM stdin;",), ("INSERT INTO samples VALUES (1)",), ("1",)]
    before = copy_block(lines, other, ["text"])
    after = copy_block([(9, b"other", b"[]")], other)
    assert read(write_dump(tmp_path / "d.sql", dump_text(before, copy_block(ROWS), after))) == AS_READ


def test_a_row_that_looks_like_a_statement_is_a_row(tmp_path: Path) -> None:
    rows = [(1, b"COPY samples (id, key, strokes) FROM stdin;", b"\\."), (2, b"\\.", None)]
    expected = [Row(b"1", b"COPY samples (id, key, strokes) FROM stdin;", b"\\."), Row(b"2", b"\\.", None)]
    assert read(write_dump(tmp_path / "d.sql", dump_text(copy_block(rows)))) == expected


def test_every_block_of_the_table_is_read(tmp_path: Path) -> None:
    text = dump_text(copy_block(ROWS[:2]), copy_block(ROWS[2:], "archive.samples", ("id", "key", "strokes")))
    assert read(write_dump(tmp_path / "d.sql.gz", text)) == AS_READ


def test_escapes_and_nulls_come_through(tmp_path: Path) -> None:
    rows = [(1, "ü\t\\x\n\r", b"[]"), (2, None, None), (None, b"", b"\\N")]
    expected = [Row(b"1", "ü\t\\x\n\r".encode(), b"[]"), Row(b"2", None, None), Row(None, b"", b"\\N")]
    assert read(write_dump(tmp_path / "d.sql", dump_text(copy_block(rows)))) == expected


@pytest.mark.parametrize("columns", [("id", "key", "strokes"), ("strokes", "id", "key")])
def test_windows_line_ends_change_nothing(tmp_path: Path, columns: tuple[str, ...]) -> None:
    order = [("id", "key", "strokes").index(column) for column in columns]
    text = dump_text(copy_block([tuple(row[i] for i in order) for row in ROWS], columns=columns))
    assert read(write_dump(tmp_path / "d.sql", text.replace(b"\n", b"\r\n"))) == AS_READ


def test_a_gzip_file_of_several_members_is_one_dump(tmp_path: Path) -> None:
    text = dump_text(copy_block(ROWS))
    path = tmp_path / "d.sql.gz"
    path.write_bytes(gzip.compress(text[:300]) + gzip.compress(text[300:]))
    assert read(path) == AS_READ


def test_gzip_is_recognized_by_content_and_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "dump.sql"
    path.write_bytes(gzip.compress(dump_text(copy_block(ROWS))))
    assert read(path) == AS_READ


@pytest.mark.parametrize("name", ["dump.sql", "dump.sql.gz"])
def test_a_dump_cut_off_anywhere_in_its_rows_is_an_error(tmp_path: Path, name: str) -> None:
    text = dump_text(copy_block(ROWS))
    first, last = text.index(b"stdin;\n") + 7, text.index(b"\n\\.\n") + 2
    for end in range(first, last, 5):
        assert re.search("cut off", refusal(write_dump(tmp_path / name, text[:end])))


def test_a_gzip_file_cut_off_anywhere_is_an_error(tmp_path: Path) -> None:
    packed = gzip.compress(dump_text(copy_block(ROWS)))
    path = tmp_path / "dump.sql.gz"
    for end in range(2, len(packed) - 1, 7):
        path.write_bytes(packed[:end])
        assert "cut off" in refusal(path)


def test_damaged_gzip_data_is_an_error_wherever_the_damage_is(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(dump_text(copy_block(ROWS))))
    path = tmp_path / "dump.sql.gz"
    for place in (8 + 20, len(packed) // 2, len(packed) - 7):
        damaged = packed.copy()
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        assert refusal(path)


def png() -> bytes:
    file = io.BytesIO()
    Image.new("L", (9, 9)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (gzip.compress(b"", mtime=0), "no table samples"),
        (png(), "neither text nor"),
        (b"\x00" * 5000, "neither text nor"),
        (b"hello", "no table samples"),
        (dump_text(), "no table samples"),
        (dump_text(copy_block(ROWS, "drawings"), copy_block(ROWS, '"B b"')), "no table samples, but drawings, B b:"),
        (dump_text(copy_block(ROWS, columns=("id", "key", "points"))), "no column strokes"),
        (dump_text(copy_block(ROWS, columns=('"ID"', "key", "strokes"))), "no column id"),
        (dump_text(b'INSERT INTO "samples" (id, key) VALUES (1, 2);\n'), "no column strokes, but id, key"),
        (dump_text(b"INSERT INTO samples VALUES (1, 'key');\n"), "row 1"),
        (dump_text(b"INSERT INTO other VALUES ('INSERT INTO samples ');\n"), "no table samples, but other: choose one"),
        (dump_text(b"COPY samples (id, key, strokes) FROM stdin WITH (FORMAT csv);\n1,k,[]\n"), "cut off"),
        (dump_text(b"COPY samples (id, key, strokes) FROM stdin CSV;\n1,k\n\\.\n"), "row 1"),
        (b"PGDMP\x01\x0e\x00", "pg_restore"),
        (zlib.compress(dump_text(copy_block(ROWS))), "no table samples"),
        (dump_text(copy_block([(1, b"k", b"[]"), (2, b"k")])), "row 2"),
        (dump_text(copy_block([(1, b"k", b"[]", b"more")])), "row 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "file",
)  # fmt: skip
def test_what_is_no_usable_dump_is_refused_in_one_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "dump.sql"
    path.write_bytes(content)
    assert says in refusal(path)


def test_addresses_that_name_no_source_are_refused(tmp_path: Path) -> None:
    for address, says in (
        (str(tmp_path / "missing.sql"), "does not exist"),
        ("/dev/zero", "is a device"),
        ("mysql://user:secret@host/db", "no address of a source"),
    ):
        with pytest.raises(SourceError, match=says) as caught:
            open_source(address)
        assert "secret" not in str(caught.value)


def test_a_file_name_that_is_no_text_can_be_shown(tmp_path: Path) -> None:
    path = Path(f"{tmp_path}/d\udce9.sql")
    write_dump(path, dump_text(copy_block(ROWS)))
    source = open_source(str(path))
    assert source.name.encode()
    assert len(list(source.rows())) == len(ROWS)


def long_dump(path: Path) -> Path:
    """A dump of 40 MB that takes few bytes on the disk."""
    row = copy_block([(1, b"key", b"[[[1,2]]]" + b" " * 40_000)]).split(b"\n")[1] + b"\n"
    with gzip.open(path, "wb", 1) as file:
        file.write(dump_text(copy_block([], end=False)).rpartition(b"ALTER")[0])
        for _ in range(1000):
            file.write(row)
        file.write(b"\\.\n")
    return path


def test_reading_is_lazy_and_stops_when_the_reader_leaves(tmp_path: Path) -> None:
    source = FileSource(long_dump(tmp_path / "long.sql.gz"))
    rows = source.rows()
    next(rows)
    read_so_far, size = source.position()
    assert size is not None
    assert read_so_far < size / 2
    rows.close()
    assert not any(thread.name == "read-ahead" for thread in threading.enumerate())
    assert source.position()[0] < size / 2


def test_a_source_can_be_read_again(tmp_path: Path) -> None:
    source = FileSource(write_dump(tmp_path / "d.sql.gz", dump_text(copy_block(ROWS))))
    assert list(source.rows()) == list(source.rows()) == AS_READ
    assert source.position() == ((tmp_path / "d.sql.gz").stat().st_size,) * 2


def test_an_error_in_the_thread_reaches_the_reader(tmp_path: Path) -> None:
    path = write_dump(tmp_path / "d.sql", dump_text(copy_block(ROWS)))
    source = FileSource(path)
    path.unlink()
    with pytest.raises(SourceError, match="No such file"):
        next(source.rows())
