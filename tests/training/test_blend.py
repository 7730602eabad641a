"""Blending: interpolation between two drawings of a symbol, in any order and direction of their strokes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from extexify.drawing.raster import PRESETS, rasterize
from extexify.drawing.strokes import Drawing, Drawings
from extexify.training.blend import SameClassNeighbours, blend
from extexify.training.rng import uniforms

CROSS = [[(0, 50), (100, 50)], [(50, 0), (50, 100)]]
LOW_CROSS = [[(0, 70), (100, 70)], [(50, 0), (50, 100)]]


def drawing(strokes: Sequence[Sequence[tuple[float, float]]]) -> Drawing:
    return [np.array(stroke, np.float32) for stroke in strokes]


def some_drawings(count: int, seed: int) -> Drawings:
    rng = np.random.default_rng(seed)
    return Drawings.pack(
        [rng.uniform(0, 300, (rng.integers(1, 30), 2)).astype(np.float32) for _ in range(rng.integers(1, 5))]
        for _ in range(count)
    )


def blended(one: Drawings, other: Drawings, part: float, limit: float = 1.0) -> Drawings:
    return blend(one, other, np.full(len(one), part), limit=limit)


def structure(drawings: Drawings) -> tuple[list[int], list[int]]:
    return np.asarray(drawings.stroke_ends).tolist(), np.asarray(drawings.sample_ends).tolist()


def bar_height(drawings: Drawings) -> float:
    """Vertical position of the first stroke, a bar: 0 at the drawing's middle, 0.5 at its bottom."""
    points: NDArray[np.float32] = drawings.points[: drawings.stroke_ends[0]]
    return float(points[:, 1].mean())


@given(st.integers(0, 1000), st.integers(0, 1000), st.floats(-1, 2))
def test_strokes_keep_their_points_order_and_number(seed: int, other: int, part: float) -> None:
    drawings, towards = some_drawings(6, seed), some_drawings(6, other)
    result = blended(drawings, towards, part)
    assert structure(result) == structure(drawings)
    assert np.isfinite(result.points).all()


@given(st.integers(0, 1000), st.floats(-0.5, 0.8))
def test_blending_with_oneself_changes_nothing(seed: int, part: float) -> None:
    drawings = some_drawings(6, seed)
    np.testing.assert_allclose(
        blended(drawings, drawings, part).points, blended(drawings, drawings, 0).points, atol=1e-6
    )


@given(st.integers(0, 1000))
def test_no_part_of_the_way_is_the_picture_of_before(seed: int) -> None:
    drawings = some_drawings(6, seed)
    difference = rasterize(blended(drawings, some_drawings(6, seed + 1), 0.0), PRESETS["default"]).astype(int)
    assert np.abs(difference - rasterize(drawings, PRESETS["default"])).max() <= 3  # rounding of the coordinates


@given(st.integers(0, 1000), st.permutations(range(6)))
def test_a_drawing_does_not_depend_on_its_batch(seed: int, order: list[int]) -> None:
    drawings, towards, picked = some_drawings(6, seed), some_drawings(6, seed + 1), np.array(order)
    together = blended(drawings, towards, 0.4).take(picked)
    np.testing.assert_array_equal(together.points, blended(drawings.take(picked), towards.take(picked), 0.4).points)


@pytest.mark.parametrize(("part", "height"), [(0.0, 0.0), (0.5, 0.1), (1.0, 0.2), (-0.5, -0.1)])
def test_a_stroke_moves_by_its_part_of_the_way(part: float, height: float) -> None:
    one, other = Drawings.pack([drawing(CROSS)]), Drawings.pack([drawing(LOW_CROSS)])
    assert bar_height(blended(one, other, part)) == pytest.approx(height, abs=1e-6)


def test_strokes_are_paired_by_shape_in_any_order_and_direction() -> None:
    one = Drawings.pack([drawing(CROSS)])
    backwards = [stroke[::-1] for stroke in reversed(LOW_CROSS)]
    result = blended(one, Drawings.pack([drawing(backwards)]), 0.5)
    np.testing.assert_allclose(result.points, blended(one, Drawings.pack([drawing(LOW_CROSS)]), 0.5).points, atol=1e-6)


def test_proportions_do_not_keep_strokes_from_being_paired() -> None:
    narrow = [[(x * 0.5, y) for x, y in stroke] for stroke in CROSS]
    result = blended(Drawings.pack([drawing(CROSS)]), Drawings.pack([drawing(narrow)]), 1.0, limit=0.05)
    assert np.ptp(result.points[:2, 0]) == pytest.approx(0.5)


@pytest.mark.parametrize(
    "other",
    [CROSS[:1], [*CROSS, [(10, 10), (20, 20)]], [[(0, 0), (100, 100)], [(0, 100), (100, 0)]]],
    ids=["too few strokes", "too many strokes", "other strokes"],
)
def test_a_drawing_that_does_not_fit_stays(other: list[list[tuple[float, float]]]) -> None:
    one = Drawings.pack([drawing(CROSS)])
    result = blended(one, Drawings.pack([drawing(other)]), 0.5, limit=0.2)
    np.testing.assert_array_equal(result.points, blended(one, one, 0.0).points)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3)), min_size=1, max_size=30), st.integers(0, 1000))
def test_neighbours_are_of_the_same_symbol_with_as_many_strokes(made: list[tuple[int, int]], seed: int) -> None:
    neighbours = SameClassNeighbours(np.array([label for label, _ in made]), np.array([strokes for _, strokes in made]))
    rows = np.arange(len(made))
    found = neighbours.pick(rows, np.random.default_rng(seed).uniform(size=len(made)))
    assert [made[row] for row in found] == made


def test_every_neighbour_is_picked_about_equally_often() -> None:
    neighbours = SameClassNeighbours(np.zeros(4, np.int64), np.full(4, 2))
    found = neighbours.pick(np.zeros(4000, np.int64), uniforms(np.arange(4000), seed=0, epoch=1, columns=1)[:, 0])
    assert np.bincount(found, minlength=4).min() > 900


def test_uniforms_depend_on_seed_epoch_and_number_alone() -> None:
    numbers = np.array([5, 9, 1 << 40])
    made = uniforms(numbers, seed=1, epoch=2, columns=3)
    np.testing.assert_array_equal(uniforms(numbers[::-1].copy(), seed=1, epoch=2, columns=3), made[::-1])
    assert len({*made.ravel(), *uniforms(numbers, seed=2, epoch=2, columns=3).ravel()}) == 18
