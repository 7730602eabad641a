"""Model files for tests whose subject isn't the network: linear classifiers of pixels, made without PyTorch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from extexify.drawing.raster import preset
from extexify.model.classifier import Classifier
from extexify.model.description import ModelDescription
from extexify.model.file import write_model


def description_of(keys: Iterable[str], temperature: float = 1.0) -> ModelDescription:
    """The description of a model that reads images of 24 pixels."""
    raster = preset("default", size=24)
    return ModelDescription("tiny", "linear", {}, tuple(sorted(keys)), raster, temperature)


def linear_model(description: ModelDescription, *, seed: int = 0, scale: float = 10.0) -> ModelProto:
    """A graph that multiplies the pixels of an image, 0 to 1, by random weights; `scale` is that of the logits."""
    size, classes = description.raster.size, len(description.classes)
    weights = np.float32(scale / size) * np.random.default_rng(seed).normal(0, 1, (size**2, classes)).astype(np.float32)
    nodes = [
        helper.make_node("Cast", ["images"], ["levels"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["levels", "largest"], ["scaled"]),
        helper.make_node("Flatten", ["scaled"], ["pixels"]),
        helper.make_node("MatMul", ["pixels", "weights"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", size, size])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", classes])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(np.array([255], np.float32), "largest")],
    )
    return helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 18)])


def write_linear(path: Path, description: ModelDescription, *, seed: int = 0, scale: float = 10.0) -> Path:
    """A model file of `linear_model`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_model(path, description, linear_model(description, seed=seed, scale=scale))
    return path


def classifier_of(keys: Iterable[str], temperature: float = 1.0, *, scale: float = 10.0) -> Classifier:
    """A classifier with random weights."""
    description = description_of(keys, temperature)
    return Classifier(description, linear_model(description, scale=scale))
