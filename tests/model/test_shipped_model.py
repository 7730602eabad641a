"""The shipped model is the one that its card describes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from extexify.catalog.lookalikes import drawn_alike
from extexify.catalog.symbols import detexify_keys
from extexify.drawing.strokes import Drawings
from extexify.evaluation.evaluate import evaluate_sources
from extexify.model.classifier import Classifier
from extexify.model.library import list_models
from extexify.model.rejection import certainty
from extexify.sources.open import open_source
from extexify.sources.starter import starter_drawings, symbols_with_skeletons
from extexify.training.recipes import RECIPES, Recipe
from extexify.training.scribbles import scribbles
from extexify.workspace.paths import SHIPPED_MODELS

ABOUT = Path(__file__).parents[2] / "models"
CARD = (ABOUT / "README.md").read_text()
MODEL = SHIPPED_MODELS / "extexify.onnx"
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def shipped() -> Classifier:
    return Classifier.load(MODEL)


def card_row(pattern: str) -> list[float]:
    """The numbers in the card's table row whose first cell matches."""
    rows = [line.split("|")[1:-1] for line in CARD.splitlines() if line.startswith("|")]
    found = [cells[1:] for cells in rows if re.search(pattern, cells[0])]
    assert len(found) == 1, f"the card should have one row {pattern!r}"
    return [float(cell) for cell in found[0]]


def test_it_reproduces_the_metrics_of_its_card_on_starter_drawings(shipped: Classifier) -> None:
    source = "starter:each=1,seed=1"
    found = evaluate_sources(shipped, [open_source(source)])
    assert found.n == len(detexify_keys())
    # Processors round differently; a drawing or two may change places.
    assert [100 * found.top[k] for k in (1, 3, 5, 10)] == pytest.approx(card_row(re.escape(source)), abs=0.3)


def test_it_was_trained_by_the_current_recipe_and_evaluated_on_the_rest(shipped: Classifier) -> None:
    training = shipped.description.training
    assert training["train_on"] == "train+validation"
    assert set(shipped.metrics) == {"test"}, "metrics on training drawings would mislead"
    # These were fitted after it: the first is in its weights, the others are its description's.
    fitted = {
        name: getattr(RECIPES["default"], name) for name in ("undrawn_shift", "temperature", "rejection_threshold")
    }
    assert replace(Recipe.from_json(training["recipe"]), **fitted) == RECIPES["default"]
    assert shipped.description.temperature == pytest.approx(fitted["temperature"], abs=0.01)


def test_it_knows_every_shape_of_the_catalogue(shipped: Classifier) -> None:
    known = set(shipped.classes)
    assert set(detexify_keys()) <= known
    drawable = set(symbols_with_skeletons()) - known
    assert [key for key in drawable if known.isdisjoint(drawn_alike(key))] == []
    assert f"{len(known):,} shapes" in CARD


def test_it_tells_the_figures_of_its_card_and_its_own_date(
    shipped: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    description = shipped.description
    for metrics, row in (
        (description.evaluated, "the very symbol"),
        (description.evaluated["prints_alike"], "a symbol that prints alike"),
        (description.evaluated["drawn_alike"], "a symbol that is drawn alike"),
    ):
        assert [100 * metrics[f"top{k}"] for k in (1, 3, 5, 10)] == pytest.approx(card_row(row), abs=0.051)
    assert f"{description.evaluated['n']:,} drawings of all" in " ".join(CARD.split())
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", "nowhere")
    (model,) = list_models()
    assert f"{datetime.fromtimestamp(model.date):%Y-%m-%d}" == description.training["date"] == card_date()


def card_date() -> str:
    (found,) = re.findall(r"\| date \| (\S+) \|", CARD)
    return str(found)


def test_it_rejects_scribbles_and_few_symbols(shipped: Classifier) -> None:
    def rejected(drawings: Drawings) -> float:
        certain = np.concatenate([certainty(part) for part in shipped.probabilities(drawings)])
        return float((certain < shipped.description.rejection_threshold).mean())

    assert rejected(scribbles(80, np.random.default_rng(9))) > 0.95
    # Some of these synthetic drawings are unlike any that people make; of those it rejects 1 %.
    assert rejected(Drawings.pack([starter_drawings(key, 1)[0] for key in detexify_keys()[::10]])) < 0.2


def test_it_is_small(shipped: Classifier) -> None:
    assert MODEL.stat().st_size <= 25 * MEGABYTE


def test_its_log_has_every_epoch(shipped: Classifier) -> None:
    lines = (ABOUT / "extexify.metrics.jsonl").read_text().splitlines()
    epochs = shipped.description.training["recipe"]["epochs"]
    assert [json.loads(line)["epoch"] for line in lines] == list(range(1, epochs + 1))
