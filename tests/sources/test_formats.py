"""Files of other programs: the same drawings from every format, or one sentence about the file."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from extexify.drawing.strokes import Drawing
from extexify.sources.base import SourceError, Table
from extexify.sources.inkml import trace_points
from extexify.sources.json_documents import json_rows
from extexify.sources.open import open_source
from extexify.sources.rows import RowChunk, checked_chunks, one_drawing
from extexify.sources.streams import TextFile
from extexify.sources.svg import path_strokes

ALPHA, SUM = "latex2e-OT1-_alpha", "latex2e-OT1-_sum"
Strokes = list[list[list[float]]]

STROKES: dict[str, Strokes] = {
    ALPHA: [[[1, 2], [30, 40.5], [5, 60], [7, 8], [9, 10]], [[3, 4], [50, 6], [7, 8], [0, 0], [2, 2]]],
    SUM: [[[100, 0], [0, 0], [50, 50], [0, 100], [100, 100]]],
}
DRAWINGS = {key: [np.array(stroke, np.float32) for stroke in strokes] for key, strokes in STROKES.items()}


def same_drawing(one: Drawing, other: Drawing) -> bool:
    return len(one) == len(other) and all(map(np.array_equal, one, other))


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def objects(strokes: Strokes, time: str = "t") -> list[list[dict[str, float]]]:
    return [[{"x": x, "y": y, time: 1.4e12 + n} for n, (x, y) in enumerate(stroke)] for stroke in strokes]


def by_axis(strokes: Strokes) -> Strokes:
    return [[[x for x, _ in stroke], [y for _, y in stroke]] for stroke in strokes]


def csv(delimiter: str) -> bytes:
    records = [("id", "key", "strokes")]
    records += [(str(n), key, f'"{json.dumps(strokes)}"') for n, (key, strokes) in enumerate(STROKES.items())]
    return "\r\n".join(map(delimiter.join, records)).encode()


def in_parquet(nested: bool) -> bytes:
    table = pyarrow.table(
        {
            "key": list(STROKES),
            "strokes": [strokes if nested else json.dumps(strokes) for strokes in STROKES.values()],
            "other": [None, None],
        }
    )
    file = io.BytesIO()
    parquet.write_table(table, file)
    return file.getvalue()


def traces(strokes: Strokes, first: int = 0) -> str:
    return "".join(
        f'<trace xml:id="{n}">{", ".join(f"{x} {y} {n}" for x, y in stroke)}</trace>'
        for n, stroke in enumerate(strokes, first)
    )


def group(labelled: tuple[str, Strokes]) -> str:
    return f'<traceGroup><annotation type="label">{labelled[0]}</annotation>{traces(labelled[1])}</traceGroup>'


INK = (
    '<?xml version="1.0"?><ink xmlns="http://www.w3.org/2003/InkML"><traceFormat><channel name="X"/>'
    '<channel name="Y"/><channel name="T"/></traceFormat>'
)
CROHME = (
    f'{INK}<annotation type="truth">$\\alpha \\sum$</annotation>{traces(STROKES[ALPHA])}{traces(STROKES[SUM], 2)}'
    '<traceGroup xml:id="9"><annotation type="truth">Segmentation</annotation>'
    '<traceGroup><annotation type="truth">\\alpha</annotation><traceView traceDataRef="0"/>'
    '<traceView traceDataRef="1"/></traceGroup><traceGroup>'
    '<annotation type="truth">\\sum</annotation><traceView traceDataRef="#2"/></traceGroup>'
    "</traceGroup></ink>"
)

DOCUMENTS: dict[str, bytes] = {
    "pairs": as_json(list(STROKES.items())),
    "pairs with ids": as_json([[n, *pair] for n, pair in enumerate(STROKES.items())]),
    "objects": as_json([{"key": key, "strokes": strokes} for key, strokes in STROKES.items()]),
    "indented": json.dumps([{"strokes": strokes, "label": key} for key, strokes in STROKES.items()], indent=2).encode(),
    "lines": b"\n".join(as_json({"id": n, "key": key, "strokes": STROKES[key]}) for n, key in enumerate(STROKES)),
    "lines of pairs": b"\n".join(as_json(pair) for pair in STROKES.items()) + b"\n\n",
    "JSON text sequence": b"".join(b"\x1e" + as_json(pair) + b"\n" for pair in STROKES.items()),
    "CouchDB": as_json(
        {
            "total_rows": 3,
            "offset": 0,
            "rows": [
                {"id": "_design/x", "key": "x", "doc": {"_id": "_design/x", "views": {}}},
                *(
                    {"id": f"{n:032x}", "key": "z", "doc": {"_id": f"{n:032x}", "id": key, "data": objects(strokes)}}
                    for n, (key, strokes) in enumerate(STROKES.items())
                ),
            ],
        }
    ),
    "CouchDB, without its ids": as_json([{"id": key, "data": objects(strokes)} for key, strokes in STROKES.items()]),
    "write-math": as_json([[key, objects(strokes, "time")] for key, strokes in STROKES.items()]),
    "Quick Draw": b"\n".join(
        as_json({"word": key, "countrycode": "DE", "recognized": True, "key_id": str(n), "drawing": by_axis(strokes)})
        for n, (key, strokes) in enumerate(STROKES.items())
    ),
    "CSV": csv(","),
    "CSV with semicolons": csv(";"),
    "TSV": csv("\t"),
    "Parquet": in_parquet(nested=True),
    "Parquet with JSON": in_parquet(nested=False),
    "InkML, a group each": f"{INK}{''.join(map(group, STROKES.items()))}</ink>".encode(),
    "InkML, CROHME": CROHME.encode(),
    "InkML, UTF-16": CROHME.replace('"1.0"', '"1.0" encoding="UTF-16"').encode("utf-16"),
}  # fmt: skip


def checked(path: Path, table: str = "", columns: str = "") -> list[RowChunk]:
    return list(checked_chunks(open_source(str(path), Table.named(table, columns))))


def drawings_of(path: Path) -> dict[str, Drawing]:
    return {key: drawing for chunk in checked(path) for key, drawing in zip(chunk.keys, chunk.drawings, strict=True)}


def write(folder: Path, content: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_every_format_gives_the_same_drawings(tmp_path: Path, kind: str) -> None:
    found = drawings_of(write(tmp_path, DOCUMENTS[kind]))
    assert list(found) == list(DRAWINGS)
    assert all(same_drawing(found[key], DRAWINGS[key]) for key in DRAWINGS)


def test_ids_of_files_without_any_follow_from_the_content(tmp_path: Path) -> None:
    first, second = checked(write(tmp_path, DOCUMENTS["pairs"])), checked(write(tmp_path, DOCUMENTS["objects"]))
    assert first[0].ids.tolist() == second[0].ids.tolist() != [0, 0]


ONE: dict[str, bytes] = {
    "strokes": as_json(STROKES[SUM]),
    "an object": as_json({"strokes": STROKES[SUM]}),
    "one stroke": as_json(STROKES[SUM][0]),
    "objects": as_json(objects(STROKES[SUM])),
    "Quick Draw": as_json(by_axis(STROKES[SUM])),
    "a document": as_json(["\\sum", STROKES[SUM]]),
    "InkML": f'{INK}<annotation type="label">\\sum</annotation>{traces(STROKES[SUM])}</ink>'.encode(),
    "SVG path": b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M100 0H0l50 50L0,100 100,100"/></svg>',
    "SVG polyline": b'<!-- x --><svg><g transform="translate(10)"><defs><path d="M0 0 9 9"/></defs>'
    b'<polyline points="90,0 -10,0 40,50 -10,100 90,100"/></g></svg>',
}


@pytest.mark.parametrize("kind", ONE)
def test_a_drawing_alone_can_be_read_in_every_form(tmp_path: Path, kind: str) -> None:
    drawing = one_drawing(open_source(str(write(tmp_path, ONE[kind]))))
    assert same_drawing(drawing, DRAWINGS[SUM])


def test_of_several_drawings_none_is_the_one(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="has several drawings"):
        one_drawing(open_source(str(write(tmp_path, DOCUMENTS["pairs"]))))


LABELS = {r"\sum": SUM, "∑": SUM, r"$\alpha$": ALPHA, r"\le": "amssymb-OT1-_leq", "A": "A", r"\foo": r"\foo", "<": "<"}


def test_labels_become_keys_and_unknown_ones_stay(tmp_path: Path) -> None:
    [chunk] = checked(write(tmp_path, as_json([[label, STROKES[SUM]] for label in LABELS])))
    assert chunk.keys == list(LABELS.values())
    assert [row.reason for row in chunk.mended] == ["label"] * 4


def test_columns_of_other_names(tmp_path: Path) -> None:
    path = write(tmp_path, b"n,what,ink\n1," + ALPHA.encode() + b',"[[[0,0],[1,1]]]"\n')
    [chunk] = checked(path, columns="id=n,key=what,strokes=ink")
    assert (chunk.ids.tolist(), chunk.keys) == ([1], [ALPHA])
    with pytest.raises(SourceError, match=r"has no column strokes, but n, what, ink: --columns"):
        checked(path, columns="key=what")


BROKEN: dict[str, tuple[bytes, str]] = {
    "cut JSON": (DOCUMENTS["pairs"][:-20], "JSON value 2 is cut off"),
    "no JSON": (b'[["a", [[[1, 2]]]], this is no JSON at all]', "JSON value 2 is no JSON"),
    "JSON without drawings": (b'{"name": "x"}', "JSON without drawings"),
    "an empty list": (b"[]", "JSON without drawings"),
    "deep JSON": (b"[" * 100_000, "is nested too deeply"),
    "a long number": (b'["a", [[[%b, 1]]]]' % (b"1" * 5000), "has a number of thousands of digits"),
    "cut CSV": (b"id,key,strokes\n1,a\n", "record 2 has 2 fields, its header 3"),
    "cut XML": (CROHME.encode()[:-9], "line 1 is no XML"),
    "entities": (
        b'<!DOCTYPE ink [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><ink><annotation>&b;</annotation></ink>',
        "declares entities",
    ),
    "other XML": (b"<?xml version='1.0'?><plist/>", "its root is plist"),
    "a bad path": (b'<svg><path d="M0 0 L nothing"/></svg>', "no number at"),
    "a bad transform": (b'<svg><path d="M0 0 1 1" transform="scale()"/></svg>', "a transform scale has 0 numbers"),
    "no Parquet": (b"PAR1xxxxxxxxPAR1", "can't be read as a Parquet file"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is neither text nor"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_wrong_with_a_file_is_said_in_a_sentence(tmp_path: Path, kind: str) -> None:
    content, words = BROKEN[kind]
    with pytest.raises(SourceError) as caught:
        checked(write(tmp_path, content))
    assert words in str(caught.value)
    assert "file" in str(caught.value)


def test_a_file_longer_than_any_drawing_is_refused_in_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("extexify.sources.json_documents.MAX_LINE", 1 << 18)
    with pytest.raises(SourceError, match="longer than any drawing"):
        checked(write(tmp_path, b'["a", "' + b"x" * (1 << 21)))
    monkeypatch.setattr("extexify.sources.markup.MAX_LINE", 1 << 18)
    with pytest.raises(SourceError, match="longer than any drawing"):
        checked(write(tmp_path, b"<ink><trace>" + b"1 " * (1 << 20)))


# --- JSON in chunks -------------------------------------------------------------------------------

points = st.lists(st.tuples(st.integers(-9, 9), st.floats(-9, 9)), min_size=1, max_size=4)
documents = st.lists(st.tuples(st.text(min_size=1, max_size=9), st.lists(points, min_size=1, max_size=3)), min_size=1)


@given(documents, st.integers(1, 50), st.sampled_from(["list", "lines"]), st.booleans())
def test_where_chunks_end_does_not_matter(value: list[Any], size: int, form: str, is_ascii: bool) -> None:
    texts = [json.dumps(document, ensure_ascii=is_ascii) for document in value]
    text = (f"[{', '.join(texts)}]" if form == "list" else "\n".join(texts)).encode()
    chunks = (text[start : start + size] for start in range(0, len(text), size))
    rows = json_rows(TextFile("file", chunks))
    assert [[row.key, json.loads(row.strokes or b"")] for row in rows] == json.loads(json.dumps(value))


# --- InkML's traces -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "channels", "found"),
    [
        ("1 2, 3 4", [], [[1, 2], [3, 4]]),
        ("0 1 2,0 3 4,", ["T", "X", "Y"], [[1, 2], [3, 4]]),
        ("1125 18432,'23'43,\"7\"-8,3-5", ["X", "Y"], [[1125, 18432], [1148, 18475], [1178, 18510], [1211, 18540]]),
        ("10 20,'1'2,*?,!5!6", ["X", "Y"], [[10, 20], [11, 22], [12, 24], [5, 6]]),
        ("#A .5 T, -1e1 +2 F", ["X", "Y", "B"], [[10, 0.5], [-10, 2]]),
    ],
)  # fmt: skip
def test_traces(text: str, channels: list[str], found: list[list[float]]) -> None:
    """The third is the example of the InkML specification, section 3.2.1."""
    assert trace_points(text, channels) == found


def test_points_without_numbers_are_no_points() -> None:
    [first, second] = trace_points("1 x, 2", [])
    assert [first[0], second[0]] == [1, 2]
    assert math.isnan(first[1])
    assert math.isnan(second[1])


# --- SVG's paths ----------------------------------------------------------------------------------

STRAIGHT: dict[str, list[list[tuple[float, float]]]] = {
    "M1,2L3 4": [[(1, 2), (3, 4)]],
    "m1 2 3 4-1-1": [[(1, 2), (4, 6), (3, 5)]],
    "M0 0h5v5H0z M9 9 8 8": [[(0, 0), (5, 0), (5, 5), (0, 5), (0, 0)], [(9, 9), (8, 8)]],
    "M.5.5-1e1.25": [[(0.5, 0.5), (-10, 0.25)]],
    "M1 1z l1 1": [[(1, 1), (1, 1), (2, 2)]],
    "": [],
}


@pytest.mark.parametrize("data", STRAIGHT)
def test_straight_paths(data: str) -> None:
    assert [list(map(tuple, stroke.tolist())) for stroke in path_strokes(data)] == STRAIGHT[data]


@pytest.mark.parametrize(
    ("data", "on_curve"),
    [
        ("M0 0C0 10 10 10 10 0", lambda x, y: abs(y - 3 * 10 * (t := _share(x)) * (1 - t)) < 1e-6),
        ("M0 0Q5 10 10 0", lambda x, y: abs(y - 20 * x / 10 * (1 - x / 10)) < 1e-9),
        ("M0 0A5 5 0 0 1 10 0", lambda x, y: abs(math.hypot(x - 5, y) - 5) < 1e-9 and y < 1e-9),
        ("M0 0a5 5 0 1010 0", lambda x, y: abs(math.hypot(x - 5, y) - 5) < 1e-9 and y > -1e-9),
        ("M0 0A1 1 0 0 1 10 0", lambda x, y: abs(math.hypot(x - 5, y) - 5) < 1e-9),
        ("M0 0A10 5 90 0 1 10 0", lambda x, y: abs(math.hypot(x - 5, y / 2) - 5) < 1e-9),
    ],
)
def test_curves_are_lines_between_points_on_them(data: str, on_curve: Callable[[float, float], bool]) -> None:
    [stroke] = path_strokes(data)
    assert tuple(stroke[0]) == (0, 0)
    assert np.allclose(stroke[-1], (10, 0))
    assert all(on_curve(x, y) for x, y in stroke.tolist())
    assert max(math.dist(a, b) for a, b in pairwise(stroke.tolist())) < 2


def _share(x: float) -> float:
    """The share of the way of the cubic 0, 0, 10, 10 at which it is at x, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if 10 * middle**2 * (3 - 2 * middle) < x else (low, middle)
    return low


