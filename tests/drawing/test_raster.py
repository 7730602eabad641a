"""The rasterizer: every drawing fits the square, dots are visible, pixels depend on the drawing alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from extexify.core.schema import SchemaError
from extexify.drawing.raster import PRESETS, RasterSettings, fit_points, preset, rasterize, rasterize_drawing
from extexify.drawing.strokes import Drawing, Drawings
from tests.drawing.strategies import any_drawing

DEFAULT, ORIGINAL = RasterSettings(size=48, stroke_width=1.6), PRESETS["original"]

drawings = any_drawing(st.floats(-1e6, 1e6, width=32) | st.integers(-300, 300).map(float), strokes=5)
any_settings = st.builds(
    RasterSettings,
    size=st.integers(8, 64),
    stroke_width=st.floats(0.5, 4),
    margin=st.floats(0, 0.3),
    fit=st.sampled_from(["aspect", "stretch"]),
)


def drawing(*lists: list[tuple[float, float]]) -> Drawing:
    return [np.array(points, np.float32) for points in lists]


def ink_box(image: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom pixel with any ink."""
    rows, columns = np.nonzero(image)
    return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())


@given(drawings, any_settings)
def test_every_drawing_leaves_ink_and_keeps_its_margin(lines: Drawing, raster: RasterSettings) -> None:
    image = rasterize_drawing(lines, raster)
    assert image.shape == (raster.size, raster.size)
    assert image.dtype == np.uint8
    assert image.max() >= 60  # a line of half a pixel between two rows gives each a quarter
    # Ink reaches half a dot and half a pixel beyond the fitted points, no farther.
    reach = max(raster.stroke_width / 2 * 1.5, 1) + 0.5
    border = int(np.floor(raster.margin * raster.size - reach - 1e-3))
    if border > 0:
        assert image[:border].max() == image[-border:].max() == image[:, :border].max() == image[:, -border:].max() == 0


@given(st.lists(drawings, min_size=1, max_size=6), any_settings, st.integers(1, 4))
@settings(max_examples=40)
def test_pixels_depend_neither_on_the_batch_nor_on_the_threads(
    batch: list[Drawing], raster: RasterSettings, threads: int
) -> None:
    together = rasterize(Drawings.pack(batch * 300), raster, threads=threads)[: len(batch)]
    alone = np.stack([rasterize_drawing(lines, raster) for lines in batch])
    np.testing.assert_array_equal(together, alone)


def test_threads_share_a_large_batch_without_changing_a_pixel() -> None:
    rng = np.random.default_rng(1)
    batch = Drawings.pack([[rng.normal(size=(30, 2)).astype(np.float32)] for _ in range(2000)])
    np.testing.assert_array_equal(rasterize(batch, DEFAULT, threads=1), rasterize(batch, DEFAULT, threads=3))


@given(drawings, st.integers(-6, 6), any_settings)
def test_size_on_the_screen_does_not_matter(lines: Drawing, power: int, raster: RasterSettings) -> None:
    # A power of two scales floats exactly (but for the very smallest), so not even rounding may differ.
    lines = [np.where(np.abs(stroke) < 1e-30, np.float32(0), stroke) for stroke in lines]
    scaled = [stroke * np.float32(2.0**power) for stroke in lines]
    np.testing.assert_array_equal(rasterize_drawing(scaled, raster), rasterize_drawing(lines, raster))


@given(drawings, any_settings)
def test_direction_and_order_of_strokes_hardly_matter(lines: Drawing, raster: RasterSettings) -> None:
    turned = [stroke[::-1] for stroke in lines[::-1]]
    difference = rasterize_drawing(turned, raster).astype(int) - rasterize_drawing(lines, raster)
    # Rounding may tip the distance to a segment seen from its other end, by a part of a grey level.
    assert np.abs(difference).max() <= 2


@pytest.mark.parametrize(
    "raster", [DEFAULT, ORIGINAL, replace(DEFAULT, fit="stretch")], ids=["default", "original", "stretch"]
)
class TestOddDrawings:
    def test_a_horizontal_line_runs_across_the_middle(self, raster: RasterSettings) -> None:
        left, top, right, bottom = ink_box(rasterize_drawing(drawing([(3, 7), (50, 7)]), raster))
        assert right - left >= 0.8 * raster.size
        assert bottom - top <= 3
        assert abs((top + bottom) / 2 - raster.size / 2) <= 1.5

    def test_a_vertical_line_runs_down_the_middle(self, raster: RasterSettings) -> None:
        left, top, right, bottom = ink_box(rasterize_drawing(drawing([(7, 3), (7, 50)]), raster))
        assert bottom - top >= 0.8 * raster.size
        assert right - left <= 3
        assert abs((left + right) / 2 - raster.size / 2) <= 1.5

    @pytest.mark.parametrize("points", [[(20, 20)], [(20, 20)] * 9], ids=["one point", "equal points"])
    def test_a_single_dot_lies_in_the_middle(self, raster: RasterSettings, points: list[tuple[float, float]]) -> None:
        image = rasterize_drawing(drawing(points), raster)
        left, top, right, bottom = ink_box(image)
        assert image.max() > 250
        assert right - left <= 4
        assert bottom - top <= 4
        assert abs((left + right) / 2 - raster.size / 2) <= 1
        assert abs((top + bottom) / 2 - raster.size / 2) <= 1

    def test_a_dot_above_a_line_is_seen(self, raster: RasterSettings) -> None:
        image = rasterize_drawing(drawing([(10, 20), (10, 80)], [(10, 5)]), raster)
        top = int(0.15 * raster.size)
        assert image[:top].max() == 255

    @pytest.mark.parametrize("size", [1e-3, 1, 1e6])
    def test_tiny_and_huge_drawings_look_alike(self, raster: RasterSettings, size: float) -> None:
        shape = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)], np.float32)
        usual = rasterize_drawing([shape * 100], raster).astype(int)
        assert np.abs(rasterize_drawing([shape * np.float32(size)], raster) - usual).max() <= 2


