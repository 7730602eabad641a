"""Rows read many at a time come out as they do one by one, whatever stands in them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.dataset.export import export_dataset
from extexify.drawing.strokes import BadDrawing, Drawings, content_digest, content_digests, strokes_json
from extexify.sources.base import PlainRows, QuickSource, Row, Source
from extexify.sources.copy_format import Lines, RowReader
from extexify.sources.dump import DumpSource
from extexify.sources.rows import batches, check_row, checked, shown_id
from tests.drawings import ListSource, copy_block, drawing, dump_text, escaped, sample_rows, write_dump, zigzag

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
class Told:
    """What became of rows: the samples with their places, and those refused."""

    samples: list[tuple[int, int, str, bytes]]
    refused: list[tuple[int, object, str, str]]


def one_by_one(given_rows: Sequence[Row]) -> Told:
    """The rows, each checked by itself."""
    told = Told([], [])
    for place, row in enumerate(given_rows):
        try:
            sample = check_row(row)
        except BadDrawing as error:
            told.refused.append((place, shown_id(row), error.reason, str(error)))
        else:
            told.samples.append((place, sample.id, sample.key, strokes_json(sample.drawing)))
    return told


def packed(read: Generator[Row | PlainRows]) -> Told:
    """The rows as batches have them."""
    told, before = Told([], []), 0
    for batch in checked(read):
        told.samples += [
            (before + int(place), int(identifier), key, strokes_json(one))
            for place, identifier, key, one in zip(batch.places, batch.ids, batch.keys, batch.drawings, strict=True)
        ]
        told.refused += [(before + row.place, row.id, row.reason, row.detail) for row in batch.refused]
        before += batch.rows
    return told


@given(rows, st.sampled_from([*permutations(["id", "key", "strokes", "note"])]), st.integers(1, 80), st.booleans())
def test_blocks_of_rows_are_read_as_single_rows_are(
    raw: list[tuple[object, ...]], columns: tuple[str, ...], size: int, windows: bool
) -> None:
    named = [dict(zip(("id", "key", "strokes", "note"), (*row, b"\\."), strict=True)) for row in raw]
    end = b"\r\n" if windows else b"\n"
    stream = b"".join(b"\t".join(escaped(row[column]) for column in columns) + end for row in named)
    reader = RowReader(list(columns))

    def read(quick: bool) -> Generator[Row | PlainRows]:
        lines = Lines(stream[start : start + size] for start in range(0, len(stream), size))
        while True:
            if quick:
                yield from lines.plain_rows(reader)
            line, overlong = next(lines, (None, False))
            if line is None:
                return
            row = reader.row(line, overlong)
            assert row is not None
            yield row

    slow = one_by_one([row for row in read(quick=False) if isinstance(row, Row)])
    assert len(slow.samples) + len(slow.refused) == len(raw)
    assert packed(read(quick=True)) == packed(read(quick=False)) == slow


def test_plain_rows_are_read_at_once_and_the_others_by_themselves(tmp_path: Path) -> None:
    raw: list[tuple[object, ...]] = [(number, b"key", PLAIN) for number in range(40)]
    raw[7] = (7, b"key", None)
    raw[20] = (20, b"tab\t", PLAIN)
    source = DumpSource(write_dump(tmp_path / "dump.sql", dump_text(copy_block(raw))))
    assert isinstance(source, QuickSource)
    assert [len(row.ids) if isinstance(row, PlainRows) else 1 for row in source.quick_rows()] == [7, 1, 12, 1, 19]
    assert sum(batch.rows for batch in batches(source)) == 40


class Slow:
    """A source that gives its rows one by one only."""

    def __init__(self, source: Source) -> None:
        self.name, self.unit, self.rows, self.position = source.name, source.unit, source.rows, source.position


def test_either_way_gives_the_same_dataset(tmp_path: Path) -> None:
    raw: list[tuple[object, ...]] = [*sample_rows(classes=4, each=30)]
    raw[3:3] = [(900, b"", PLAIN), (901, b"k", b"[[]]"), (902, b"test-OT1-_class1", b"[[[0.0,-0.0]]]"), raw[9], raw[10]]
    raw += [(number, b"test-OT1-_class2", b"[[[5,5]]]") for number in range(1000, 1006)]
    source = DumpSource(write_dump(tmp_path / "dump.sql.gz", dump_text(copy_block(raw))))
    for name, one in (("quick", source), ("slow", Slow(source))):
        export_dataset([one], tmp_path / name)
    for file in (tmp_path / "quick").iterdir():
        assert file.read_bytes() == (tmp_path / "slow" / file.name).read_bytes(), file.name


def test_single_rows_are_packed_a_bounded_number_at_a_time() -> None:
    source = ListSource([(number, b"key", PLAIN) for number in range(1000)])
    assert max(batch.rows for batch in batches(source)) <= 256
    long = strokes_json(drawing([[1, 2]] * 90_000))
    assert [batch.rows for batch in batches(ListSource([(number, b"key", long) for number in range(7)]))] == [3, 3, 1]


@pytest.mark.parametrize("count", [1, 2, 30])
def test_digests_of_many_drawings_are_those_of_each(count: int) -> None:
    drawings = [zigzag(number) for number in range(count)] + [drawing([[-0.0, 1]]), drawing([[0.0, 1]])]
    one_by_one = [
        content_digest(np.array([len(one), *map(len, one)]), np.concatenate(one)) for one in drawings
    ]  # fmt: skip
    assert content_digests(Drawings.pack(drawings)).tolist() == one_by_one
    assert one_by_one[-1] == one_by_one[-2]
