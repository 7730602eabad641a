"""SQL dumps of other kinds than pg_dump's default: INSERT statements, COPY with options, other tables and columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.sources.base import Row, SourceError, Table
from extexify.sources.dump import dump_rows
from extexify.sources.open import open_source
from extexify.sources.streams import TextFile
from tests.drawings import RawRow, copy_block, dump_text, sample_rows, write_dump

ROWS = sample_rows(classes=2, each=3)
AS_READ = [Row(b"%d" % identifier, key, strokes) for identifier, key, strokes in ROWS]


def read(text: bytes, table: Table | None = None) -> list[Row]:
    return list(dump_rows(TextFile("d.sql", iter([text])), table or Table()))


# --- INSERT -------------------------------------------------------------------------------------


def inserts(rows: Sequence[RawRow], head: str = "INSERT INTO public.samples VALUES", each: int = 1) -> bytes:
    """INSERT statements of rows, `each` in a statement, as pg_dump writes them."""
    statements = []
    for start in range(0, len(rows), each):
        lists = [f"({', '.join(map(literal, row))})" for row in rows[start : start + each]]
        statements.append(head + ("\n\t" if each > 1 else " ") + ",\n\t".join(lists) + ";\n")
    return "".join(statements).encode("utf-8", "surrogateescape")


def literal(value: object) -> str:
    if value is None or isinstance(value, int):
        return "NULL" if value is None else str(value)
    assert isinstance(value, bytes)
    return "'" + value.decode("utf-8", "surrogateescape").replace("'", "''") + "'"


@pytest.mark.parametrize("each", [1, 2, 100])
@pytest.mark.parametrize(
    "head",
    [
        "INSERT INTO public.samples VALUES",
        'INSERT INTO "samples" (id, key, strokes) VALUES',
        "INSERT INTO samples(id,key,strokes) OVERRIDING SYSTEM VALUE VALUES",
    ],
)
def test_insert_statements_are_read(head: str, each: int) -> None:
    other = inserts(
        [(1, b"a; INSERT INTO samples VALUES (1);\nINSERT INTO samples VALUES (2)")], "INSERT INTO x VALUES"
    )
    text = dump_text(other, inserts(ROWS, head, each), other)
    assert read(text) == read(text.replace(b"\n", b"\r\n")) == AS_READ


@pytest.mark.parametrize(
    ("statement", "row"),
    [
        ("INSERT INTO samples VALUES (1, 'it''s '' (x), ;\n;\n', NULL);", Row(b"1", b"it's ' (x), ;\n;\n", None)),
        ("INSERT INTO samples VALUES('-7'::bigint, null, '[]'::json);", Row(b"-7", None, b"[]")),
        (r"INSERT INTO samples VALUES (1, E'a\'b\\c\x41\n', '');", Row(b"1", b"a'b\\cA\n", b"")),
        ("INSERT INTO samples VALUES (1, 'k', '') ON CONFLICT (id) DO NOTHING;", Row(b"1", b"k", b"")),
        ("INSERT INTO samples (strokes, note, key, id) VALUES ('[]', f(1, 'x'), 'k', 3);", Row(b"3", b"k", b"[]")),
        (
            "SET standard_conforming_strings = off;\nINSERT INTO samples VALUES (1, 'a\\'b', '');",
            Row(b"1", b"a'b", b""),
        ),
        ("INSERT INTO samples VALUES (1, 'a\\', '');", Row(b"1", b"a\\", b"")),
    ],
)  # fmt: skip
def test_literals_are_read_as_postgresql_reads_them(statement: str, row: Row) -> None:
    assert read(f"{statement}\n".encode()) == [row]


keys = st.none() | st.binary(max_size=9) | st.text("'\\\n;,()a", max_size=9).map(str.encode)


@given(st.lists(st.tuples(st.none() | st.integers(), keys, st.just(b"[]")), min_size=1))
def test_any_values_come_back_from_insert_statements(rows: list[tuple[int | None, bytes | None, bytes]]) -> None:
    expected = [Row(None if number is None else b"%d" % number, key, strokes) for number, key, strokes in rows]
    for each in (1, 3):
        assert read(inserts(rows, each=each)) == expected


def test_an_insert_statement_cut_off_anywhere_is_an_error() -> None:
    text = inserts(ROWS, each=100)
    for end in range(text.index(b"VALUES") + 6, len(text) - 2, 5):
        with pytest.raises(SourceError, match="cut off"):
            read(text[:end])


# --- COPY with options --------------------------------------------------------------------------


def copy_csv(rows: Sequence[RawRow], options: str = "WITH (FORMAT csv)", **dialect: Any) -> bytes:
    """A COPY block in CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", **dialect)
    writer.writerows([value.decode() if isinstance(value, bytes) else value for value in row] for row in rows)
    return f"COPY samples (id, key, strokes) FROM stdin {options};\n{text.getvalue()}\\.\n\n".encode()


