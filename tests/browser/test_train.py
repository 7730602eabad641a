"""A training in a real browser: it survives reloads, is seen in every tab, stops and is resumed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from extexify.dataset.render import render_dataset
from extexify.drawing.raster import PRESETS
from extexify.workspace import jobs
from tests.tiny import tiny_dataset
from tools.dashboard import TIMEOUT, dashboard, wait_until_idle


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A workspace with a tiny dataset and the images that the recipe `original` reads."""
    render_dataset(tiny_dataset(tmp_path / "ws" / "dataset", each=4), PRESETS["original"], tmp_path / "ws" / "images")
    return tmp_path / "ws"


@pytest.fixture
def tabs(browser: Browser, place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Page]]:
    """The Train page in two browsers."""
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(place))
    with dashboard(place, OMP_NUM_THREADS="1") as address:
        contexts = [browser.new_context() for _ in range(2)]
        pages = []
        for context in contexts:
            context.set_default_timeout(1000 * TIMEOUT)
            pages.append(context.new_page())
            pages[-1].goto(f"{address}/train")
            expect(pages[-1].get_by_role("heading", level=1)).to_have_text("Train a model")
            wait_until_idle(pages[-1])
        yield pages
        for context in contexts:
            context.close()
    # Jobs outlive their server; the second stop kills.
    for job in jobs.running():
        jobs.stop(job)
        jobs.stop(job)


def fill(page: Page, label: str, text: str) -> None:
    field = page.get_by_label(label, exact=True)
    expect(field).to_have_count(1)
    field.fill(text)
    field.press("Tab")
    wait_until_idle(page)
    expect(field).to_have_value(text)


def stop_button(page: Page) -> Locator:
    return page.locator("[class*='st-key-train-'][class*='-stop'] button")


def epochs_done(place: Path) -> int:
    return (place / "runs" / "long" / "metrics.jsonl").read_bytes().count(b"\n")


def test_a_training_survives_reloads_is_seen_in_every_tab_stops_and_is_resumed(tabs: list[Page], place: Path) -> None:
    page, other = tabs
    page.get_by_role("radiogroup", name="Recipe").get_by_text("original", exact=True).click()
    # The recipe's own field for epochs appears before the former one's disappears.
    expect(page.locator("input[aria-label='Epochs'][value='20']")).to_be_visible()
    fill(page, "Epochs", "9000")
    page.get_by_text("Name, seed and device").click()
    fill(page, "Name of the run", "long")
    expect(page.get_by_text(re.compile("writes runs / long"))).to_be_visible()
    expect(page.locator(".st-key-train-go button")).to_be_enabled()
    page.locator(".st-key-train-go button").click()
    expect(page.get_by_text("Training long").first).to_be_visible()

    charts = page.locator(".st-key-train-charts .js-plotly-plot")
    expect(charts).to_have_count(4)
    expect(page.get_by_text("Table of all epochs")).to_be_visible()
    expect(page.locator(".runs-legend").get_by_text("long")).to_be_visible()
    page.reload()
    expect(page.get_by_text("of 9,000").first).to_be_visible()
    expect(charts).to_have_count(4)
    other.reload()
    expect(other.get_by_text("of 9,000").first).to_be_visible()

    stop_button(page).click()
    for each in (page, other):
        expect(each.get_by_text("Training long was stopped after")).to_be_visible()
        expect(each.get_by_text("of 9,000 epochs are done and saved")).to_be_visible()
        wait_until_idle(each)
    done = epochs_done(place)
    assert done >= 1

    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Resuming long").first).to_be_visible()
    expect(page.get_by_text(re.compile(r"Epoch [\d,]+ of 9,000")).first).to_be_visible()
    stop_button(page).click()
    expect(page.get_by_text("Resuming long was stopped after")).to_be_visible()
    assert epochs_done(place) >= done
