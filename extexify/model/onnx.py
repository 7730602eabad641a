"""A model as an ONNX graph, which ONNX Runtime runs on the server, on the command line and in a browser.

PyTorch trains networks, ONNX Runtime runs them: in less than half the time, and without the seconds and the hundreds of
megabytes that importing PyTorch takes. Each architecture of `extexify.model.networks` is defined here a second time, as
the ONNX operators of its forward pass; tests compare the two. PyTorch's own exporter needs PyTorch, two more packages,
and seconds per model; this module builds the graph from a model file's arrays in milliseconds, which also checks the
names, shapes and types of the weights, and in the form that runs fastest.

A graph takes `extexify.drawing.inputs.ModelInputs`: `images` uint8 (N, size, size) and, where the network reads
them, `sequences` float32 (N, CHANNELS, points). Its output is `logits` float32 (N, classes), before the temperature.
Weights stay float16 if the model file has them so, and batch norm is a node: the runtime folds both when it loads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

from extexify.drawing.resample import CHANNELS
from extexify.model.file import ModelDescription, ModelError, Weights, read_model

OPSET = 18
"""Version of the ONNX operators; supported by runtimes since 2023."""

IR_VERSION = 9
"""Version of the file format: the oldest that has these operators, for the sake of older programs."""

METADATA = "extexify"
"""Key of the metadata entry with the model's description, the same JSON as in a model file."""


def to_onnx(description: ModelDescription, weights: Weights) -> ModelProto:
    """The graph of a model, with its description in the metadata.

    Raises ValueError unless the weights have the names, shapes and types of the architecture.
    """
    if description.architecture not in _ARCHITECTURES:
        raise ValueError(f"no architecture {description.architecture!r}: there are {', '.join(sorted(_ARCHITECTURES))}")
    graph = _Graph(weights, len(description.classes))
    sides: dict[str, list[str | int]] = {"images": ["N", description.raster.size, description.raster.size]}
    if description.sequence:
        sides["sequences"] = ["N", CHANNELS, description.sequence.points]
    try:
        logits = _ARCHITECTURES[description.architecture](graph, "", **description.options)
    except (TypeError, LookupError, AttributeError) as error:  # options of another type or name
        raise ValueError(f"architecture {description.architecture!r}: {error}") from None
    graph.check_all_used()
    if missing := graph.inputs - set(sides):
        raise ValueError(f"it reads {missing.pop()}, but the settings for them are missing")
    graph.node("Identity", logits, output="logits")
    types = {"images": TensorProto.UINT8, "sequences": TensorProto.FLOAT}
    made = helper.make_graph(
        graph.nodes,
        "extexify",
        [helper.make_tensor_value_info(name, types[name], sides[name]) for name in sorted(graph.inputs)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", len(description.classes)])],
        graph.constants,
    )
    model = helper.make_model(
        made, producer_name="extexify", ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)]
    )
    helper.set_model_props(model, {METADATA: json.dumps(description.to_json(), ensure_ascii=False)})
    return model


def read_graph(path: Path) -> tuple[ModelDescription, Weights, ModelProto]:
    """The description, weights and graph of a model file. Raises `ModelError` unless it is a whole model."""
    description, weights = read_model(path)
    try:
        return description, weights, to_onnx(description, weights)
    except ValueError as error:
        raise ModelError(f"the weights in {path} do not fit its architecture ({error})") from None


