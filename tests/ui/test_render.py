"""The Render page: the preview follows the settings, and the settings are what is rendered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from extexify.dataset.dataset import Dataset
from extexify.dataset.export import export_dataset
from extexify.dataset.render import RenderedImages, render_dataset
from extexify.dataset.splits import SPLITS
from extexify.drawing.raster import PRESETS, RasterSettings, rasterize
from tests.pages import StartedJobs, component, ink, open_page, rerun, started, texts
from tests.tiny import SHAPES, TinySource

__all__ = ["started"]  # a fixture


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path / "ws"))
    return tmp_path / "ws"


@pytest.fixture
def dataset(workspace: Path) -> Dataset:
    """The workspace's dataset of six symbols."""
    return export_dataset([TinySource(6)], workspace / "dataset")


def previews(page: AppTest) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = component(page, "preview-drawings")["drawings"]
    return found


def before(tile: dict[str, Any]) -> NDArray[np.uint8]:
    return ink(tile["pictures"][0]["url"])


def after(tile: dict[str, Any]) -> NDArray[np.uint8]:
    return ink(tile["pictures"][1]["url"])


def drawing_of(dataset: Dataset, image: NDArray[np.uint8], raster: RasterSettings) -> int:
    """The index of the drawing that looks like this with a raster."""
    return next(
        number for number, other in enumerate(rasterize(dataset.drawings, raster)) if np.array_equal(other, image)
    )


def set_slider(page: AppTest, label: str, value: float) -> None:
    next(slider for slider in page.slider if slider.label == label).set_value(value)


def choose(page: AppTest, label: str, value: str) -> None:
    next(group for group in page.button_group if group.proto.label == label).set_value(value)


def test_without_a_dataset_the_page_leads_to_one(workspace: Path) -> None:
    page = open_page("render")
    assert "No dataset yet." in texts(page)
    assert "Get drawings" in texts(page)
    assert not page.button


def test_the_preview_is_what_the_settings_make_of_the_drawings(dataset: Dataset) -> None:
    page = open_page("render")
    first = previews(page)[0]
    assert len(previews(page)) == 4
    assert "The recipe “default” uses these settings" in texts(page)
    drawing = drawing_of(dataset, after(first), PRESETS["default"])

    set_slider(page, "Size, pixels a side", 48)
    set_slider(page, "Stroke width, pixels", 1.7)
    choose(page, "Fit", "stretch")
    page = rerun(page)
    tile = previews(page)[0]
    assert tile["pictures"][1]["label"] == "48 × 48"
    assert "No recipe uses these settings" in texts(page)
    stretched = RasterSettings(size=48, stroke_width=1.7, fit="stretch")
    assert np.array_equal(after(tile), rasterize(dataset.drawings, stretched)[drawing])
    assert np.array_equal(before(tile), before(first))

    choose(page, "Start from", "original")
    page = rerun(page)
    tile = previews(page)[0]
    assert tile["pictures"][1]["label"] == "32 × 32"
    assert "The recipe “original” trains on images like these." in texts(page)
    assert drawing_of(dataset, after(tile), PRESETS["original"]) == drawing
    assert next(slider for slider in page.slider if "width" in slider.label).disabled


def test_a_symbol_can_be_chosen_for_the_preview(dataset: Dataset) -> None:
    page = open_page("render")
    page.selectbox(key="preview-symbol").select("latex2e-OT1-_times")
    page = rerun(page)
    assert [tile["command"] for tile in previews(page)] == ["\\times"] * 4
    page.button(key="preview-others").click()
    drawings = {drawing_of(dataset, after(tile), PRESETS["default"]) for tile in previews(rerun(page))}
    assert len(drawings) == 4


def test_what_is_rendered_is_what_was_set_and_is_shown_by_split(
    started: StartedJobs, dataset: Dataset, workspace: Path
) -> None:
    page = open_page("render")
    choose(page, "Start from", "original")
    page.toggle(key="render-png").set_value(True)
    page = rerun(page)
    assert "and the PNG files" in texts(page)
    page.button(key="render-go").click()
    page = rerun(page)
    assert "“Rendering at 32 × 32” is writing the images" in texts(page)
    assert page.button(key="render-go").disabled
    started.last.run()
    page = rerun(page)
    images = RenderedImages.open(workspace / "images")
    assert (images.raster, images.dataset_hash) == (PRESETS["original"], dataset.content_hash)
    assert len(list((workspace / "images" / "png").rglob("*.png"))) == len(dataset)
    for split in SPLITS:
        page.button_group(key="images-split").set_value(split)
        page = rerun(page)
        grid = component(page, "images-drawings")["drawings"]
        assert len(grid) == min(24, len(images.labels[split]))
        assert (np.asarray(images.images[split]) == ink(grid[0]["pictures"][0]["url"])).all(axis=(1, 2)).any()
    assert len(component(open_page("render"), "images-drawings")["drawings"]) == len(images.labels["train"])


def test_images_of_another_dataset_are_marked(dataset: Dataset, workspace: Path) -> None:
    render_dataset(dataset, PRESETS["default"], workspace / "images")
    assert not open_page("render").warning
    export_dataset([TinySource(5, keys=list(SHAPES)[:3])], workspace / "dataset")
    assert "were rendered from another dataset" in open_page("render").warning[0].value
