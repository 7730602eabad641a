"""Rows checked in chunks give the same samples and errors as each row by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from extexify.drawing.strokes import BadDrawing, Drawings, content_digest, content_digests, strokes_json
from extexify.sources.base import Row
from extexify.sources.copy import Lines, RowReader
from extexify.sources.rows import check_row, check_rows, checked_chunks, shown_id
from tests.drawings import ListSource, drawing, escaped, zigzag

PLAIN = b"[[[1,2,3],[4,5,6]]]"

ids = st.one_of(st.integers(-(2**70), 2**70), st.sampled_from([None, b"", b"-", b"-7", b"007", b"1.5", b" 1", b"x"]))
keys = st.sampled_from([b"k", b"latex2e-OT1-_alpha", None, b"", b"  ", b"a\tb", b"\\N", b"\xff", "π", "k" * 300])
texts = [
    *(
        PLAIN,
        PLAIN + b" ",
        b" [ [ [ 1 , 2 ] ] ] ",
        b"[[[1,2],\n[3,4]]]",
        b"[[[1,2],\t[3,4]]]",
        b"[[[1e3,2]]]",
        None,
        b"",
    ),
    *(b"[]", b"[[]]", b"[[[1]]]", b"[[[1,2]]", b"[[[NaN,2]]]", b"[[[1e9,2]]]", b"null", b"[[[1,2]]]]"),
]
strokes = st.one_of(
    st.lists(st.lists(st.tuples(st.integers(-9, 9), st.floats(-1, 1)), min_size=1), min_size=1).map(
        lambda lists: str([[list(point) for point in stroke] for stroke in lists]).encode()
    ),
    st.sampled_from(texts),
    st.binary(max_size=12),
)
rows = st.lists(st.tuples(ids, keys, strokes), max_size=12)


@dataclass
class Checked:
    """The samples of rows, with their places, and the invalid rows."""

    samples: list[tuple[int, int, str, bytes]]
    invalid: list[tuple[int, object, str, str]]


def one_by_one(given_rows: Sequence[Row]) -> Checked:
    checked = Checked([], [])
    for place, row in enumerate(given_rows):
        try:
            sample = check_row(row)
        except BadDrawing as error:
            checked.invalid.append((place, shown_id(row), error.reason, str(error)))
        else:
            checked.samples.append((place, sample.id, sample.key, strokes_json(sample.drawing)))
    return checked


def together(given_rows: list[Row]) -> Checked:
    chunk = check_rows(given_rows)
    assert chunk.rows == len(given_rows)
    samples = [
        (int(place), int(identifier), key, strokes_json(one))
        for place, identifier, key, one in zip(chunk.places, chunk.ids, chunk.keys, chunk.drawings, strict=True)
    ]
    return Checked(samples, [(row.place, row.id, row.reason, row.detail) for row in chunk.invalid])


@given(rows, st.sampled_from([*permutations(["id", "key", "strokes", "note"])]), st.integers(1, 80), st.booleans())
def test_chunks_of_rows_are_checked_as_single_rows_are(
    raw: list[tuple[object, ...]], columns: tuple[str, ...], size: int, windows: bool
) -> None:
    named = [dict(zip(("id", "key", "strokes", "note"), (*row, b"\\."), strict=True)) for row in raw]
    end = b"\r\n" if windows else b"\n"
    stream = b"".join(b"\t".join(escaped(row[column]) for column in columns) + end for row in named)
    reader = RowReader(list(columns))
    lines = Lines(stream[start : start + size] for start in range(0, len(stream), size))
    read = [row for line, truncated in lines if (row := reader.row(line, truncated)) is not None]
    assert len(read) == len(raw)
    assert together(read) == one_by_one(read)


UUID = b"0004BDE9-0000-4000-8000-00000000000f"


def test_a_uuid_is_an_id_whose_number_never_changes() -> None:
    forms = (UUID, UUID.lower(), UUID.replace(b"-", b""))
    assert {check_row(Row(form, b"k", PLAIN)).id for form in forms} == {6445371857818676100}
    assert check_row(Row(b"%032d" % 7, b"k", PLAIN)).id < 2**63
    assert shown_id(Row(UUID[:-1], None, None)) == UUID[:-1].decode()


def test_blanks_around_a_key_are_no_part_of_it() -> None:
    assert {check_row(Row(1, key, PLAIN)).key for key in (b"k", b"k ", b"  k", " k   ")} == {"k"}


def test_strokes_without_points_are_told() -> None:
    chunk = check_rows(
        [Row(4, b"k", b"[[[1,2]],[]]"), Row(5, b"k", PLAIN), Row(6, b"k", b"[[]]"), Row(7, b"k", b"[[],[[1,2]]]")]
    )
    assert [(row.id, row.reason) for row in chunk.mended] == [(4, "empty stroke"), (7, "empty stroke")]
    assert chunk.ids.tolist() == [4, 5, 7]


def test_short_strokes_are_read_as_most_drawings_of_the_source_are() -> None:
    short = (b"k", b"[[[1,2],[3,4]]]")
    by_axis = (b"k", b"[[[1,2,3,4,5],[6,7,8,9,10]]]")
    for row, expected in ((by_axis, [[1, 3], [2, 4]]), ((b"k", PLAIN), [[1, 2], [3, 4]])):
        source = ListSource([(number, *(short if number % 3 == 0 else row)) for number in range(600)])
        for chunk in checked_chunks(source):
            place = next(place for place, number in enumerate(chunk.ids) if number % 3 == 0)
            assert chunk.drawings[place][0].tolist() == expected


def test_chunks_have_a_bounded_size_and_hold_all_rows_in_order() -> None:
    chunks = list(checked_chunks(ListSource([(number, b"key", PLAIN) for number in range(1000)])))
    assert max(chunk.rows for chunk in chunks) <= 256
    assert [identifier for chunk in chunks for identifier in chunk.ids] == list(range(1000))
    long = strokes_json(drawing([[1, 2]] * 90_000))
    assert [chunk.rows for chunk in checked_chunks(ListSource([(number, b"key", long) for number in range(4)]))] == [
        2,
        2,
    ]


def test_digests_of_many_drawings_are_those_of_each() -> None:
    drawings = [zigzag(number) for number in range(30)] + [drawing([[-0.0, 1]]), drawing([[0.0, 1]])]
    one_by_one = [
        content_digest(np.array([len(one), *map(len, one)]), np.concatenate(one)) for one in drawings
    ]  # fmt: skip
    assert content_digests(Drawings.pack(drawings)).tolist() == one_by_one
    assert one_by_one[-1] == one_by_one[-2]