class _Graph:
    """Nodes and constants of a graph under construction; values are referred to by name."""

    def __init__(self, weights: Weights, classes: int) -> None:
        self.classes = classes
        self.nodes: list[Any] = []
        self.constants: list[TensorProto] = []
        self.inputs: set[str] = set()
        self._weights = weights
        self._unused = {name for name, array in weights.items() if not self._is_batch_count(name, array)}

    def _is_batch_count(self, name: str, array: NDArray[Any]) -> bool:
        """Whether an array is the counter of a PyTorch batch norm, which only training uses."""
        norm, _, last = name.rpartition(".")
        return last == "num_batches_tracked" and array.shape == () and f"{norm}.running_mean" in self._weights

    def node(self, operator: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add an operator; returns the name of its output."""
        output = output or f"{operator}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def constant(self, value: NDArray[Any], name: str | None = None) -> str:
        """Add a constant; returns its name."""
        name = name or f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def input(self, name: str) -> str:
        """Declare an input of the graph; returns its name."""
        self.inputs.add(name)
        return name

    def weight(self, name: str, *shape: int, as_shape: tuple[int, ...] | None = None, part: slice = slice(None)) -> str:
        """A weight as float32, or a slice of it. Raises ValueError unless the model has one of that name and shape."""
        if name not in self._weights:
            raise ValueError(f"{name} is missing")
        array = self._weights[name]
        if array.shape != shape:
            raise ValueError(f"{name} has the shape {array.shape} instead of {shape}")
        if 0 in shape:
            raise ValueError(f"{name} is empty")
        if array.dtype not in (np.float16, np.float32):
            raise ValueError(f"{name} is of the type {array.dtype} instead of float16 or float32")
        self._unused.discard(name)
        whole = part == slice(None)
        constant = self.constant(array.reshape(as_shape or shape)[part], name if whole else f"{name}[{part.start}:]")
        return constant if array.dtype == np.float32 else self.node("Cast", constant, to=TensorProto.FLOAT)

    def check_all_used(self) -> None:
        """Raise ValueError if the model has weights that the architecture doesn't."""
        if self._unused:
            raise ValueError(f"{len(self._unused)} are too many, such as {min(self._unused)}")


# --- layers -------------------------------------------------------------------------------------

Pair = tuple[int, int]

_GROUP = 64
"""Filters in a group of a large convolution."""

_LARGE = 400_000
"""Bytes of a group's weights from which on a convolution is split into groups: the weights of one group then stay in a
core's cache for all drawings of a batch; those of the whole convolution would be loaded again for every drawing."""


def _convolve(
    graph: _Graph, x: str, name: str, before: int, width: int, kernel: Pair, stride: Pair = (1, 1),
    padding: Pair = (0, 0), bias: bool = False, part: slice = slice(None),
) -> str:  # fmt: skip
    """`nn.Conv2d`, or a slice of its filters."""
    inputs = [x, graph.weight(f"{name}.weight", width, before, *kernel, part=part)]
    if bias:
        inputs.append(graph.weight(f"{name}.bias", width, part=part))
    return graph.node("Conv", *inputs, kernel_shape=kernel, strides=stride, pads=[*padding, *padding])


def _normalise(graph: _Graph, x: str, name: str, width: int, part: slice = slice(None)) -> str:
    """`nn.BatchNorm2d` in evaluation mode, or a slice of its channels."""
    weights = [
        graph.weight(f"{name}.{kind}", width, part=part) for kind in ("weight", "bias", "running_mean", "running_var")
    ]
    return graph.node("BatchNormalization", x, *weights, epsilon=1e-5)


def _convolve_and_normalise(
    graph: _Graph, x: str, convolution: str, norm: str, before: int, width: int, kernel: Pair, stride: Pair = (1, 1),
    padding: Pair = (0, 0), relu: bool = False,
) -> str:  # fmt: skip
    """`nn.Conv2d`, `nn.BatchNorm2d`, and `nn.ReLU` if `relu`; large convolutions in groups of filters."""
    # Kernels of height 1 are read once per batch anyway (see `_sequence`).
    large = kernel[0] > 1 and _GROUP * before * kernel[0] * kernel[1] * 4 > _LARGE
    groups = []
    for start in range(0, width, _GROUP) if large else [None]:
        part = slice(None) if start is None else slice(start, start + _GROUP)
        y = _convolve(graph, x, convolution, before, width, kernel, stride, padding, part=part)
        y = _normalise(graph, y, norm, width, part)
        groups.append(graph.node("Relu", y) if relu else y)
    return groups[0] if len(groups) == 1 else graph.node("Concat", *groups, axis=1)


def _linear(graph: _Graph, x: str, name: str, before: int, width: int) -> str:
    """`nn.Linear`."""
    weights = graph.weight(f"{name}.weight", width, before), graph.weight(f"{name}.bias", width)
    return graph.node("Gemm", x, *weights, transB=1)


def _mean(graph: _Graph, x: str, kernel: Pair) -> str:
    """The mean of each map, or of each row for kernels of height 1, whose rows are sequences (see `_sequence`)."""
    if kernel[0] == 1:
        return graph.node("ReduceMean", x, graph.constant(np.array([3])))
    return graph.node("GlobalAveragePool", x)


def _classify(graph: _Graph, x: str, name: str, before: int) -> str:
    """Global average pooling and the linear classifier, of images."""
    mean = graph.node("Flatten", graph.node("GlobalAveragePool", x))
    return _linear(graph, mean, name, before, graph.classes)


def _squeeze_excite(graph: _Graph, x: str, name: str, width: int, kernel: Pair, ratio: int = 8) -> str:
    """`networks.SqueezeExcite`; its linear layers are 1×1 convolutions, which need no transposition of the map."""
    narrow = max(width // ratio, 1)

    def layer(value: str, part: str, before: int, after: int) -> str:
        matrix = graph.weight(f"{name}.{part}.weight", after, before, as_shape=(after, before, 1, 1))
        return graph.node("Conv", value, matrix, graph.weight(f"{name}.{part}.bias", after))

    squeezed = graph.node("Relu", layer(_mean(graph, x, kernel), "squeeze", width, narrow))
    return graph.node("Mul", x, graph.node("Sigmoid", layer(squeezed, "excite", narrow, width)))


def _residual_block(graph: _Graph, x: str, name: str, before: int, width: int, stride: Pair, kernel: Pair) -> str:
    """`networks.ResidualBlock`."""
    padding = (kernel[0] // 2, kernel[1] // 2)
    y = _convolve_and_normalise(
        graph, x, f"{name}.conv1", f"{name}.norm1", before, width, kernel, stride, padding, relu=True
    )
    y = _convolve_and_normalise(graph, y, f"{name}.conv2", f"{name}.norm2", width, width, kernel, (1, 1), padding)
    y = _squeeze_excite(graph, y, f"{name}.weigh", width, kernel)
    if stride != (1, 1) or before != width:
        if stride != (1, 1):
            x = graph.node("AveragePool", x, kernel_shape=stride, strides=stride, ceil_mode=1)
        x = _convolve_and_normalise(graph, x, f"{name}.short_cut.1", f"{name}.short_cut.2", before, width, (1, 1))
    return graph.node("Relu", graph.node("Add", y, x))


def _stages(
    graph: _Graph, x: str, name: str, channels: Sequence[int], blocks: Sequence[int], stride: Pair, kernel: Pair
) -> str:
    """Residual blocks in stages; the first block of every stage but the first has `stride`."""
    before, number = channels[0], 0
    for stage, (width, depth) in enumerate(zip(channels, blocks, strict=True)):
        for block in range(depth):
            first = stage > 0 and block == 0
            x = _residual_block(graph, x, f"{name}.{number}", before, width, stride if first else (1, 1), kernel)
            before, number = width, number + 1
    return x


# --- architectures ------------------------------------------------------------------------------


def _images(graph: _Graph) -> str:
    """The images as float32 (N, 1, size, size), 0 to 1."""
    levels = graph.node("Cast", graph.input("images"), to=TensorProto.FLOAT)
    scaled = graph.node("Div", levels, graph.constant(np.array(255, np.float32)))
    return graph.node("Unsqueeze", scaled, graph.constant(np.array([1])))


def _original(
    graph: _Graph, name: str, channels: Sequence[int] = (64, 64, 128, 256, 512), dark_on_light: bool = False
) -> str:
    """`networks.OriginalNet`."""
    images = _images(graph)
    if dark_on_light:
        images = graph.node("Sub", graph.constant(np.array(1, np.float32)), images)
    x = graph.node("Concat", *[images] * 3, axis=1)
    before = 3
    for number, width in enumerate(channels):
        stride = (1, 1) if number == 0 else (2, 2)
        layer = f"{name}features.{3 * number}"
        x = graph.node("Relu", _convolve(graph, x, layer, before, width, (3, 3), stride, (1, 1), bias=True))
        x = _normalise(graph, x, f"{name}features.{3 * number + 2}", width)
        before = width
    return _classify(graph, x, f"{name}classify", before)


def _residual(
    graph: _Graph, name: str, channels: Sequence[int] = (64, 128, 256, 512), blocks: Sequence[int] = (1, 1, 1, 1),
    dropout: float = 0.1,
) -> str:  # fmt: skip
    """`networks.ResidualNet`."""
    x = _convolve_and_normalise(
        graph, _images(graph), f"{name}stem.0", f"{name}stem.1", 1, channels[0], (4, 4), (2, 2), (1, 1), relu=True
    )
    x = _stages(graph, x, f"{name}features", channels, blocks, (2, 2), (3, 3))
    return _classify(graph, x, f"{name}classify", channels[-1])


def _sequence(
    graph: _Graph, name: str, channels: Sequence[int] = (64, 128, 256, 384), blocks: Sequence[int] = (1, 2, 2, 2),
    dropout: float = 0.1,
) -> str:  # fmt: skip
    """`networks.SequenceNet`."""
    # The sequences of a batch are the rows of one map with kernels of height 1: the runtime then reads each weight once
    # per batch instead of once per sequence.
    rows = graph.node("Transpose", graph.input("sequences"), perm=[1, 0, 2])
    x = graph.node("Unsqueeze", rows, graph.constant(np.array([0])))
    x = _convolve_and_normalise(
        graph, x, f"{name}stem.0", f"{name}stem.1", CHANNELS, channels[0], (1, 5), (1, 2), (0, 2), relu=True
    )
    x = _stages(graph, x, f"{name}features", channels, blocks, (1, 2), (1, 3))
    means = graph.node("Squeeze", _mean(graph, x, (1, 3)), graph.constant(np.array([0, 3])))
    return _linear(graph, graph.node("Transpose", means, perm=[1, 0]), f"{name}classify", channels[-1], graph.classes)


def _fused(graph: _Graph, name: str, picture: dict[str, Any], sequence: dict[str, Any]) -> str:
    """`networks.FusedNet`."""
    of_image = _residual(graph, f"{name}picture.", **picture)
    of_sequence = _sequence(graph, f"{name}sequence.", **sequence)
    return graph.node("Mul", graph.node("Add", of_image, of_sequence), graph.weight(f"{name}factor", 1))


_ARCHITECTURES: dict[str, Callable[..., str]] = {
    "original": _original,
    "residual": _residual,
    "sequence": _sequence,
    "fused": _fused,
}
