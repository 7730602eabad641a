"""A model answers for single drawings and batches alike, from several threads; evaluation counts right."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from extexify.catalog import lookalikes
from extexify.catalog.lookalikes import groups_of
from extexify.drawing.inputs import model_inputs
from extexify.drawing.raster import preset, rasterize_drawing
from extexify.drawing.resample import SequenceSettings
from extexify.drawing.strokes import Drawings
from extexify.evaluation.evaluate import evaluate_dataset, evaluate_sources
from extexify.evaluation.metrics import ranks, top_classes
from extexify.model.answers import fold_look_alikes
from extexify.model.classifier import Classifier
from extexify.model.file import ModelDescription
from extexify.model.networks import Network, build, to_tensors
from extexify.sources.base import Row, SourceError
from tests.tiny import SHAPES, TinySource, shape, tiny_dataset

pytestmark = pytest.mark.usefixtures("one_thread")


SMALL = {"channels": [8, 16], "blocks": [1, 1]}
ARCHITECTURES: dict[str, dict[str, Any]] = {"residual": SMALL, "fused": {"picture": SMALL, "sequence": SMALL}}


def network_of(architecture: str, classes: int) -> Network:
    """A network with random weights and statistics."""
    torch.manual_seed(1)
    network = build(architecture, classes, ARCHITECTURES[architecture])
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.weight)
            torch.nn.init.normal_(module.running_mean, std=0.1)  # type: ignore[arg-type]
            torch.nn.init.uniform_(module.running_var, 0.5, 2)  # type: ignore[arg-type]
    return network.eval()


def model_of(
    keys: list[str], temperature: float = 1.0, architecture: str = "fused"
) -> tuple[ModelDescription, Network]:
    """A model with random weights."""
    description = ModelDescription(
        "tiny", architecture, ARCHITECTURES[architecture], tuple(sorted(keys)), preset("default", size=24), temperature,
        sequence=SequenceSettings(32) if architecture == "fused" else None,
    )  # fmt: skip
    return description, network_of(architecture, len(keys))


def classifier_of(keys: list[str], temperature: float = 1.0, architecture: str = "fused") -> Classifier:
    """A classifier with random weights."""
    description, network = model_of(keys, temperature, architecture)
    return Classifier(description, arrays_of(network))


def arrays_of(network: Network) -> dict[str, NDArray[Any]]:
    """A network's weights as arrays."""
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


@pytest.fixture(scope="module", params=list(ARCHITECTURES))
def classifier(request: pytest.FixtureRequest) -> Classifier:
    return classifier_of(list(SHAPES), architecture=request.param)


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


def test_a_batch_answers_like_single_drawings(classifier: Classifier) -> None:
    rng = np.random.default_rng(1)
    drawings = [shape(key, rng) for key in SHAPES] * 5
    together = np.concatenate(list(classifier.probabilities(Drawings.pack(drawings), batch=7)))
    assert together.shape == (30, 6)
    assert together.dtype == np.float32
    for drawing, row in zip(drawings, together, strict=True):
        for prediction in classifier.classify(drawing, top=6):
            index = classifier.classes.index(prediction.key)
            assert row[index] == pytest.approx(prediction.probability, abs=1e-5)


def test_the_model_sees_what_the_rasterizer_draws(classifier: Classifier) -> None:
    drawing = shape("latex2e-OT1-_equiv", np.random.default_rng(2))
    np.testing.assert_array_equal(classifier.raster_of(drawing), rasterize_drawing(drawing, classifier.raster))


def test_answers_are_those_of_the_network_as_it_was_trained(classifier: Classifier) -> None:
    rng = np.random.default_rng(4)
    drawings = Drawings.pack([shape(key, rng) for key in SHAPES])
    network = network_of(classifier.description.architecture, len(SHAPES))
    inputs = model_inputs(drawings, classifier.raster, classifier.description.sequence)
    with torch.inference_mode():
        wanted = network(*to_tensors(inputs, network, torch.device("cpu")))
    np.testing.assert_allclose(classifier.logits(drawings), wanted.numpy(), atol=1e-4, rtol=1e-4)


def test_threads_share_a_classifier(classifier: Classifier) -> None:
    rng = np.random.default_rng(3)
    drawings = [shape(key, rng) for key in SHAPES] * 10
    alone = [classifier.classify(drawing) for drawing in drawings]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(classifier.classify, drawings)) == alone


def test_a_temperature_changes_probabilities_but_no_order() -> None:
    drawing = shape("latex2e-OT1-_circ", np.random.default_rng(0))
    plain, cold = (classifier_of(list(SHAPES), temperature).classify(drawing, 6) for temperature in (1.0, 0.25))
    assert [prediction.key for prediction in plain] == [prediction.key for prediction in cold]
    assert cold[0].probability > plain[0].probability


