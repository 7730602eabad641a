"""The Render page in a real browser: the preview follows the settings, and what is rendered is what was asked."""

from __future__ import annotations

import base64
import io
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from extexify.dataset.dataset import Dataset
from extexify.dataset.export import export_dataset
from extexify.dataset.render import RenderedImages, render_dataset
from extexify.dataset.splits import SPLITS
from extexify.drawing.raster import PRESETS, RasterSettings, rasterize
from tests.tiny import SHAPES, TinySource
from tools.dashboard import dashboard

Opening = Callable[..., Page]

PATIENCE = 300_000
"""Milliseconds that a job may take: it steps back behind everything else that the machine does."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def site(place: Path) -> Iterator[str]:
    """The address of a dashboard whose workspace is `place`."""
    with dashboard(place) as address:
        yield address


@pytest.fixture
def dataset(place: Path) -> Dataset:
    """A workspace with a dataset of six symbols and nothing else."""
    shutil.rmtree(place / "images", ignore_errors=True)
    shutil.rmtree(place / "jobs", ignore_errors=True)
    return export_dataset([TinySource(6)], place / "dataset")


@pytest.fixture
def opening(browser: Browser, site: str) -> Iterator[Opening]:
    """Opens the Render page in a browser profile of its own."""
    contexts: list[BrowserContext] = []

    def open_page(**options: object) -> Page:
        contexts.append(browser.new_context(**options))  # type: ignore[arg-type]
        page = contexts[-1].new_page()
        page.goto(f"{site}/render")
        expect(page.get_by_role("heading", level=1)).to_have_text("Render the drawings", timeout=30_000)
        return page

    yield open_page
    for context in contexts:
        context.close()


def previews(page: Page) -> Locator:
    return page.locator(".st-key-preview-drawings .drawing")


def shown(tile: Locator, number: int) -> NDArray[np.uint8]:
    """A picture of a tile, as the browser has it: ink 255."""
    mask = tile.locator(".ink").nth(number).evaluate("ink => ink.style.maskImage")
    data = re.fullmatch(r'url\("data:image/png;base64,(.*)"\)', mask)
    assert data is not None
    return np.array(Image.open(io.BytesIO(base64.b64decode(data[1]))))[..., 1]


def drawing_of(dataset: Dataset, image: NDArray[np.uint8], raster: RasterSettings) -> int | None:
    """Which of the drawings looks like this with a raster."""
    images = rasterize(dataset.drawings, raster)
    return next((number for number, other in enumerate(images) if np.array_equal(other, image)), None)


def press(page: Page, slider: str, key: str, times: int) -> None:
    handle = page.get_by_role("slider", name=slider)
    for _ in range(times):
        handle.press(key)


def option(page: Page, name: str) -> Locator:
    return page.get_by_role("radio", name=name).or_(page.get_by_role("button", name=name, exact=True)).first


def render(page: Page) -> None:
    page.locator(".st-key-render-go button").click()
    expect(page.locator(".st-key-render-job")).to_contain_text("finished in", timeout=PATIENCE)


def test_without_a_dataset_the_page_leads_to_one(opening: Opening, place: Path) -> None:
    shutil.rmtree(place / "dataset", ignore_errors=True)
    page = opening()
    expect(page.get_by_text("No dataset yet.")).to_be_visible()
    page.get_by_role("link", name="Get drawings").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Get drawings")


def test_the_preview_is_what_the_settings_make_of_the_drawings(opening: Opening, dataset: Dataset) -> None:
    page = opening()
    expect(previews(page)).to_have_count(4, timeout=20_000)
    expect(page.get_by_text("The recipe “default” sees drawings like this")).to_be_visible()
    default = PRESETS["default"]
    tile = previews(page).first
    drawing = drawing_of(dataset, shown(tile, 1), default)
    assert drawing is not None
    before = shown(tile, 0)

    press(page, "Size, pixels a side", "ArrowRight", 8)
    expect(tile.locator("figcaption").last).to_have_text("48 × 48")
    expect(page.get_by_text("No recipe uses these settings")).to_be_visible()
    press(page, "Stroke width, pixels", "ArrowRight", 4)
    expect(page.get_by_role("slider", name="Stroke width, pixels")).to_have_attribute("aria-valuetext", "1.7")
    option(page, "Stretch").click()
    wanted = RasterSettings(size=48, stroke_width=1.7, fit="stretch")
    stretched = rasterize(dataset.drawings, wanted)[drawing]
    give_up = time.monotonic() + 20
    while not np.array_equal(shown(tile, 1), stretched):
        assert time.monotonic() < give_up, "the preview doesn't follow"
        page.wait_for_timeout(100)
    assert (shown(tile, 0) == before).all()

    option(page, "Blog post").click()
    expect(tile.locator("figcaption").last).to_have_text("32 × 32")
    expect(page.get_by_text("The recipe “original” trains on images like these.")).to_be_visible()
    assert drawing_of(dataset, shown(tile, 1), PRESETS["original"]) == drawing
    expect(page.get_by_role("slider", name="Stroke width, pixels")).to_be_disabled()


def test_a_symbol_can_be_chosen_for_the_preview(opening: Opening, dataset: Dataset) -> None:
    page = opening()
    page.get_by_role("combobox", name="Symbol").first.fill("times")
    page.get_by_role("option", name="\\times").click()
    expect(previews(page).locator("code")).to_have_text(["\\times"] * 4)
    first = shown(previews(page).first, 1)
    page.locator(".st-key-preview-others button").click()
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning")
    drawings = {drawing_of(dataset, shown(previews(page).nth(number), 1), PRESETS["default"]) for number in range(4)}
    assert len(drawings) == 4
    assert drawing_of(dataset, first, PRESETS["default"]) is not None


def test_a_preset_is_taken_also_when_the_next_click_follows_at_once(opening: Opening, dataset: Dataset) -> None:
    page = opening()
    later = page.get_by_role("switch", name="PNG files too").element_handle()
    option(page, "Blog post").evaluate(
        "(preset, later) => { preset.click(); setTimeout(() => later.click(), 20) }", later
    )
    expect(page.get_by_text("and the PNG files")).to_be_visible()
    expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning")
    expect(previews(page).first.locator("figcaption").last).to_have_text("32 × 32")


def test_what_is_rendered_is_what_was_asked_and_is_shown_by_split(
    opening: Opening, dataset: Dataset, place: Path
) -> None:
    page = opening()
    option(page, "Blog post").click()
    page.get_by_text("PNG files too").click()
    expect(page.get_by_text("and the PNG files")).to_be_visible()
    render(page)
    images = RenderedImages.open(place / "images")
    assert images.raster == PRESETS["original"]
    assert images.dataset_hash == dataset.content_hash
    assert len(list((place / "images" / "png").rglob("*.png"))) == len(dataset)
    grid = page.locator(".st-key-images-drawings .drawing")
    for split in SPLITS:
        option(page, split.capitalize()).click()
        expect(grid).to_have_count(min(24, len(images.labels[split])))
        expect(page.locator(".stApp")).to_have_attribute("data-test-script-state", "notRunning")
        found = shown(grid.first, 0)
        assert (np.asarray(images.images[split]) == found).all(axis=(1, 2)).any()
    page.reload()
    expect(grid).to_have_count(len(images.labels["train"]), timeout=20_000)


def test_images_of_another_dataset_are_told(opening: Opening, dataset: Dataset, place: Path) -> None:
    render_dataset(dataset, PRESETS["default"], place / "images")
    warning = page_warning(opening())
    expect(warning).to_have_count(0)
    export_dataset([TinySource(5, keys=list(SHAPES)[:3])], place / "dataset")
    warning = page_warning(opening())
    expect(warning).to_contain_text("were rendered from another dataset")


def page_warning(page: Page) -> Locator:
    expect(page.get_by_role("heading", name="The images")).to_be_visible(timeout=20_000)
    return page.get_by_test_id("stAlert")


def test_a_damaged_dataset_is_one_sentence(opening: Opening, dataset: Dataset, place: Path) -> None:
    (place / "dataset" / "labels.npy").write_bytes(b"no array")
    manifest = place / "dataset" / "manifest.json"
    manifest.write_bytes(manifest.read_bytes() + b" ")  # another file than the one that was opened
    alert = opening().get_by_test_id("stAlert")
    expect(alert).to_contain_text("labels.npy is not a readable array", timeout=20_000)
    shutil.rmtree(place / "dataset")


def test_the_page_fits_a_phone(opening: Opening, dataset: Dataset) -> None:
    page = opening(viewport={"width": 375, "height": 760})
    expect(previews(page)).to_have_count(4, timeout=20_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    for number in range(4):
        box = previews(page).nth(number).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 375
