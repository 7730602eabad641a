"""A drawing made on the page and the same drawing from a file get the same answers.

Starter drawings, whose strokes are known, are replayed with the mouse on the page that the shipped model serves.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from extexify.drawing.strokes import Drawing
from extexify.model.classifier import Classifier
from extexify.sources.starter import starter_drawings
from extexify.workspace.paths import SHIPPED_MODELS
from tools.dashboard import CANVAS_SIDE, canvas_of, dashboard
from tools.replay import INK_SIDE, TOLERANCE, agree, clear, differences, expected, on_canvas, replay

# Key and number of a starter drawing: curves, corners, several strokes, dots beside a stroke, dots alone.
SEED = 7
DRAWINGS = [
    ("latex2e-OT1-_sum", 1),
    ("latex2e-OT1-_xi", 0),
    ("latex2e-OT1-_doteq", 1),
    ("latex2e-OT1-_ddots", 0),
]

TOLERANCES = {"latex2e-OT1-_ddots": 0.2, "latex2e-OT1-_xi": 0.15}
"""Drawings of dots alone, a few pixels each: how long each one is, and so how many of the points along the strokes it
gets, is a matter of the brush. And a starter ξ that is unlike people's. The answers stay, their probabilities move."""


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The Draw page, the shipped model answering."""
    with dashboard(tmp_path_factory.mktemp("workspace")) as address:
        context = browser.new_context()
        page = context.new_page()
        page.goto(address)
        canvas_of(page).wait_for()
        page.get_by_text("What the model sees").wait_for(timeout=60_000)
        yield page
        context.close()


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load(next(SHIPPED_MODELS.glob("*.onnx")))


@pytest.mark.parametrize(("key", "number"), DRAWINGS)
def test_a_replayed_drawing_gets_the_answers_of_its_strokes(
    page: Page, classifier: Classifier, key: str, number: int
) -> None:
    drawing = starter_drawings(key, number + 1, SEED)[number]
    clear(page)
    there = replay(page, drawing)
    here = expected(classifier, drawing)
    assert len(there) == 5
    assert set(there[0].keys) == set(here[0].keys)
    assert there[0].keys[0] == here[0].head.key
    assert agree(here, there, TOLERANCES.get(key, TOLERANCE)), differences(here, there)
    assert any(key in answer.keys for answer in there)


def test_a_scribble_is_rejected_and_a_symbol_is_not(page: Page) -> None:
    not_sure = page.locator(".unsure").get_by_text("Not sure: this looks like none of the model's symbols.")
    clear(page)
    replay(page, [np.random.default_rng(5).uniform(60, 330, (18, 2)).astype(np.float32)])
    expect(not_sure).to_be_visible()
    clear(page)
    expect(not_sure).to_be_hidden()
    replay(page, starter_drawings("latex2e-OT1-_alpha", 2, SEED)[1])
    expect(not_sure).to_be_hidden()


@pytest.mark.parametrize(
    "drawing",
    [
        [np.array([[5, 5]], np.float32)],
        [np.array([[5, 5], [5, 5]], np.float32), np.array([[5, 5]], np.float32)],
        [np.array([[-1e5, 0], [1e5, 10]], np.float32)],
        [np.array([[0, 0], [0.01, 0.02]], np.float32), np.array([[0, 0.03]], np.float32)],
    ],
    ids=["dot", "dots in one spot", "wide", "tiny"],
)
def test_every_drawing_fits_on_the_canvas_undistorted(drawing: Drawing) -> None:
    before, after = np.concatenate(drawing), np.concatenate(on_canvas(drawing))
    assert (np.abs(after - CANVAS_SIDE / 2) <= INK_SIDE / 2 + 1e-3).all()
    extent = np.ptp(before, axis=0).max()
    if extent:
        np.testing.assert_allclose(np.ptp(after, axis=0) * extent, np.ptp(before, axis=0) * INK_SIDE, rtol=1e-3)
