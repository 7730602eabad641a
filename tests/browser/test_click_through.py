"""A newcomer's way without any data: from Detexify's drawings to an answer by a trained model, by clicks alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from extexify.dataset.dataset import Dataset
from extexify.dataset.render import RenderedImages
from extexify.sources.starter import StarterSource
from tests.archives import origin, project, sample, send, served
from tests.visits import PLUS
from tools.dashboard import canvas_of, dashboard, draw, wait_for_answer, wait_until_idle

PATIENCE = 300_000
"""Milliseconds that a job may take: it steps back behind everything else that the machine does."""

EACH, EPOCHS = 3, 1


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """The dashboard on an empty workspace; its archive of Detexify's drawings has starter drawings."""
    rows = enumerate(StarterSource(each=EACH).rows())
    lines = [sample(n, json.loads(row.strokes or b""), source=origin(str(row.key), n)) for n, row in rows]
    with served(send(project(lines))) as (url, _), dashboard(tmp_path / "ws", EXTEXIFY_DETEXIFY=url) as address:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.goto(address)
        yield page
        context.close()


def go_to(page: Page, name: str, title: str) -> None:
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(title, timeout=PATIENCE)
    wait_until_idle(page)


def test_from_an_empty_workspace_to_an_answer(page: Page, tmp_path: Path) -> None:
    workspace = tmp_path / "ws"
    canvas_of(page).wait_for()

    go_to(page, "Export", "Get drawings")
    page.get_by_role("button", name="Start with Detexify's drawings").click()
    expect(page.locator(".st-key-export-job")).to_contain_text("finished in", timeout=PATIENCE)
    expect(page.locator(".st-key-dataset-counts")).to_contain_text(f"{EACH * 1122:,}")

    go_to(page, "Render", "Render the drawings")
    page.get_by_role("radio", name="Blog post").click()
    expect(page.get_by_text("The recipe “original”")).to_be_visible()
    wait_until_idle(page)
    page.get_by_role("button", name="Render", exact=True).click()
    expect(page.get_by_text("finished in")).to_be_visible(timeout=PATIENCE)

    go_to(page, "Train", "Train a model")
    page.get_by_role("radiogroup", name="Recipe").get_by_text("original", exact=True).click()
    wait_until_idle(page)
    # While the page is being redrawn for another recipe, the field of the one before may still be there.
    # The recipe's own field appears before the former one disappears.
    expect(page.locator("input[aria-label='Epochs'][value='20']")).to_be_visible()
    expect(page.get_by_label("Epochs", exact=True)).to_have_count(1)
    page.get_by_label("Epochs", exact=True).fill(str(EPOCHS))
    page.get_by_text("Name, seed and device").click()
    page.get_by_label("Name of the run", exact=True).fill("mine")
    page.get_by_label("Name of the run", exact=True).press("Tab")
    wait_until_idle(page)
    expect(page.locator(".st-key-train-go button")).to_be_enabled()
    page.locator(".st-key-train-go button").click()
    # The sidebar shows the job on every page.
    expect(page.get_by_test_id("stSidebar").get_by_text("Training mine")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Training mine finished in")).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".st-key-train-charts .js-plotly-plot")).to_have_count(4)

    go_to(page, "Evaluate", "Where the model errs")
    page.get_by_label("Model", exact=True).click()
    page.get_by_role("option", name="mine").click()
    wait_until_idle(page)
    page.get_by_role("button", name="Evaluate", exact=True).click()
    expect(page.get_by_text("finished in")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_test_id("stMetricValue").first).to_contain_text("%")

    go_to(page, "Models", "Models and runs")
    page.locator(".st-key-models-side-list [role=radio]").filter(has_text="mine").click()
    expect(page.locator(".st-key-model").get_by_role("heading", name="mine", exact=True)).to_be_visible()
    wait_until_idle(page)
    page.get_by_role("button", name="Use this model").click()
    expect(page.locator(".stMarkdownBadge", has_text="Answers on the Draw page")).to_be_visible()

    go_to(page, "Draw", "Draw a symbol, get its LaTeX command")
    canvas_of(page).wait_for()
    expect(page.get_by_text("Model “mine”: 1,122 symbols")).to_be_visible(timeout=PATIENCE)
    draw(page, PLUS)
    wait_for_answer(page, len(PLUS))
    assert len(page.locator(".st-key-answers ol .command").all()) == 5

    # What the clicks made is what the command line and the library read.
    assert len(Dataset.open(workspace / "dataset")) == EACH * 1122
    assert RenderedImages.open(workspace / "images").raster.size == 32
    assert (workspace / "models" / "mine.onnx").exists()
