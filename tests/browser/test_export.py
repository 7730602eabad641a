"""From a dump to images in a real browser: upload, export, the report's chart, the preview, rendering."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from extexify.dataset.dataset import Dataset
from extexify.dataset.render import RenderedImages
from extexify.drawing.raster import PRESETS
from tests.drawings import RawRow, copy_block, dump_text, sample_rows
from tools.dashboard import TIMEOUT, dashboard, wait_until_idle


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """The Export page of a dashboard with an empty workspace."""
    with dashboard(tmp_path / "ws") as address:
        context = browser.new_context(viewport={"width": 1280, "height": 1800})
        context.set_default_timeout(1000 * TIMEOUT)
        page = context.new_page()
        page.goto(f"{address}/export")
        expect(page.get_by_role("heading", level=1)).to_have_text("Get drawings")
        wait_until_idle(page)
        yield page
        context.close()


def test_an_uploaded_dump_becomes_a_dataset_and_images(page: Page, tmp_path: Path) -> None:
    rows: list[RawRow] = [
        *sample_rows(classes=2, each=6),
        (90, b"test-OT1-_rare", b"[[[1, 2], [3, 4]]]"),
        (91, b"test-OT1-_class0", b"no strokes"),
        (1, b"test-OT1-_class1", b"[[[7, 2], [3, 9]]]"),
    ]
    page.locator(".st-key-export-sources button", has_text="Detexify's drawings").click()
    page.locator(".st-key-export-sources button", has_text="A file").click()
    page.locator(".st-key-export-sources-dump input[type=file]").set_input_files(
        {"name": "tiny.sql", "mimeType": "text/plain", "buffer": dump_text(copy_block(rows))}
    )
    expect(page.get_by_text("Reads tiny.sql; writes the folder “dataset”")).to_be_visible()
    page.locator(".st-key-export-go button").click()
    expect(page.locator(".st-key-export-job")).to_contain_text("finished in")
    expect(page.get_by_text("From tiny.sql (14 of 15 rows)")).to_be_visible()
    wait_until_idle(page)
    page.get_by_text("2 rows left out, 1 given a new id").click()
    report = page.locator(".st-key-left-out")
    expect(report).to_contain_text("Symbols left out because they have fewer than three distinct drawings: \\rare.")
    expect(report.get_by_test_id("stDataFrame")).to_be_visible()
    dataset = Dataset.open(tmp_path / "ws" / "dataset")
    assert len(dataset) == 13

    # A bar of the chart leads to its symbol's drawings.
    wait_until_idle(page)
    tiles = page.locator(".st-key-dataset-drawings .drawing")
    expect(tiles).to_have_count(13)
    bar = page.locator(".st-key-class-chart .bars .point").nth(1)
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(".st-key-class-chart .hovertext")).to_contain_text("6 drawings:")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(tiles).to_have_count(6)
    assert len(set(tiles.locator("code").all_inner_texts())) == 1

    # A preset is taken also when the next click follows at once, before the browser has received its values.
    page.get_by_role("link", name="Next: see how they are rendered").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Render the drawings")
    previews = page.locator(".st-key-preview-drawings .drawing")
    expect(previews).to_have_count(4)
    later = page.get_by_role("switch", name="PNG files too").element_handle()
    page.get_by_role("radio", name="Blog post").evaluate(
        "(preset, later) => { preset.click(); setTimeout(() => later.click(), 20) }", later
    )
    expect(page.get_by_text("and the PNG files")).to_be_visible()
    wait_until_idle(page)
    expect(previews.first.locator("figcaption").last).to_have_text("32 × 32")

    page.get_by_role("button", name="Render", exact=True).click()
    expect(page.locator(".st-key-render-job")).to_contain_text("finished in")
    images = RenderedImages.open(tmp_path / "ws" / "images")
    assert (images.raster, images.dataset_hash) == (PRESETS["original"], dataset.content_hash)
    grid = page.locator(".st-key-images-drawings .drawing .ink")
    expect(grid).to_have_count(len(images.labels["train"]))
