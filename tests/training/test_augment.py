"""Augmentation: varied, recognisable, and a pure function of (seed, epoch, number)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from extexify.drawing.raster import PRESETS, rasterize
from extexify.drawing.strokes import Drawings
from extexify.training.augment import AugmentSettings, augment

STILL = AugmentSettings(
    rotation=0, scale=0, shear=0, warp=0, stroke_shift=0, stroke_turn=0, stroke_scale=0, thin=1, thick=1, shift=0
)


def some_drawings(count: int, seed: int = 0) -> Drawings:
    rng = np.random.default_rng(seed)
    return Drawings.pack(
        [rng.uniform(0, 300, (rng.integers(1, 30), 2)).astype(np.float32) for _ in range(rng.integers(1, 5))]
        for _ in range(count)
    )


@given(st.integers(0, 2**31), st.integers(0, 1000), st.permutations(range(8)))
def test_the_variation_does_not_depend_on_the_batch(seed: int, epoch: int, order: list[int]) -> None:
    drawings, numbers = some_drawings(8), np.arange(8) + 100
    together = augment(drawings, numbers, AugmentSettings(), seed=seed, epoch=epoch)
    shuffled = augment(drawings.take(np.array(order)), numbers[order], AugmentSettings(), seed=seed, epoch=epoch)
    np.testing.assert_array_equal(shuffled.drawings.points, together.drawings.take(np.array(order)).points)
    np.testing.assert_array_equal(shuffled.width_factors, together.width_factors[order])
    np.testing.assert_array_equal(shuffled.shifts, together.shifts[order])


def test_epochs_seeds_and_samples_vary_differently() -> None:
    same = Drawings.pack([[np.array([[0, 0], [90, 30], [50, 80]], np.float32)]] * 2)
    points = [
        augment(same, np.array([0, 1]), AugmentSettings(), seed=seed, epoch=epoch).drawings.points
        for seed, epoch in [(0, 1), (0, 2), (1, 1)]
    ]
    variants = {part.tobytes() for both in points for part in np.split(both, 2)}
    assert len(variants) == 6


def test_without_variation_the_picture_stays() -> None:
    drawings = some_drawings(20)
    varied = augment(drawings, np.arange(20), STILL, seed=0, epoch=0)
    pictures = rasterize(varied.drawings, PRESETS["default"], width_factors=varied.width_factors, shifts=varied.shifts)
    difference = pictures.astype(int) - rasterize(drawings, PRESETS["default"])
    assert np.abs(difference).max() <= 3  # rounding of the coordinates


def test_variations_spread_as_the_settings_say() -> None:
    line = Drawings.pack([[np.array([[0, 0], [200, 0]], np.float32)]] * 4000)
    turned = augment(
        line, np.arange(4000), AugmentSettings(**{**STILL.to_json(), "rotation": 0.11}), seed=3, epoch=1
    ).drawings.points.reshape(-1, 2, 2)
    along = turned[:, 1] - turned[:, 0]
    angles = np.arctan2(along[:, 1], along[:, 0])
    assert abs(angles.mean()) < 0.01
    assert 0.10 < angles.std() < 0.12
    assert np.abs(angles).max() <= 0.34  # held within three σ


def test_widths_and_shifts_stay_in_their_ranges() -> None:
    varied = augment(some_drawings(500), np.arange(500), AugmentSettings(), seed=0, epoch=7)
    assert 0.6 <= varied.width_factors.min() < 0.7 < 1.3 < varied.width_factors.max() <= 1.4
    assert -1.5 <= varied.shifts.min() < -1.4 < 1.4 < varied.shifts.max() <= 1.5


@given(st.integers(0, 2**31))
def test_dots_and_lines_survive(seed: int) -> None:
    drawings = Drawings.pack(
        [[np.array([[5, 5]], np.float32)], [np.array([[5, 5], [5, 5]], np.float32)], [np.zeros((3, 2), np.float32)]]
    )
    varied = augment(drawings, np.arange(3), AugmentSettings(), seed=seed, epoch=0)
    assert np.isfinite(varied.drawings.points).all()
    assert (rasterize(varied.drawings, PRESETS["default"]).max(axis=(1, 2)) > 100).all()


def strokes_of(drawings: Drawings) -> list[list[tuple[tuple[float, float], ...]]]:
    """The strokes of every drawing, as plain tuples."""
    return [[tuple(map(tuple, stroke.round(3).tolist())) for stroke in drawing] for drawing in drawings]


@given(st.integers(0, 2**31))
def test_order_and_direction_vary_without_a_trace_in_the_picture(seed: int) -> None:
    drawings = some_drawings(30, seed)
    settings = replace(STILL, reverse=0.5, shuffle=0.5)
    varied = augment(drawings, np.arange(30), settings, seed=seed, epoch=1).drawings
    still = augment(drawings, np.arange(30), STILL, seed=seed, epoch=1).drawings
    assert strokes_of(varied) != strokes_of(still)
    for mine, others in zip(strokes_of(varied), strokes_of(still), strict=True):
        assert sorted(map(sorted, mine)) == sorted(map(sorted, others))
    pictures = [rasterize(made, PRESETS["default"]).astype(int) for made in (varied, still)]
    assert np.abs(pictures[0] - pictures[1]).max() <= 3  # rounding


def test_strokes_are_reversed_and_shuffled_at_the_given_rates() -> None:
    lines = [np.array([[0, 10 * number], [100, 10 * number]], np.float32) for number in range(3)]
    drawings = Drawings.pack([lines] * 4000)
    settings = replace(STILL, reverse=0.4, shuffle=0.3)
    points = augment(drawings, np.arange(4000), settings, seed=1, epoch=1).drawings.points.reshape(4000, 3, 2, 2)
    backwards = points[:, :, 0, 0] > points[:, :, 1, 0]
    all_of_them, some_of_them = backwards.all(1).mean(), backwards.any(1).mean()
    assert abs(all_of_them - (0.2 + 0.2 / 8)) < 0.02
    assert abs(some_of_them - (0.2 + 0.2 * 7 / 8)) < 0.02
    in_order = (np.diff(points[:, :, 0, 1], axis=1) > 0).all(1).mean()
    assert abs(in_order - (0.7 + 0.3 / 6)) < 0.02


def test_coarse_drawings_lie_on_a_grid() -> None:
    drawings = some_drawings(200)
    varied = augment(drawings, np.arange(200), replace(STILL, coarse=0.5), seed=0, epoch=0).drawings
    steps = [len(np.unique(np.concatenate(drawing)[:, 0])) / len(np.concatenate(drawing)) for drawing in varied]
    assert 60 < sum(step < 0.999 for step in steps) <= 140
