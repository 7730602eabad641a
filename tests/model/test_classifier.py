"""Classification: single drawings and batches, threads, temperatures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from extexify.drawing.raster import rasterize_drawing
from extexify.drawing.strokes import Drawings
from extexify.model.answers import fold_look_alikes
from extexify.model.classifier import Classifier
from extexify.model.file import read_model
from extexify.model.ranking import SHAPE, USAGE
from extexify.model.rejection import is_rejected
from tests.models import classifier_of, description_of, linear_model
from tests.tiny import SHAPES, shape

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return classifier_of(SHAPES)


def test_predictions_are_ranked_probabilities_with_commands(classifier: Classifier) -> None:
    drawing = shape("latex2e-OT1-_circ", np.random.default_rng(0))
    predictions = classifier.classify(drawing, top=6)
    assert sorted(prediction.key for prediction in predictions) == sorted(SHAPES)
    probabilities = [prediction.probability for prediction in predictions]
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) == pytest.approx(1, abs=1e-5)
    commands = {prediction.key: prediction.command for prediction in predictions}
    assert commands["latex2e-OT1-_circ"] == r"\circ"
    assert classifier.classify(drawing, top=2) == predictions[:2]
    assert len(classifier.classify(drawing, top=100)) == 6


@pytest.mark.parametrize("scale", [10.0, 0.0])
def test_the_first_ones_are_the_first_of_all_also_where_probabilities_are_equal(scale: float) -> None:
    classifier = classifier_of(SHAPES, scale=scale)
    drawing = shape("latex2e-OT1-_times", np.random.default_rng(0))
    everything = classifier.classify(drawing, len(SHAPES))
    assert len(everything) == len(SHAPES)
    for top in range(1, len(SHAPES) + 2):
        assert classifier.classify(drawing, top) == everything[:top]


def test_a_batch_is_classified_like_single_drawings(classifier: Classifier) -> None:
    rng = np.random.default_rng(1)
    drawings = [shape(key, rng) for key in SHAPES] * 5
    together = np.concatenate(list(classifier.probabilities(Drawings.pack(drawings), batch=7)))
    assert together.shape == (30, 6)
    assert together.dtype == np.float32
    for drawing, row in zip(drawings, together, strict=True):
        for prediction in classifier.classify(drawing, top=6):
            index = classifier.classes.index(prediction.key)
            assert row[index] == pytest.approx(prediction.probability, abs=1e-5)


def test_the_model_reads_what_the_rasterizer_draws(classifier: Classifier) -> None:
    drawing = shape("latex2e-OT1-_equiv", np.random.default_rng(2))
    np.testing.assert_array_equal(classifier.raster_of(drawing), rasterize_drawing(drawing, classifier.raster))


def test_threads_share_a_classifier(classifier: Classifier) -> None:
    rng = np.random.default_rng(3)
    drawings = [shape(key, rng) for key in SHAPES] * 10
    alone = [classifier.classify(drawing) for drawing in drawings]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(classifier.classify, drawings)) == alone


def test_a_temperature_changes_probabilities_but_no_order() -> None:
    drawing = shape("latex2e-OT1-_circ", np.random.default_rng(0))
    plain, cold = (classifier_of(SHAPES, temperature).classify(drawing, 6) for temperature in (1.0, 0.25))
    assert [prediction.key for prediction in plain] == [prediction.key for prediction in cold]
    assert cold[0].probability > plain[0].probability


def test_by_shape_alone_results_are_those_of_the_networks_probabilities(tiny_model: Path) -> None:
    classifier = Classifier.load(tiny_model)
    rng = np.random.default_rng(0)
    for results in (1, 5, 25, 100):
        drawing = [rng.uniform(0, 100, (9, 2)).astype(np.float32)]
        complete = fold_look_alikes(classifier.classify(drawing, top=len(classifier.classes)), SHAPE)
        assert list(classifier.answers(drawing, results, SHAPE).results) == complete[:results]


def test_by_usage_probabilities_are_multiplied_by_how_often_a_symbol_is_wanted(tiny_model: Path) -> None:
    classifier = Classifier.load(tiny_model)
    drawing = [np.random.default_rng(0).uniform(0, 100, (9, 2)).astype(np.float32)]
    shape = {one.key: one.probability for one in classifier.classify(drawing, top=len(classifier.classes))}
    weighted = {key: probability * USAGE.weight(key) for key, probability in shape.items()}
    for result in classifier.answers(drawing, 25, USAGE).results:
        for member in result.members:
            assert member.probability == pytest.approx(weighted[member.key] / sum(weighted.values()), rel=1e-4)


def test_answers_are_results_and_whether_the_model_is_sure(tiny_model: Path) -> None:
    classifier = Classifier.load(tiny_model)
    drawing = [np.random.default_rng(0).uniform(0, 100, (9, 2)).astype(np.float32)]
    predictions = classifier.classify(drawing, top=len(classifier.classes))
    for threshold in (0.0, 1.0):
        description = replace(classifier.description, rejection_threshold=threshold)
        answers = Classifier(description, read_model(tiny_model)[1]).answers(drawing, 5)
        assert len(answers.results) == 5
        assert answers.is_sure is not is_rejected(predictions, threshold)


def test_weights_that_are_no_numbers_give_finite_probabilities() -> None:
    for number in (np.nan, np.inf, -np.inf, 3e38):
        for prediction in classifier_of(SHAPES, scale=number).classify([np.array([[0, 0], [5, 9]], np.float32)]):
            assert 0 <= prediction.probability <= 1


def test_a_graph_that_gives_another_number_of_logits_than_it_says_is_refused() -> None:
    description = description_of(SHAPES)
    model = linear_model(replace(description, classes=description.classes[:4]))
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = len(description.classes)
    with pytest.raises(ValueError, match=r"\w"):
        Classifier(description, model)
