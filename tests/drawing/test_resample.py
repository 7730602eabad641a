"""The resampler: finite points along the strokes, independent of the drawing's position, size and density."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extexify.core.schema import SchemaError
from extexify.drawing.resample import CHANNELS, SequenceSettings, resample
from extexify.drawing.strokes import Drawing, Drawings
from tests.drawing.strategies import any_drawing

X, Y, DIRECTION, BEGIN, END = 0, 1, slice(2, 4), 4, 5

drawings = any_drawing(st.floats(-1e6, 1e6, width=32), strokes=20)
# Small enough for float32 to distinguish neighbouring points wherever the drawing is moved.
small = any_drawing(st.integers(0, 200), strokes=6)
sizes = st.sampled_from([8, 33, 128])


def sequence(drawing: Drawing, points: int = 32) -> np.ndarray:
    """The sequence of one drawing: (CHANNELS, points)."""
    return resample(Drawings.pack([drawing]), SequenceSettings(points))[0]


@given(drawings, sizes)
def test_any_drawing_gives_finite_points_in_its_square(drawing: Drawing, points: int) -> None:
    made = sequence(drawing, points)
    assert made.shape == (CHANNELS, points)
    assert made.dtype == np.float32
    assert np.isfinite(made).all()
    assert np.abs(made).max() <= 1.01
    lengths = np.hypot(*made[DIRECTION])
    assert ((lengths < 1e-6) | (np.abs(lengths - 1) < 1e-3)).all()


@given(drawings, sizes)
def test_every_stroke_begins_and_ends_once(drawing: Drawing, points: int) -> None:
    made = sequence(drawing, points)
    strokes = min(len(drawing), points)
    assert made[BEGIN].sum() == made[END].sum() == strokes
    assert made[BEGIN, 0] == made[END, -1] == 1
    # A stroke begins right behind the end of the one before.
    np.testing.assert_array_equal(made[BEGIN, 1:], made[END, :-1])


@given(small, st.integers(-1000, 1000), st.integers(-1000, 1000), st.sampled_from([0.25, 0.5, 4.0, 64.0]))
def test_place_and_size_do_not_matter(drawing: Drawing, x: int, y: int, scale: float) -> None:
    moved = [(stroke + np.array([x, y], np.float32)) * np.float32(scale) for stroke in drawing]
    np.testing.assert_allclose(sequence(moved)[[X, Y, BEGIN, END]], sequence(drawing)[[X, Y, BEGIN, END]], atol=2e-3)


@given(small)
def test_a_point_more_on_the_way_does_not_matter(drawing: Drawing) -> None:
    dense = [
        np.concatenate([stroke, (stroke[:-1] + stroke[1:]) / 2])[
            np.argsort(np.r_[: len(stroke), 0.5 : len(stroke) - 1])
        ]
        for stroke in drawing
    ]
    np.testing.assert_allclose(sequence(dense)[[X, Y]], sequence(drawing)[[X, Y]], atol=2e-3)


@given(small)
def test_a_stroke_drawn_backwards_has_the_same_points_backwards(drawing: Drawing) -> None:
    forward = sequence(drawing)
    backward = sequence([stroke[::-1] for stroke in drawing])
    np.testing.assert_array_equal(backward[BEGIN], forward[BEGIN])
    starts = [*np.flatnonzero(forward[BEGIN]), forward.shape[1]]
    for start, stop in pairwise(starts):
        np.testing.assert_allclose(backward[:2, start:stop], forward[:2, start:stop][:, ::-1], atol=2e-3)


@given(st.lists(small, min_size=1, max_size=5))
def test_a_batch_is_its_drawings(several: list[Drawing]) -> None:
    together = resample(Drawings.pack(several), SequenceSettings(32))
    for made, drawing in zip(together, several, strict=True):
        np.testing.assert_array_equal(made, sequence(drawing))


def test_points_lie_equally_far_apart() -> None:
    corner = [np.array([[0, 0], [1, 0], [30, 0], [30, 70]], np.float32)]
    made = sequence(corner, points=101)
    steps = np.abs(np.diff(made[:2], axis=1)).sum(0)
    np.testing.assert_allclose(steps, 2 / 70, rtol=1e-3)
    np.testing.assert_allclose(made[DIRECTION, 10], [1, 0], atol=1e-6)
    np.testing.assert_allclose(made[DIRECTION, 80], [0, 1], atol=1e-6)


def test_strokes_share_the_points_by_length() -> None:
    lines = [
        np.array([[0, 0], [30, 0]], np.float32),
        np.array([[5, 5]], np.float32),
        np.array([[0, 9], [10, 9]], np.float32),
    ]
    starts = np.flatnonzero(sequence(lines, points=103)[BEGIN])
    assert starts.tolist() == [0, 76, 77]


def test_dots_lie_where_they_were_put() -> None:
    colon = sequence([np.zeros((1, 2), np.float32), np.array([[0, 10], [0, 10]], np.float32)], points=8)
    assert colon[Y].tolist() == [-1] * 4 + [1] * 4
    assert not colon[DIRECTION].any()
    alone = sequence([np.full((1, 2), 7, np.float32)], points=8)
    assert not alone[:2].any()


def test_a_drawing_of_more_strokes_than_points_is_thinned_out_evenly() -> None:
    many = [np.array([[number, 0], [number, 0]], np.float32) for number in range(5000)]
    made = sequence(many, points=50)
    np.testing.assert_allclose(np.diff(made[X]), 2 * 100 / 4999, rtol=1e-4)


def test_invalid_settings_are_refused() -> None:
    for bad in (None, 128, {"points": 7}, {"points": 1025}, {"points": 1e3}, {"points": True}):
        with pytest.raises(SchemaError):
            SequenceSettings.from_json(bad)


def test_settings_survive_json() -> None:
    assert SequenceSettings.from_json(SequenceSettings(96).to_json()) == SequenceSettings(96)


def test_damaged_points_cause_no_access_out_of_range() -> None:
    for bad in (np.nan, np.inf, -np.inf, 3e38):
        points = np.array([[0, 0], [bad, 5], [9, bad], [7, 3]], np.float32)
        for strokes in (1, 3, 40):
            made = sequence([points] * strokes, points=8)
            assert made[BEGIN].sum() > 0
            assert made[END].sum() > 0