HEADED = [("id", "key", "strokes"), *ROWS]

BLOCKS = {
    "csv": copy_csv(ROWS),
    "quoted": copy_csv(ROWS, quoting=csv.QUOTE_ALL),
    "header": copy_csv(HEADED, "WITH (FORMAT csv, HEADER)"),
    "old syntax": copy_csv(HEADED, "CSV HEADER"),
    "characters": copy_csv(
        ROWS, "WITH (FORMAT csv, HEADER false, DELIMITER ';', QUOTE '''')", delimiter=";", quotechar="'"
    ),
    "escapes": copy_csv(
        ROWS, r"WITH CSV DELIMITER AS E'\t' ESCAPE AS '\'", delimiter="\t", doublequote=False, escapechar="\\"
    ),
    "text": copy_block(ROWS).replace(b"FROM stdin;", b"FROM stdin WITH (DELIMITER '|');").replace(b"\t", b"|"),
    "headed text": copy_block(ROWS).replace(b"FROM stdin;\n", b"FROM stdin WITH (HEADER);\nid\tkey\tstrokes\n"),
}


@pytest.mark.parametrize("block", BLOCKS)
def test_options_of_copy_are_followed(block: str) -> None:
    text = dump_text(BLOCKS[block], copy_block([(1,)], "other", ["a"]))
    assert read(text) == AS_READ
    if "text" not in block:
        assert read(text.replace(b"\n", b"\r\n")) == AS_READ


def test_nulls_and_line_breaks_of_csv() -> None:
    block = b'COPY samples FROM stdin (FORMAT csv, NULL \'NULL\');\n1,"a\n""b""",[]\nNULL,,NULL\n\\.\n'
    assert read(block) == [Row(b"1", b'a\n"b"', b"[]"), Row(None, b"", None)]


@pytest.mark.parametrize("options", ["DELIMITER ''", "CSV QUOTE ''", "CSV ESCAPE 'ab'", "(FORMAT csv, DELIMITER 'ü')"])
def test_options_that_are_no_characters_are_an_error(options: str) -> None:
    with pytest.raises(SourceError, match="no single character"):
        read(f"COPY samples FROM stdin {options};\n\\.\n".encode())


def test_a_quotation_mark_without_its_other_is_an_error() -> None:
    with pytest.raises(SourceError, match="cut off"):
        read(b'COPY samples FROM stdin CSV;\n1,"a,[]\n')


def test_a_value_longer_than_any_drawing_is_skipped() -> None:
    rows = [(1, b"k", b"[]"), (2, b"k", b"x" * 17_000_000), (3, b"k", b"[]")]
    for text in (inserts(rows), inserts(rows, each=2), copy_csv(rows, quoting=csv.QUOTE_ALL)):
        found = read(text)
        assert [row.oversized for row in found] == [False, True, False]
        assert [found[0].id, found[2].id] == [b"1", b"3"]


# --- tables and columns -------------------------------------------------------------------------


def test_columns_without_names_are_in_the_order_of_the_table() -> None:
    table = b"""CREATE TABLE public.samples (
    key text DEFAULT 'x'::text,
    "b, c" integer,
    id bigint NOT NULL,
    strokes json,
    CONSTRAINT positive CHECK ((id > 0))
);
"""
    rows = [(key, 0, identifier, strokes) for identifier, key, strokes in ROWS]
    for block in (copy_block(rows, "public.samples", None), inserts(rows)):
        assert read(table + block) == AS_READ


@pytest.mark.parametrize("name", ["sample", "public.sample"])
def test_another_table_with_other_columns_can_be_chosen(tmp_path: Path, name: str) -> None:
    table = Table.named(name, "id=number, strokes=drawn")
    text = dump_text(copy_block(ROWS), copy_block(ROWS[1:], "public.sample", ("number", "key", "drawn")))
    path = write_dump(tmp_path / "d.sql", text)
    assert list(open_source(str(path), table).rows()) == AS_READ[1:]
    with pytest.raises(SourceError, match="no column number, but id, key, strokes: --columns"):
        read(text, Table.named("samples", "id=number"))


@pytest.mark.parametrize("columns", ["id", "id=", "=x", "name=x"])
def test_columns_are_given_in_one_form(columns: str) -> None:
    with pytest.raises(SourceError, match="columns are given as"):
        Table.named("", columns)