def test_smooth_curves_continue_the_last_one() -> None:
    [smooth], [explicit] = path_strokes("M0 0C0 5 5 5 5 0S10-5 10 0"), path_strokes("M0 0C0 5 5 5 5 0C5-5 10-5 10 0")
    assert np.allclose(smooth, explicit)
    [smooth], [explicit] = path_strokes("M0 0Q5 5 10 0T20 0"), path_strokes("M0 0Q5 5 10 0Q15-5 20 0")
    assert np.allclose(smooth, explicit)


@given(st.text("MmLlHhVvCcSsQqTtAaZz0123456789.,-+eE ", max_size=60))
def test_any_path_data_gives_strokes_or_is_refused(data: str) -> None:
    with suppress(ValueError):
        assert all(stroke.ndim == 2 and stroke.shape[1] == 2 and len(stroke) for stroke in path_strokes(data))


@pytest.mark.parametrize(
    ("transform", "x", "y"),
    [
        ("translate(1,2)", 4, 6),
        ("scale(2)", 6, 8),
        ("scale(2 3)", 6, 12),
        ("rotate(90)", -4, 3),
        ("rotate(90 1 1)", -2, 3),
        ("matrix(1 2 3 4 5 6)", 20, 28),
        ("translate(1) scale(2)", 7, 8),
        ("skewX(45)", 7, 4),
        ("skewY(45)", 3, 7),
    ],
)
def test_transforms(tmp_path: Path, transform: str, x: float, y: float) -> None:
    path = write(tmp_path, f'<svg><g transform="{transform}"><path d="M0 0"/><path d="M3 4"/></g></svg>'.encode())
    drawing = one_drawing(open_source(str(path)))
    assert np.allclose(drawing[1], [[x, y]], atol=1e-5)