@given(st.lists(st.lists(st.integers(0, 4), min_size=5, max_size=5), min_size=1, max_size=20), st.data())
def test_ranks_agree_with_sorting(rows: list[list[int]], data: st.DataObject) -> None:
    probabilities = (np.array(rows) / 4).astype(np.float32)
    labels = np.array(data.draw(st.lists(st.integers(0, 4), min_size=len(rows), max_size=len(rows))))
    order = np.argsort(-probabilities, axis=1, kind="stable")
    wanted = [list(order[row]).index(label) for row, label in enumerate(labels)]
    assert ranks(top_classes(probabilities), labels, np.arange(5)).tolist() == wanted


def test_a_look_alike_counts_as_right_only_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = sorted(SHAPES)
    groups = {"prints": ((keys[0], keys[1]),), "drawn": ((*keys, "unknown"),)}
    monkeypatch.setattr(lookalikes, "look_alike_groups", groups.__getitem__)
    assert groups_of(keys, "prints").tolist() == [0, 0, 2, 3, 4, 5]
    assert groups_of(keys, "drawn").tolist() == [0] * 6
    top = top_classes(np.array([[0.1, 0.2, 0.3, 0.4, 0.0, 0.0]] * 3, np.float32))
    assert ranks(top, np.array([0, 2, 4]), groups_of(keys, "prints")).tolist() == [2, 1, 4]
    assert ranks(top, np.array([0, 2, 4]), groups_of(keys, "exact")).tolist() == [3, 1, 4]
    found = evaluate_sources(classifier_of(keys), [TinySource(10)])
    for k in found.top:
        assert found.top[k] <= found.prints_alike[k] <= found.drawn_alike[k] <= 1
    assert found.top[1] < found.drawn_alike[1] == 1


class TestEvaluation:
    def test_a_dataset_and_its_source_give_the_figures_of_single_answers(
        self, classifier: Classifier, tmp_path: Path
    ) -> None:
        dataset = tiny_dataset(tmp_path / "dataset", each=8)
        found = evaluate_dataset(classifier, dataset, "all")
        right = {1: 0, 3: 0, 5: 0, 10: 0}
        for drawing, label in zip(dataset.drawings, dataset.labels, strict=True):
            answers = [prediction.key for prediction in classifier.classify(drawing, 10)]
            for k in right:
                right[k] += dataset.classes[label] in answers[:k]
        assert found.n == len(dataset) == 48
        assert found.top == {k: count / 48 for k, count in right.items()}
        assert found.top[10] == 1
        assert evaluate_sources(classifier, [TinySource(8)]) == found

    def test_keys_that_the_model_does_not_know_are_counted_apart(self) -> None:
        fewer = classifier_of(list(SHAPES)[:4])
        found = evaluate_sources(fewer, [TinySource(5)])
        assert (found.n, found.unknown_keys) == (20, 10)

    def test_unusable_rows_are_counted_and_no_row_is_an_error(self, classifier: Classifier) -> None:
        class Broken(TinySource):
            def rows(self):  # type: ignore[no-untyped-def]
                yield Row(1, "latex2e-OT1-_circ", None)
                yield Row(2, None, "[[[0, 0]]]")
                yield from super().rows() if self._each else ()

        assert evaluate_sources(classifier, [Broken(2)]).to_json()["unusable"] == 2
        with pytest.raises(SourceError, match="no usable row"):
            evaluate_sources(classifier, [Broken(0)])

    def test_splits_are_judged_by_name(self, classifier: Classifier, tmp_path: Path) -> None:
        dataset = tiny_dataset(tmp_path / "dataset", each=10)
        counts = [evaluate_dataset(classifier, dataset, split).n for split in ("train", "validation", "test")]
        assert sum(counts) == evaluate_dataset(classifier, dataset, "all").n
        with pytest.raises(ValueError, match="no split 'exam'"):
            evaluate_dataset(classifier, dataset, "exam")


def test_the_leading_predictions_give_the_same_results_as_all(tiny_model: Path) -> None:
    classifier = Classifier.load(tiny_model)
    everything = len(classifier.classes)
    rng = np.random.default_rng(0)
    for results, symbols in ((1, 1), (5, 10), (25, 10), (100, 3)):
        drawing = [rng.uniform(0, 100, (9, 2)).astype(np.float32)]
        complete = classifier.classify(drawing, top=everything)
        leading = classifier.candidates(drawing, results=results, symbols=symbols)
        assert fold_look_alikes(leading)[:results] == fold_look_alikes(complete)[:results]
        assert leading[:symbols] == complete[:symbols]
        assert [one for one in complete if one in leading] == leading


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 3e38])
def test_weights_that_are_no_numbers_give_probabilities_all_the_same(number: float) -> None:
    description, network = model_of(list(SHAPES))
    arrays = arrays_of(network).items()
    weights = {name: np.full_like(array, number) if array.dtype.kind == "f" else array for name, array in arrays}
    for prediction in Classifier(description, weights).classify([np.array([[0, 0], [5, 9]], np.float32)]):
        assert 0 <= prediction.probability <= 1
