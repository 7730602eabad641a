"""Features of model files: what the last linear layers read, found in the graph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from extexify.drawing.strokes import Drawings
from extexify.model.classifier import Classifier
from extexify.model.features import feature_tensors
from extexify.workspace.paths import SHIPPED_MODELS
from tests.models import description_of, linear_model
from tests.tiny import SHAPES, shape


def drawings() -> Drawings:
    rng = np.random.default_rng(0)
    return Drawings.pack([shape(key, rng) for key in SHAPES])


def test_the_logits_of_the_shipped_model_are_linear_in_its_features() -> None:
    classifier = Classifier.load(next(SHIPPED_MODELS.glob("*.onnx")))
    rng = np.random.default_rng(0)
    many = Drawings.pack([[rng.uniform(0, 100, (6, 2)).astype(np.float32)] for _ in range(900)])
    features, logits = classifier.features(many), classifier.logits(many)
    assert features.shape == (900, 704)
    augmented = np.c_[features, np.ones(900, np.float32)].astype(np.float64)
    solution = np.linalg.lstsq(augmented, logits, rcond=None)[0]
    np.testing.assert_allclose(augmented @ solution, logits, atol=2e-3)


def test_the_features_of_a_linear_model_are_its_pixels() -> None:
    description = description_of(SHAPES)
    classifier = Classifier(description, linear_model(description))
    features = classifier.features(drawings())
    assert features.shape == (len(SHAPES), description.raster.size**2)
    for row, drawing in zip(features, drawings(), strict=True):
        np.testing.assert_allclose(row, classifier.raster_of(drawing).ravel() / np.float32(255))


def test_a_graph_whose_logits_are_no_sum_of_linear_layers_has_its_logits_as_features() -> None:
    description = description_of(SHAPES)
    model = linear_model(description)
    model.graph.node[-1].output[0] = "before"
    model.graph.node.append(helper.make_node("Tanh", ["before"], ["logits"]))
    assert feature_tensors(model.graph) == ("logits",)
    classifier = Classifier(description, model)
    np.testing.assert_array_equal(classifier.features(drawings()), classifier.logits(drawings()))


@pytest.mark.parametrize("cast", [False, True])
def test_parts_and_constant_factors_are_followed(cast: bool) -> None:
    description = replace(description_of(SHAPES))
    classifier = Classifier(description, two_parts(linear_model(description), len(SHAPES), cast))
    assert classifier.features(drawings()).shape == (len(SHAPES), 2 * description.raster.size**2)


def two_parts(model: ModelProto, classes: int, cast: bool) -> ModelProto:
    """The linear model with a second part that reads the pixels negated, and a factor of the sum."""
    graph = model.graph
    graph.node.pop()
    weights = numpy_helper.to_array(graph.initializer[0])
    graph.initializer.append(numpy_helper.from_array(np.array([0.5], np.float32), "factor"))
    graph.initializer.append(numpy_helper.from_array(np.zeros(classes, np.float32), "bias"))
    second = "weights"
    if cast:
        graph.initializer.append(numpy_helper.from_array(weights.astype(np.float16), "half"))
        graph.node.append(helper.make_node("Cast", ["half"], ["widened"], to=TensorProto.FLOAT))
        second = "widened"
    graph.node.extend(
        [
            helper.make_node("Neg", ["pixels"], ["negated"]),
            helper.make_node("MatMul", ["pixels", "weights"], ["one"]),
            helper.make_node("Gemm", ["negated", second, "bias"], ["two"]),
            helper.make_node("Add", ["one", "two"], ["sum"]),
            helper.make_node("Mul", ["sum", "factor"], ["logits"]),
        ]
    )
    return model
