"""Own symbols as further classes of a classifier: found at once, beside the model's own, and none without them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from extexify.catalog import own
from extexify.catalog.own import OwnSymbol, checked
from extexify.drawing.strokes import Drawing, Drawings
from extexify.model.background import FeatureStatistics, fit_background
from extexify.model.classifier import Classifier
from extexify.model.own import with_own_symbols, with_symbols
from extexify.model.own_classes import OwnClasses
from extexify.sources.own import OwnSymbolsSource, drawings_of, strokes_for
from extexify.sources.rows import check_row
from extexify.sources.starter import starter_drawings
from extexify.workspace import paths

KNOWN = "latex2e-OT1-_Omega"


@pytest.fixture(scope="module")
def classifier(tiny_model: Path) -> Classifier:
    return Classifier.load(tiny_model)


@pytest.fixture(autouse=True)
def _workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTEXIFY_WORKSPACE", str(tmp_path / "workspace"))


def spiral(seed: int) -> Drawing:
    """A drawing that is none of the model's symbols: a spiral of two turns and a bar."""
    rng = np.random.default_rng(seed)
    angle = np.linspace(0, 4 * np.pi, 60)
    turns = np.column_stack([angle * np.cos(angle), angle * np.sin(angle)]) * 8 + rng.normal(0, 1, 2)
    bar = np.array([[-120, 130], [120, 130]]) + rng.normal(0, 4, (2, 2))
    return [turns.astype(np.float32), bar.astype(np.float32)]


def symbol(command: str = r"\spiral", count: int = 3) -> OwnSymbol:
    return checked(OwnSymbol, command, drawings=tuple(strokes_for(spiral(number)) for number in range(count)))


def test_without_own_symbols_the_classifier_is_the_same(classifier: Classifier) -> None:
    assert with_own_symbols(classifier) is classifier


@pytest.mark.parametrize("count", [1, 3, 10])
def test_an_own_symbol_is_found_at_once_from_few_drawings(classifier: Classifier, count: int) -> None:
    own.add_symbol(symbol(count=count))
    extended = with_own_symbols(classifier)
    # The network's random weights say nothing of which of its own symbols the drawing may be.
    found = {result.head.key: result.head.command for result in extended.answers(spiral(99), 5).results}
    assert found["own-OT1-_spiral"] == r"\spiral"
    assert extended.classes == (*classifier.classes, "own-OT1-_spiral")
    own.remove_symbol(r"\spiral")
    assert with_own_symbols(classifier) is classifier


def test_drawings_of_other_symbols_keep_their_answers(classifier: Classifier) -> None:
    extended = with_symbols(classifier, {symbol().key: symbol()})
    for drawing in starter_drawings(KNOWN, 3, seed=5):
        before, after = classifier.classify(drawing, 29), extended.classify(drawing, 30)
        assert [prediction.key for prediction in after if prediction.key in classifier.classes] == [
            prediction.key for prediction in before
        ]
        (mine,) = (prediction for prediction in after if prediction.key not in classifier.classes)
        assert mine.probability < 0.5
        assert sum(prediction.probability for prediction in after) == pytest.approx(1, abs=1e-4)


def test_a_batch_is_answered_like_single_drawings(classifier: Classifier) -> None:
    extended = with_symbols(classifier, {symbol().key: symbol()})
    drawings = [spiral(number) for number in range(40)] + starter_drawings(KNOWN, 40)
    together = np.concatenate(list(extended.probabilities(Drawings.pack(drawings), batch=33)))
    assert together.shape == (80, 30)
    for drawing, row in zip(drawings[::13], together[::13], strict=True):
        (best,) = extended.classify(drawing, 1)
        assert row.max() == pytest.approx(best.probability, abs=1e-5)


def test_a_symbol_that_the_model_was_trained_for_is_not_added_again(classifier: Classifier) -> None:
    assert with_symbols(classifier, {KNOWN: symbol()}) is classifier


def test_the_next_training_reads_the_drawings_as_a_source() -> None:
    own.add_symbol(symbol())
    own.add_symbol(symbol(r"\other", 1))
    samples = [check_row(row) for row in OwnSymbolsSource().rows()]
    assert [sample.key for sample in samples] == ["own-OT1-_other"] + ["own-OT1-_spiral"] * 3
    assert len({sample.id for sample in samples}) == 4
    for sample, drawing in zip(samples[1:], drawings_of(symbol()), strict=True):
        for one, other in zip(sample.drawing, drawing, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("points", [[[5.5, 7.25]], [[0.001, 0.002], [0.003, 0.001]], [[-1e6, 0], [1e6, 9]]])
def test_a_stored_drawing_keeps_its_shape(points: list[list[float]]) -> None:
    drawing = [np.array(points, np.float32)]
    (stored,) = drawings_of(checked(OwnSymbol, "x", drawings=(strokes_for(drawing),)))
    wide = np.ptp(drawing[0], axis=0)
    np.testing.assert_allclose(np.ptp(stored[0], axis=0), wide * 1000 / (wide.max() or 1), atol=1)


def test_the_features_of_a_network_are_kept_in_the_workspace(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def extended() -> Classifier:
        return with_symbols(Classifier.load(tiny_model), {symbol().key: symbol()})

    def probabilities() -> dict[str, float]:
        return {found.key: found.probability for found in extended().classify(spiral(9), 30)}

    first = pytest.approx(probabilities(), abs=1e-5)
    (file,) = paths.features_folder().glob("*.npy")
    with monkeypatch.context() as patch:
        patch.setattr("extexify.model.own.FeatureStatistics.of", None)
        assert probabilities() == first
    for damage in (b"", b"no array", file.read_bytes()[:-100]):
        file.write_bytes(damage)
        assert probabilities() == first
        assert len(file.read_bytes()) > 1000


def test_odds_are_those_of_normal_distributions() -> None:
    rng = np.random.default_rng(0)
    means = rng.normal(0, 10, (50, 4))
    features = (means[:, None] + rng.normal(0, 1, (50, 100, 4))).astype(np.float32)
    labels = np.repeat(np.arange(len(features)), 100)
    statistics = FeatureStatistics.of(features.reshape(len(labels), -1), labels, len(features))
    background = fit_background(statistics, None, "starters")
    new = np.array([[30, 30, 30, 30]], np.float32)
    classes = OwnClasses(background, {"near": (new, 100.0), "far": (-new, 100.0)}, 1.0)
    logits = np.zeros((2, 50), np.float32)
    found = classes.logits(logits, np.concatenate([new + 0.1, means[:1].astype(np.float32)]))
    assert found[0, 0] > np.log(50) > found[0, 1]
    assert (found[1] < 0).all()