def test_the_aspect_ratio_is_preserved_or_stretched_by_the_setting() -> None:
    flat = drawing([(0, 0), (100, 0), (100, 10), (0, 10), (0, 0)])
    _, top, _, bottom = ink_box(rasterize_drawing(flat, DEFAULT))
    assert bottom - top < 12
    _, top, _, bottom = ink_box(rasterize_drawing(flat, replace(DEFAULT, fit="stretch")))
    assert bottom - top > 40


def test_lines_are_anti_aliased_and_have_the_width_of_the_setting() -> None:
    image = rasterize_drawing(drawing([(0, 0), (100, 0)]), replace(DEFAULT, stroke_width=3))
    column = image[:, 24].astype(int)
    assert abs(column.sum() / 255 - 3) < 0.05
    slope = rasterize_drawing(drawing([(0, 0), (100, 37)]), DEFAULT)
    assert ((slope > 0) & (slope < 255)).sum() > 20


@pytest.mark.parametrize("raster", [DEFAULT, PRESETS["default"]], ids=["48 pixels", "the preset"])
def test_a_dot_is_larger_than_the_line_is_wide(raster: RasterSettings) -> None:
    line = rasterize_drawing(drawing([(0, 0), (100, 0)]), raster)
    dot = rasterize_drawing(drawing([(0, 0)]), raster)
    assert dot[:, raster.size // 2].sum() > line[:, raster.size // 2].sum()


def test_widths_and_shifts_of_single_drawings() -> None:
    batch = Drawings.pack([drawing([(0, 0), (100, 0)])] * 2)
    shifts = np.array([[0, 0], [2, -3]], np.float32)
    plain, changed = rasterize(batch, DEFAULT, width_factors=np.array([1, 2]), shifts=shifts)
    assert ink_box(changed)[0] == ink_box(plain)[0] + 2 - 1  # twice as wide: its end reaches one pixel farther left
    assert changed.sum() > 1.7 * plain.sum()


# --- the original's pictures --------------------------------------------------------------------


def pillow_lines(fitted: list[NDArray[np.float32]], size: int) -> NDArray[np.uint8]:
    """The blog post's drawing: one `draw.line` a segment."""
    image = Image.new("L", (size, size))
    draw = ImageDraw.Draw(image)
    for stroke in fitted:
        points = [tuple(map(float, point)) for point in stroke]
        for start, end in zip(points, points[1:] or points, strict=False):
            draw.line([start, end], fill=255)
    return np.array(image)


@given(drawings, st.integers(8, 64))
def test_original_draws_what_pillow_draws(lines: Drawing, size: int) -> None:
    raster = preset("original", size=size)
    fitted = np.split(fit_points(lines, raster), np.cumsum([len(stroke) for stroke in lines])[:-1])
    np.testing.assert_array_equal(rasterize_drawing(lines, raster), pillow_lines(fitted, size))


@given(drawings)
def test_original_fits_each_axis_to_the_middle_95_percent(lines: Drawing) -> None:
    points = np.concatenate(lines).astype(np.float64)
    low, extent = points.min(0), np.ptp(points, axis=0)
    safe = np.where(extent > 0, extent, 1)
    wanted = np.where(extent > 0, ((points - low) / safe * 0.95 + 0.025) * 32, 16.0)
    np.testing.assert_allclose(fit_points(lines, ORIGINAL), wanted, atol=1e-4)


# --- settings -----------------------------------------------------------------------------------


@given(any_settings)
def test_settings_survive_json(raster: RasterSettings) -> None:
    assert RasterSettings.from_json(raster.to_json()) == raster


def test_invalid_settings_are_named() -> None:
    for changes, message in (
        ({"size": 4}, "size"),
        ({"size": 10_000}, "size"),
        ({"size": True}, "size"),
        ({"size": "48"}, "size"),
        ({"stroke_width": 0}, "stroke width"),
        ({"stroke_width": float("nan")}, "stroke.width"),
        ({"margin": 0.5}, "margin"),
        ({"fit": "crop"}, "fit"),
        ({"antialias": False}, "stroke_width"),
    ):
        with pytest.raises(SchemaError, match=message):
            RasterSettings.from_json({**DEFAULT.to_json(), **changes})


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(ValueError, match="no raster preset 'fancy'"):
        preset("fancy")


def test_lines_to_damaged_points_terminate() -> None:
    for bad in (np.nan, np.inf, -np.inf, 3e38):
        points = np.array([[0, 0], [bad, 5], [9, bad], [7, 3]], np.float32)
        for raster in (DEFAULT, ORIGINAL):
            assert rasterize_drawing([points, points[::-1]], raster).shape == (raster.size, raster.size)
