"""Models and runs in a real browser: choose, use, rename, delete, download and upload; and pages on a phone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from extexify.dataset.render import render_dataset
from extexify.drawing.raster import PRESETS
from extexify.model.file import read_description
from tests.tiny import make_run, tiny_dataset
from tools.dashboard import TIMEOUT, dashboard, wait_until_idle

LONG = "a-run-with-a-name-that-is-as-long-as-a-name-may-be-and-still-breaks-no-page-4444"


@pytest.fixture(scope="module")
def place(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with forty models, a dataset, images and a run with a long name."""
    workspace = tmp_path_factory.mktemp("models") / "ws"
    (workspace / "models").mkdir(parents=True)
    for name in ("alpha", "beta", *(f"model-{number}" for number in range(38))):
        (workspace / "models" / f"{name}.onnx").write_bytes(tiny_model.read_bytes())
    make_run(workspace / "runs" / LONG, 0.1, epochs=9)
    render_dataset(tiny_dataset(workspace / "dataset", each=5), PRESETS["default"], workspace / "images")
    return workspace


@pytest.fixture(scope="module")
def address(place: Path) -> Iterator[str]:
    with dashboard(place, OMP_NUM_THREADS="1") as started:
        yield started


def row(page: Page, name: str) -> Locator:
    """The row of a model."""
    rows = page.locator(".st-key-models-side-list [role=radio]")
    return rows.filter(has=page.locator(".title", has_text=re.compile(f"^{re.escape(name)}$")))


def choose(page: Page, name: str) -> Locator:
    """Click a model's row; returns the card beside the list."""
    row(page, name).click()
    card = page.locator(".st-key-model")
    expect(card.get_by_role("heading", name=name, exact=True)).to_be_visible()
    wait_until_idle(page)
    return card


def test_a_model_is_used_renamed_downloaded_uploaded_and_deleted(browser: Browser, address: str, place: Path) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(1000 * TIMEOUT)
    page.goto(f"{address}/models")
    expect(row(page, "extexify")).to_contain_text("answers")
    wait_until_idle(page)
    search = page.get_by_placeholder("Search 41 by name")
    search.fill("el-3")
    expect(page.locator(".st-key-models-side-list [role=radio]:visible")).to_have_count(9)
    search.fill("nothing")
    expect(page.locator(".st-key-models-side-list").get_by_text("Nothing has that name.")).to_be_visible()
    search.fill("")
    choose(page, "model-7")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".st-key-model").get_by_role("heading", name="model-7", exact=True)).to_have_count(0)

    card = choose(page, "alpha")
    card.get_by_role("button", name="Use this model").click()
    expect(row(page, "alpha")).to_contain_text("answers")
    card.get_by_role("button", name="Rename").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("New name", exact=True).fill("gamma")
    dialog.get_by_role("button", name="Rename").click()
    expect(row(page, "gamma")).to_contain_text("answers")
    assert read_description(place / "models" / "gamma.onnx").name == "gamma"
    assert json.loads((place / "serving.json").read_text()) == {"model": "workspace/gamma.onnx"}

    with page.expect_download() as started:
        card.get_by_role("button", name="Download").click()
    content = Path(started.value.path()).read_bytes()
    assert started.value.suggested_filename == "gamma.onnx"
    card.get_by_role("button", name="Use elsewhere").click()
    with page.expect_download() as started:
        page.get_by_role("button", name="Page (.zip)").click()
    assert started.value.suggested_filename == "gamma-page.zip"
    assert Path(started.value.path()).stat().st_size > 0
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Add a model file").click()
    page.get_by_test_id("stFileUploaderDropzone").filter(visible=True).locator("input[type=file]").set_input_files(
        {"name": "gamma.onnx", "mimeType": "application/octet-stream", "buffer": content}
    )
    expect(row(page, "gamma-2")).to_be_visible()

    page.keyboard.press("Escape")
    card = choose(page, "beta")
    card.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(row(page, "beta")).to_have_count(0)
    assert not (place / "models" / "beta.onnx").exists()
    card = choose(page, "gamma")
    card.get_by_role("link", name="Draw with it").click()
    expect(page.get_by_text("29 symbols, right within five")).to_be_visible()
    context.close()


def test_pages_fit_a_phone(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 375, "height": 760})
    page = context.new_page()
    page.set_default_timeout(1000 * TIMEOUT)
    shown = {
        "export": page.locator(".st-key-dataset-drawings .drawing").first,
        "render": page.locator(".st-key-preview-drawings .drawing").first,
        f"train?run={LONG}": page.locator(".st-key-train-charts .js-plotly-plot").first,
        "evaluate": page.get_by_text("Nothing evaluated yet."),
        "models": page.locator(".st-key-run").get_by_role("heading", name=LONG),
    }
    for name, last in shown.items():
        page.goto(f"{address}/{name}")
        expect(last).to_be_visible()
        wait_until_idle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 375, name
        assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= 375, name
    context.close()
