"""A drawing in memory: what is refused and why, JSON in and out, drawings packed into arrays."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.drawing import strokes
from extexify.drawing.strokes import (
    MAX_POINTS,
    BadDrawing,
    Drawing,
    Drawings,
    drawing_from_lists,
    parse_many,
    parse_strokes,
    read_strokes,
    strokes_json,
)
from tests.drawing.strategies import any_drawing
from tests.drawings import drawing

drawings_ = any_drawing(st.floats(-1e6, 1e6, width=32), strokes=4)


def same(one: Drawing, other: Drawing) -> bool:
    """Whether two drawings have the same bits, including the sign of zero."""
    return len(one) == len(other) and all(
        a.shape == b.shape and a.dtype == b.dtype == np.float32 and a.tobytes() == b.tobytes()
        for a, b in zip(one, other, strict=True)
    )


def refusal(text: bytes | str | None) -> str:
    """The reason for which strokes are refused."""
    with pytest.raises(BadDrawing) as caught:
        parse_strokes(text)
    assert caught.value.reason in strokes.DRAWING_REASONS
    assert str(caught.value)
    return caught.value.reason


INVALID = [
    (None, "no strokes"),
    ("[]", "no strokes"),
    ("", "not JSON"),
    ("   ", "not JSON"),
    ("[[[1,2]]", "not JSON"),
    ("[[[1,2]]]]", "not JSON"),
    ("[[[1,2]]] x", "not JSON"),
    ("[[[1,2],]]", "not JSON"),
    ("[[[01,2]]]", "not JSON"),
    ("[[[1.,2]]]", "not JSON"),
    ("[[[.5,2]]]", "not JSON"),
    ("[[[+1,2]]]", "not JSON"),
    ("[[[1 2]]]", "not JSON"),
    (b"[[[1,\xff]]]", "not JSON"),
    ("[[[1,2]],[[\x00]]]", "not JSON"),
    ("\ud800", "not JSON"),
    ("null", "not JSON"),
    ("{}", "not JSON"),
    ("7", "not JSON"),
    ('"[[[1,2]]]"', "not JSON"),
    ("[7]", "not JSON"),
    ("[null]", "not JSON"),
    ("[[7]]", "not JSON"),
    ('[[{"x": 1}]]', "not JSON"),
    ('[[{"x": 1, "y": 2}, 7]]', "not JSON"),
    ('[[[1, 2], {"x": 1, "y": 2}]]', "not JSON"),
    ("[[[true, 2]]]", "not JSON"),
    ("[[[1, null]]]", "not JSON"),
    ('[[["1", "2"]]]', "not JSON"),
    ("[[[[1], 2]]]", "not JSON"),
    ("[" * 100_000, "not JSON"),
    ("[" * 100_000 + "]" * 100_000, "not JSON"),
    (f"[[[{'9' * 5000}, 2]]]", "not JSON"),  # Python reads no integer of that length
    ("[[]]", "empty stroke"),
    ("[[], []]", "empty stroke"),
    ("[[[]]]", "short point"),
    ("[[[1]]]", "short point"),
    ("[[[1,2],[3]]]", "short point"),
    ("[[[NaN,2]]]", "not finite"),
    ("[[[1,Infinity]]]", "not finite"),
    ("[[[1,-Infinity]]]", "not finite"),
    ("[[[1e6,-1000001]]]", "out of range"),
    ("[[[1000000.5,1]]]", "out of range"),
    ("[[[1e300,1]]]", "out of range"),
    (f"[[[1,{10**400}]]]", "out of range"),
    (f"[[[1,-{10**400}]]]", "out of range"),
]  # fmt: skip


def test_invalid_strokes_are_refused_with_a_reason() -> None:
    for text, reason in INVALID:
        assert refusal(text) == reason, text and text[:40]


def test_the_message_says_where() -> None:
    with pytest.raises(BadDrawing, match="point 2 of stroke 3"):
        parse_strokes("[[[1,2]],[[3,4]],[[5,6],[7]]]")


def test_the_number_of_points_is_limited() -> None:
    line = ",".join(["[7,0]"] * MAX_POINTS)
    assert len(parse_strokes(f"[[{line}]]")[0]) == MAX_POINTS
    for text in (f"[[{line},[1,1]]]", f"[[{line}],[[1,1]]]", f"[[{line},[1e0,1]]]"):
        assert refusal(text) == "too many points"


def test_text_of_any_length_is_refused_before_it_is_parsed() -> None:
    assert refusal(b"[" * (strokes.MAX_STROKES_JSON + 1)) == "too many points"


def test_further_numbers_of_a_point_are_ignored() -> None:
    for third in ("0", "1400002580000", "-1.5", "1e400", "NaN", "null", '"late"', "true", "[1]", "{}", str(10**400)):
        assert same(parse_strokes(f"[[[1,2,{third}],[3,4.5,{third}]]]"), drawing([[1, 2], [3, 4.5]]))


def test_points_of_mixed_lengths_are_read() -> None:
    assert same(parse_strokes("[[[1,2,3],[4,5]],[[6,7,8,9]]]"), drawing([[1, 2], [4, 5]], [[6, 7]]))


def test_strokes_without_points_are_left_out_and_counted() -> None:
    parsed = read_strokes("[[],[[1,2]],[],[[3,4]]]")
    assert parsed.empty == 2
    assert same(parsed.drawing, drawing([[1, 2]], [[3, 4]]))
    many = parse_many(["[[[1,2]]]", "[[[1,2]],[]]", "[[]]", "[[],[[3,4]]]"])
    assert many.empty == [1, 3]
    assert len(many.drawings) == 3
    with pytest.raises(BadDrawing, match="point 2 of stroke 3"):
        parse_strokes("[[],[[3,4]],[[5,6],[7]]]")


@pytest.mark.parametrize("time", ["t", "time"])
def test_points_may_be_objects(time: str) -> None:
    text = json.dumps([[{"x": 1, "y": 2.5, time: 9}, {time: 11, "y": 4, "x": 3}], [{"x": 5, "y": 6}]])
    assert same(parse_strokes(text), drawing([[1, 2.5], [3, 4]], [[5, 6]]))


def test_a_single_stroke_is_a_drawing() -> None:
    assert same(parse_strokes("[[1,2],[3,4],[5,6,7]]"), drawing([[1, 2], [3, 4], [5, 6]]))
    assert same(parse_strokes('[{"x":1,"y":2}]'), drawing([[1, 2]]))


def by_axis(original: Drawing, *, raw: bool) -> str:
    """A drawing as Quick Draw stores it, in raw data with times."""
    return json.dumps([[*stroke.T.tolist(), *([[*range(len(stroke))]] if raw else [])] for stroke in original])


@given(drawings_, st.booleans())
def test_quick_draws_form_is_recognized_by_lists_that_no_point_has(original: Drawing, raw: bool) -> None:
    text = by_axis(original, raw=raw)
    if max(map(len, original)) > 4:
        assert same(parse_strokes(text), original)
        assert read_strokes(text).by_axis
        assert parse_many([text]).by_axis == 1
        assert same(parse_many([text]).drawings[0], original)
    assert same(read_strokes(text, by_axis=True).drawing, original)
    assert same(parse_many([text], by_axis=True).drawings[0], original)


@given(drawings_, st.integers(2, 4))
def test_points_are_not_taken_for_quick_draws_form(original: Drawing, numbers: int) -> None:
    points = [[[*point, 7, 8][:numbers] for point in stroke.tolist()] for stroke in original]
    assert same(parse_strokes(json.dumps(points)), original)


def test_white_space_is_allowed_everywhere() -> None:
    text = " [ [ [ 1 , 2 ] ,\n[ 3\t, 4 ] ]\r\n, [ [ 5 , 6 ] ] ] \n"
    assert same(parse_strokes(text), drawing([[1, 2], [3, 4]], [[5, 6]]))


@given(drawings_)
def test_json_gives_back_the_same_points(original: Drawing) -> None:
    assert same(parse_strokes(strokes_json(original)), original)


numbers = st.one_of(
    st.integers(-(10**6), 10**6).map(str),
    st.floats(-1e6, 1e6).map(repr),
    st.decimals(-(10**6), 10**6, places=12).map(lambda value: format(value, "f")),
    st.sampled_from(
        ["-0", "-0.0", "0.0", "0.1", "1e3", "1E-7", "-2.5e+2", "999999.99999999999", "0.000000000000000001"]
    ),
)


@given(
    st.lists(st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=4), min_size=1, max_size=3),
    st.sampled_from(["", " ", "\n"]),
)
def test_the_compiled_scanner_reads_the_same_bits_as_the_parser_and_as_python(lists: list[Any], space: str) -> None:
    text = json.dumps(lists).replace('"', "").replace(",", "," + space)
    parsed = parse_many([text.encode()])
    assert not parsed.errors
    drawings = parsed.drawings
    assert same(drawings[0], parse_strokes(text))
    expected = [np.array([[float(x), float(y)] for x, y, _ in stroke]).astype(np.float32) for stroke in lists]
    assert all(np.array_equal(a, b) for a, b in zip(drawings[0], expected, strict=True))


@given(st.text("[],.-+0123456789eE \n", max_size=40) | st.binary(max_size=40))
def test_any_text_is_read_as_json_says_or_refused(text: str | bytes) -> None:
    try:
        expected = drawing_from_lists(json.loads(text))
    except (ValueError, RecursionError):
        assert parse_many([text]).errors[0].reason == refusal(text)
    else:
        assert same(parse_strokes(text), expected)
        assert same(parse_many([text]).drawings[0], expected)


def test_many_texts_are_parsed_in_order_whatever_their_form() -> None:
    texts = ["[[[1,2]]]", None, "[[[1e1,2]]]", "[[[3,4],[5,6]],[[7,8]]]", "[[]]", b"[[[9,9,1]]]"]
    parsed = parse_many(texts)
    drawings, errors = parsed.drawings, parsed.errors
    assert [error.reason for error in errors.values()] == ["no strokes", "empty stroke"]
    assert list(errors) == [1, 4]
    for index, one in zip((0, 2, 3, 5), drawings, strict=True):
        assert same(one, parse_strokes(texts[index]))
    assert len(parse_many([]).drawings) == 0
    long = json.dumps([[[1, 2]] * (MAX_POINTS + 1)])
    assert parse_many([long, "[[[1,2]]]"]).errors[0].reason == "too many points"


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=2)
)


@given(json_values)
def test_any_json_value_is_a_drawing_or_refused(value: Any) -> None:
    with suppress(BadDrawing):
        assert all(len(stroke) and np.isfinite(stroke).all() for stroke in drawing_from_lists(value))


def test_not_finite_coordinates_are_never_written_as_numbers() -> None:
    assert refusal(strokes_json(drawing([[math.nan, 1]]))) == "not JSON"


# --- many drawings, packed ----------------------------------------------------------------------


@given(st.lists(drawings_, max_size=6))
def test_packed_drawings_are_the_list_they_were_made_of(originals: list[Drawing]) -> None:
    packed = Drawings.pack(originals)
    kinds = [str(array.dtype) for array in (packed.points, packed.stroke_ends, packed.sample_ends)]
    assert kinds == ["float32", "int64", "int64"]
    assert packed.points.shape[1] == 2
    assert len(packed) == len(originals)
    assert all(same(one, other) for one, other in zip(packed, originals, strict=True))


@given(st.lists(drawings_, min_size=1, max_size=6), st.data())
def test_take_is_indexing_a_list(originals: list[Drawing], data: st.DataObject) -> None:
    indices = data.draw(st.lists(st.integers(0, len(originals) - 1), max_size=8))
    taken = Drawings.pack(originals).take(np.array(indices, np.int64))
    assert len(taken) == len(indices)
    assert all(same(one, originals[index]) for one, index in zip(taken, indices, strict=True))


def test_an_index_out_of_range_is_an_error() -> None:
    packed = Drawings.pack([drawing([[1, 2]]), drawing([[3, 4]])])
    for index in (-1, 2, 100):
        with pytest.raises(IndexError):
            packed[index]
        with pytest.raises(IndexError):
            packed.take(np.array([0, index]))


def test_no_drawings_can_be_packed_and_taken() -> None:
    empty = Drawings.pack([])
    assert (len(empty), empty.points.shape) == (0, (0, 2))
    assert len(empty.take(np.empty(0, np.int64))) == 0
