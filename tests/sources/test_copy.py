"""COPY's text format: escapes are decoded, for any division of the stream into chunks."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.sources import copy
from extexify.sources.base import Row
from extexify.sources.copy import Lines, LineStart, RowReader, unescape
from tests.drawings import escaped

fields = st.none() | st.binary(max_size=30) | st.text("\\Nn.\t\n\r\b\f\v1x é", max_size=12).map(str.encode)


@given(fields)
def test_what_postgresql_escapes_comes_back(field: bytes | None) -> None:
    assert unescape(escaped(field)) == field


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (rb"\N", None),
        (rb"\\N", rb"\N"),
        (b"", b""),
        (rb"a\N", b"aN"),
        (rb"\b\f\n\r\t\v", b"\b\f\n\r\t\v"),
        (rb"\101\60\7", b"A0\x07"),
        (rb"\1012", b"A2"),
        (rb"\777", b"\xff"),
        (rb"\8\9", b"89"),
        (rb"\x41\xe9\x9z", b"A\xe9\x09z"),
        (rb"\xg", b"xg"),
        (rb"\q\.", b"q."),
        (rb"\\\\", b"\\\\"),
        (b"\\\n", b"\n"),
        (b"end\\", b"end\\"),
    ],
)
def test_escapes_are_undone_as_the_format_says(field: bytes, value: bytes | None) -> None:
    assert unescape(field) == value


@given(st.lists(st.tuples(fields, fields, fields)), st.permutations(["id", "key", "strokes"]), st.integers(1, 9))
def test_rows_come_back_in_any_order_of_columns_and_any_chunks(
    rows: list[tuple[bytes | None, ...]], columns: list[str], size: int
) -> None:
    stream = b"".join(b"\t".join(map(escaped, row)) + b"\n" for row in rows)
    reader = RowReader(columns)
    read = [reader.row(line, truncated) for line, truncated in Lines(cut(stream, size))]
    named = [dict(zip(columns, row, strict=True)) for row in rows]
    assert read == [Row(row["id"], row["key"], row["strokes"]) for row in named]


def cut(stream: bytes, size: int) -> Iterator[bytes]:
    return (stream[start : start + size] for start in range(0, len(stream), size))


@given(st.binary(max_size=60).map(lambda text: text.replace(b"\x00", b"\n")), st.integers(1, 70))
def test_chunks_do_not_matter_to_lines(stream: bytes, size: int) -> None:
    expected = stream.split(b"\n")
    if not expected[-1]:
        expected.pop()
    assert [line for line, _ in Lines(cut(stream, size))] == expected


@given(
    st.lists(st.sampled_from((b"COPY a", b"copy", b" COPY ", b"", b"x", b"\\.", b"\\.\r", b"\\.x"))), st.integers(1, 70)
)
def test_lines_are_skipped_up_to_one_that_begins_as_asked(lines: list[bytes], size: int) -> None:
    for start, wanted in (
        (LineStart(rb"COPY "), {b"COPY a"}),
        (LineStart(rb"(?:COPY|x)"), {b"COPY a", b"copy", b"x"}),
        (LineStart(rb"\\\.\r*$"), {b"\\.", b"\\.\r"}),
    ):
        read = Lines(cut(b"".join(line + b"\n" for line in lines), size))
        found = []
        read.skip_to(start)
        for line, _ in read:
            found.append(line)
            read.skip_to(start)
        assert found == [line for line in lines if line in wanted]


@pytest.mark.parametrize("size", [1, 7, 10, 11, 12, 33, 1000])
def test_of_overlong_lines_the_head_comes(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(copy, "MAX_LINE", 10)
    monkeypatch.setattr(copy, "_HEAD", 4)
    stream = b"short\n" + b"0123456789\n" + b"0123456789a\n" + b"x" * 50 + b"\n\nlast"
    whole, overlong = False, True
    assert list(Lines(cut(stream, size))) == [
        (b"short", whole),
        (b"0123456789", whole),
        (b"0123", overlong),
        (b"xxxx", overlong),
        (b"", whole),
        (b"last", whole),
    ]


def test_a_line_that_never_ends_does_not_fill_the_memory() -> None:
    chunk = b"x" * (1 << 20)
    tracemalloc.start()
    try:
        read = list(Lines(chunk for _ in range(100)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(read) == 1
    assert read[0][1]
    assert peak < 3 * copy.MAX_LINE


def test_of_an_overlong_row_only_the_whole_fields_count() -> None:
    reader = RowReader(["id", "key", "strokes"])
    assert reader.row(b"7\ta\\tb\t[[[1,2", truncated=True) == Row(b"7", b"a\tb", None, oversized=True)
    assert reader.row(b"7\tkey cut he", truncated=True) == Row(b"7", None, None, oversized=True)
    assert RowReader(["strokes", "id", "key"]).row(b"[[[1,2", truncated=True) == Row(None, None, None, oversized=True)


def test_other_columns_are_passed_over_and_a_missing_one_is_named() -> None:
    reader = RowReader(["created", "strokes", "id", "note", "key"])
    assert reader.row(b"now\t[]\t7\t\\N\tk") == Row(b"7", b"k", b"[]")
    with pytest.raises(KeyError, match="key"):
        RowReader(["id", "strokes"])


@pytest.mark.parametrize("line", [b"", b"1\tk", b"1\tk\t[]\tmore", rb"\N"])
def test_a_line_of_another_number_of_columns_is_no_row(line: bytes) -> None:
    assert RowReader(["id", "key", "strokes"]).row(line) is None


def test_windows_line_ends_are_no_part_of_the_last_column() -> None:
    assert RowReader(["id", "strokes", "key"]).row(b"1\t[]\tk\r") == Row(b"1", b"k", b"[]")
    assert RowReader(["id", "key", "strokes"]).row(b"1\tk\t\\N\r") == Row(b"1", b"k", None)
    assert RowReader(["id", "strokes", "key"]).row(rb"1	[]	k\r") == Row(b"1", b"k\r", b"[]")
