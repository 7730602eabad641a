"""Drawings made with other strokes: valid, still the same symbol, and a pure function of (seed, epoch, number)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from extexify.drawing.raster import PRESETS, rasterize
from extexify.drawing.strokes import Drawing, Drawings
from extexify.training.augment import AugmentSettings, augment
from extexify.training.stroke_style import (
    BOW,
    CHANGES,
    CONNECTED,
    ENLARGED,
    HOOK,
    MARK,
    NEAR,
    STEP,
    TICK,
    WIDE,
    double_struck,
    restyle,
)

coordinates = st.floats(-1e4, 1e4, width=32) | st.integers(0, 300).map(float)
strokes = st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=12)
drawings = st.lists(st.lists(strokes, min_size=1, max_size=5), min_size=1, max_size=4)
fractions = st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=len(CHANGES), max_size=len(CHANGES))


def packed(lists: list[list[list[tuple[float, float]]]]) -> Drawings:
    return Drawings.pack([[np.array(stroke, np.float32) for stroke in drawing] for drawing in lists])


def only(*changes: str) -> list[float]:
    return [float(change in changes) for change in CHANGES]


def one(drawing: Drawing, *changes: str, seed: int = 0, wide: bool = False) -> Drawing:
    """A drawing with changes made for certain."""
    packed = Drawings.pack([drawing])
    return restyle(packed, np.array([7]), only(*changes), seed=seed, epoch=1, wide=np.array([wide]))[0]


def line(*points: tuple[float, float]) -> NDArray[np.float32]:
    return np.array(points, np.float32)


def length(stroke: NDArray[np.float32]) -> float:
    return float(np.hypot(*np.diff(stroke, axis=0).T).sum())


@given(drawings, fractions, st.integers(0, 2**31))
def test_changed_drawings_are_valid(lists: list[list[list[tuple[float, float]]]], made: list[float], seed: int) -> None:
    before = packed(lists)
    after = restyle(before, np.arange(len(before)), made, seed=seed, epoch=1, wide=np.arange(len(before)) % 2 == 0)
    assert len(after) == len(before)
    assert after.is_whole()
    assert np.isfinite(after.points).all()
    if max(made) == 1:
        assert np.abs(after.points).max() < 1.2


@given(drawings, st.integers(0, 2**31))
def test_drawings_that_are_not_chosen_stay_as_they_are(lists: list[list[list[tuple[float, float]]]], seed: int) -> None:
    before = packed(lists)
    after = restyle(before, np.arange(len(before)), only(), seed=seed, epoch=1)
    np.testing.assert_array_equal(after.points, before.points)
    np.testing.assert_array_equal(after.stroke_ends, before.stroke_ends)
    np.testing.assert_array_equal(after.sample_ends, before.sample_ends)


@given(st.integers(0, 2**31), st.integers(0, 1000), st.permutations(range(8)))
def test_changes_do_not_depend_on_the_batch(seed: int, epoch: int, order: list[int]) -> None:
    rng = np.random.default_rng(seed)
    before = Drawings.pack(
        [rng.uniform(0, 300, (rng.integers(1, 20), 2)).astype(np.float32) for _ in range(rng.integers(1, 5))]
        for _ in range(8)
    )
    settings = replace(AugmentSettings(), **dict.fromkeys(CHANGES, 0.4))
    numbers = np.arange(8) + 100
    together = augment(before, numbers, settings, seed=seed, epoch=epoch)
    shuffled = augment(before.take(np.array(order)), numbers[order], settings, seed=seed, epoch=epoch)
    expected = together.drawings.take(np.array(order))
    np.testing.assert_array_equal(shuffled.drawings.points, expected.points)
    np.testing.assert_array_equal(shuffled.drawings.stroke_ends, expected.stroke_ends)
    np.testing.assert_array_equal(shuffled.drawings.sample_ends, expected.sample_ends)


def test_each_change_is_made_in_its_fraction_of_the_drawings() -> None:
    before = Drawings.pack([[line((0, 0), (100, 0), (100, 80)), line((20, 60), (22, 60))]] * 2000)
    for number, change in enumerate(CHANGES):
        made = [0.0] * len(CHANGES)
        made[number] = 0.3
        after = restyle(before, np.arange(2000), made, seed=0, epoch=1)
        changed = np.mean([float(np.abs(np.concatenate(drawing)).max()) < 50 for drawing in after])
        assert 0.26 < changed < 0.34, change


@given(st.integers(0, 2**31))
def test_a_line_does_not_become_two(seed: int) -> None:
    first, copy = one([line((0, 0), (200, 0))], "double", seed=seed)
    assert np.ptp(first[:, 1]) < 1e-6
    assert NEAR[0] - 1e-5 <= np.abs(copy[:, 1] - first[0, 1]).max() <= NEAR[1] + 1e-5
    assert length(copy) > 0.75


@given(st.integers(0, 2**31))
def test_lines_of_double_struck_letters_are_doubled_wider(seed: int) -> None:
    angle = np.linspace(-np.pi / 2, np.pi / 2, 30)
    half = np.stack([60 * np.cos(angle), 50 + 50 * np.sin(angle)], 1).astype(np.float32)
    letter = [line((0, 0), (0, 200)), half]
    stem, copy, bowl = one(letter, "double", seed=seed, wide=True)
    assert WIDE[0] - 1e-5 <= np.abs(copy[:, 0] - stem[0, 0]).max() <= WIDE[1] + 1e-5
    assert length(bowl) > 0.8


def test_curves_are_not_doubled() -> None:
    angle = np.linspace(0, 2 * np.pi, 60)
    circle = np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
    assert len(one([circle], "double")) == 1


def test_double_struck_letters_are_told_by_their_keys() -> None:
    keys = ["amssymb-OT1-_mathbb{R}", "dsfont-OT1-_mathds{1}", "amssymb-OT1-_Bbbk", "latex2e-OT1-_mathcal{R}", "a-b-_b"]
    assert double_struck(keys).tolist() == [True, True, True, False, False]


@given(st.integers(0, 2**31))
def test_small_marks_grow(seed: int) -> None:
    big, mark = line((0, 0), (100, 200)), line((140, 20), (150, 40))
    after = one([big, mark], "enlarge", seed=seed)
    assert length(after[0]) == pytest.approx(np.hypot(0.5, 1), rel=1e-3)
    grown = np.ptp(after[1], axis=0).max() / 0.1
    assert 1.29 < grown < 2.21
    np.testing.assert_allclose(after[1].mean(0), [(145 - 75) / 200, (30 - 100) / 200], atol=1e-3)


@pytest.mark.parametrize(
    "drawing",
    [
        [line((0, 0), (100, 200)), line((50, 100), (60, 110))],  # it touches
        [line((0, 0), (5, 5)), line((50, 0), (55, 5)), line((100, 0), (105, 5))],  # nothing is large
        [line((0, 0), (100, 200)), line((150, 0), (210, 0))],  # it isn't small
    ],
)
def test_other_strokes_do_not_grow(drawing: Drawing) -> None:
    before, after = one(drawing, "lift"), one(drawing, "lift", "enlarge")
    assert [length(stroke) for stroke in after] == pytest.approx([length(stroke) for stroke in before])


@given(st.integers(0, 2**31), st.floats(0, MARK * 200))
def test_marks_stay_small(seed: int, size: float) -> None:
    mark = line((200, 0), (200, size))
    after = one([line((0, 0), (0, 200)), mark], "enlarge", seed=seed)
    assert np.ptp(after[1], axis=0).max() <= ENLARGED + 1e-5
    assert length(after[1]) >= min(TICK[0], size / 200) - 1e-5


@given(st.integers(0, 2**31))
def test_near_strokes_are_connected(seed: int) -> None:
    near, far = line((20, 100), (100, 200)), line((0, 200), (0, 100))
    after = one([line((0, 0), (0, 100)), near, far], "connect", seed=seed)
    gaps = [np.hypot(*(stroke[1:] - stroke[:-1]).T).max() for stroke in after]
    assert len(after) in (2, 3)
    assert max(gaps) < 2 * STEP
    assert length(after[-1]) == pytest.approx(0.5, rel=1e-3)
    assert CONNECTED < 0.5  # which begins as far as this from the end of the one before


def test_marks_are_not_connected() -> None:
    dots = [line((40 * number, 0), (40 * number + 3, 0)) for number in range(5)]
    assert len(one(dots, "connect")) == 5


@given(st.integers(0, 2**31))
def test_lifting_the_pen_leaves_no_trace_in_the_picture(seed: int) -> None:
    corners = [line((0, 0), (100, 0), (0, 100), (100, 100)), line((0, 50), (100, 50))]
    after = one(corners, "lift", seed=seed)
    assert 2 <= len(after) <= 4
    pictures = [rasterize(Drawings.pack([made]), PRESETS["default"]).astype(int) for made in (corners, after)]
    assert np.abs(pictures[0] - pictures[1]).max() <= 40  # points are resampled: corners move by half a step


@given(st.integers(0, 2**31))
def test_hooks_are_short(seed: int) -> None:
    (after,) = one([line((0, 0), (200, 0))], "hook", seed=seed)
    assert length(after) <= 1 + 2 * HOOK[1] + 1e-3
    assert np.ptp(after[:, 1]) <= 2 * HOOK[1]


@given(st.integers(0, 2**31))
def test_bows_are_flat(seed: int) -> None:
    (after,) = one([line((0, 0), (200, 0))], "bow", seed=seed)
    assert np.ptp(after[:, 1]) <= 3 * BOW + 1e-5
    np.testing.assert_allclose(after[[0, -1]], [[-0.5, 0], [0.5, 0]], atol=1e-5)


@given(st.integers(0, 2**31))
def test_corners_become_round_and_stay_where_they_are(seed: int) -> None:
    angle = [line((0, 0), (100, 200), (200, 0))]
    (after,) = one(angle, "smooth", seed=seed)
    assert 0.35 < after[:, 1].max() < 0.5  # of 0.5
    np.testing.assert_allclose(after[[0, -1]], [[-0.5, -0.5], [0.5, -0.5]], atol=1e-5)


def test_corners_get_loops() -> None:
    angle = [line((0, 0), (100, 200), (200, 0))]
    lengths = [length(one(angle, "loop", seed=seed)[0]) for seed in range(40)]
    assert 5 < sum(total > 2 * np.hypot(0.5, 1) + 0.03 for total in lengths) < 35
