"""The ONNX graph of each architecture gives the logits of its PyTorch network."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from extexify.drawing.inputs import model_inputs
from extexify.drawing.raster import RasterSettings
from extexify.drawing.resample import SequenceSettings
from extexify.drawing.strokes import Drawings
from extexify.model.classifier import Classifier
from extexify.model.file import ModelDescription
from extexify.model.networks import ARCHITECTURES, build, to_tensors
from extexify.model.onnx import METADATA, to_onnx
from tests.tiny import SHAPES, shape

pytestmark = pytest.mark.usefixtures("one_thread")

KEYS = tuple(sorted(SHAPES))
RESIDUAL = {"channels": [8, 8, 12], "blocks": [1, 2, 1], "dropout": 0.2}
OPTIONS: dict[str, dict[str, Any]] = {
    "original": {"channels": [4, 6, 8], "dark_on_light": True},
    "residual": RESIDUAL,
    "sequence": RESIDUAL,
    "fused": {"picture": RESIDUAL, "sequence": {"channels": [16, 16], "blocks": [2, 1]}},
}

Model = tuple[ModelDescription, dict[str, NDArray[Any]]]


def model_of(architecture: str, size: int = 24, points: int = 32) -> tuple[Model, torch.nn.Module]:
    """A model with random weights and statistics, and its network."""
    torch.manual_seed(1)
    network = build(architecture, len(KEYS), OPTIONS[architecture])
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.weight)
            torch.nn.init.normal_(module.running_mean, std=0.1)  # type: ignore[arg-type]
            torch.nn.init.uniform_(module.running_var, 0.5, 2)  # type: ignore[arg-type]
    # As a model file stores them.
    weights = {
        name: tensor.half().numpy() if tensor.ndim > 1 else tensor.numpy()
        for name, tensor in network.state_dict().items()
    }
    network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    description = ModelDescription(
        "tiny", architecture, OPTIONS[architecture], KEYS, RasterSettings(size=size),
        temperature=0.8, sequence=SequenceSettings(points) if "sequences" in network.reads else None,
    )  # fmt: skip
    return (description, weights), network.eval()


def drawings(count: int = 12) -> Drawings:
    rng = np.random.default_rng(4)
    return Drawings.pack([shape(KEYS[number % len(KEYS)], rng) for number in range(count)])


def test_the_graph_gives_the_logits_of_the_network() -> None:
    for architecture, (size, points) in product(ARCHITECTURES, [(24, 32), (48, 128), (21, 19), (8, 8)]):
        (description, weights), network = model_of(architecture, size, points)
        inputs = model_inputs(drawings(), description.raster, description.sequence)
        with torch.inference_mode():
            expected = network(*to_tensors(inputs, network, torch.device("cpu"))).numpy()  # type: ignore[arg-type]
        found = Classifier(description, weights).logits(drawings())
        np.testing.assert_allclose(found, expected, atol=1e-4, rtol=1e-4, err_msg=f"{architecture} {size} {points}")


def test_the_graph_is_valid_and_has_the_description() -> None:
    for architecture in ARCHITECTURES:
        (description, weights), _ = model_of(architecture)
        graph = to_onnx(description, weights)
        onnx.checker.check_model(graph, full_check=True)
        (entry,) = graph.metadata_props
        assert entry.key == METADATA
        assert json.loads(entry.value) == description.to_json()


def test_many_drawings_give_the_logits_of_each_alone() -> None:
    (description, weights), _ = model_of("fused")
    classifier = Classifier(description, weights)
    many = drawings(50)
    alone = np.concatenate([classifier.logits(many.take(np.array([number]))) for number in range(len(many))])
    np.testing.assert_allclose(classifier.logits(many), alone, atol=1e-5)
    assert classifier.logits(drawings(0)).shape == (0, len(KEYS))


def without(weights: dict[str, NDArray[Any]], name: str) -> dict[str, NDArray[Any]]:
    return {other: array for other, array in weights.items() if other != name}


def test_weights_that_do_not_fit_are_named() -> None:
    (description, weights), _ = model_of("fused")
    name = "picture.stem.0.weight"
    for changed, message in (
        (without(weights, name), f"{name} is missing"),
        ({**weights, name: weights[name][:1]}, f"{name} has the shape"),
        ({**weights, name: weights[name].astype(np.int32)}, f"{name} is of the type int32"),
        ({**weights, "more": weights[name]}, "1 are too many, such as more"),
    ):
        with pytest.raises(ValueError, match=message):
            Classifier(description, changed)
    with pytest.raises(ValueError, match="it reads sequences"):
        Classifier(replace(description, sequence=None), weights)


nonsense = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 50) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(sorted(RESIDUAL)), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.sampled_from([*ARCHITECTURES, "other"]),
    st.dictionaries(st.sampled_from(["picture", "sequence", "channels", "blocks", "else"]), nonsense, max_size=3),
)
@settings(max_examples=30)
def test_nonsense_options_are_a_value_error(architecture: str, options: dict[str, Any]) -> None:
    (description, weights), _ = model_of("fused")
    with pytest.raises(ValueError, match=r"\w"):
        to_onnx(replace(description, architecture=architecture, options=options), weights)
