"""A model as an ONNX graph: what answers drawings, on the server, on the command line and in a browser.

PyTorch trains a network, ONNX Runtime answers with it: in less than half the time, and without the seconds and the
hundreds of megabytes that importing PyTorch takes. So each architecture of `extexify.model.networks` is written down
here once more, as the operators of its forward pass; tests hold the two against each other. PyTorch's own exporter
would need PyTorch and two more packages, and seconds a model; here the graph is made from a model file's arrays in
milliseconds, wherever the file came from, and in the form that is fastest to run.

A graph takes `extexify.drawing.inputs.ModelInputs`: `images` uint8 (N, size, size) and, where the network reads
them, `sequences` float32 (N, CHANNELS, points). It gives `logits` float32 (N, classes), before the temperature. Weights
stay float16 where the model file has them so, and batch normalisation is a node: the runtime folds both as it loads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

from extexify.drawing.resample import CHANNELS
from extexify.model.file import ModelDescription

OPSET = 18
"""The version of ONNX's operators; every runtime since 2023 knows it."""

IR_VERSION = 9
"""The version of the file format; the oldest that goes with the operators is read by the most programs."""

METADATA = "extexify"
"""The entry of the metadata with the model's description, the same JSON as a model file's."""

Weights = Mapping[str, NDArray[Any]]


def to_onnx(description: ModelDescription, weights: Weights) -> ModelProto:
    """The graph of a model, whose description is in the metadata. Raises ValueError unless the weights are those of the
    architecture."""
    if description.architecture not in _ARCHITECTURES:
        raise ValueError(f"no architecture {description.architecture!r}: there are {', '.join(sorted(_ARCHITECTURES))}")
    graph = _Graph(weights, len(description.classes))
    sides: dict[str, list[str | int]] = {"images": ["N", description.raster.size, description.raster.size]}
    if description.sequence:
        sides["sequences"] = ["N", CHANNELS, description.sequence.points]
    try:
        logits = _ARCHITECTURES[description.architecture](graph, "", **description.options)
    except (TypeError, LookupError, AttributeError) as error:  # options that are no such thing
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


class _Graph:
    """Nodes and constants of a graph as it grows; values are known by their names."""

    def __init__(self, weights: Weights, classes: int) -> None:
        self.classes = classes
        self.nodes: list[Any] = []
        self.constants: list[TensorProto] = []
        self.inputs: set[str] = set()
        self._weights = weights
        # Not a weight, but counted by PyTorch's normalisation in training.
        self._unused = {name for name in weights if not name.endswith(".num_batches_tracked")}

    def node(self, operator: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add an operator; returns what its output is called."""
        output = output or f"{operator}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def constant(self, value: NDArray[Any], name: str | None = None) -> str:
        """Add a constant; returns what it is called."""
        name = name or f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def input(self, name: str) -> str:
        """One of the graph's own inputs."""
        self.inputs.add(name)
        return name

    def weight(self, name: str, *shape: int, as_shape: tuple[int, ...] | None = None, part: slice = slice(None)) -> str:
        """A weight of the model as float32, or a part of it. Raises ValueError unless there is one of that shape."""
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
        """Raise ValueError when the model has weights that the architecture has no place for."""
        if self._unused:
            raise ValueError(f"{len(self._unused)} are too many, such as {min(self._unused)}")


# --- layers -------------------------------------------------------------------------------------

Pair = tuple[int, int]

_GROUP = 64
"""Filters that the runtime computes at a time."""

_LARGE = 400_000
"""Bytes of a group's weights from which on groups are convolutions of their own: a core's cache then holds such weights
for all drawings of a batch, while those of all groups together would be fetched anew for every drawing."""


def _convolve(
    graph: _Graph, x: str, name: str, before: int, width: int, kernel: Pair, stride: Pair = (1, 1),
    padding: Pair = (0, 0), bias: bool = False, part: slice = slice(None),
) -> str:  # fmt: skip
    """`nn.Conv2d`, or a part of its filters."""
    inputs = [x, graph.weight(f"{name}.weight", width, before, *kernel, part=part)]
    if bias:
        inputs.append(graph.weight(f"{name}.bias", width, part=part))
    return graph.node("Conv", *inputs, kernel_shape=kernel, strides=stride, pads=[*padding, *padding])


def _normalise(graph: _Graph, x: str, name: str, width: int, part: slice = slice(None)) -> str:
    """`nn.BatchNorm2d`, as it answers, or a part of its channels."""
    weights = [
        graph.weight(f"{name}.{kind}", width, part=part) for kind in ("weight", "bias", "running_mean", "running_var")
    ]
    return graph.node("BatchNormalization", x, *weights, epsilon=1e-5)


def _convolve_and_normalise(
    graph: _Graph, x: str, convolution: str, norm: str, before: int, width: int, kernel: Pair, stride: Pair = (1, 1),
    padding: Pair = (0, 0), relu: bool = False,
) -> str:  # fmt: skip
    """Both, and `nn.ReLU` where asked; large ones in groups of filters."""
    # One row high, the kernels are read once for a whole batch anyway (see `_sequence`).
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
    """The mean of each map, or of each row where the rows are sequences (see `_sequence`)."""
    if kernel[0] == 1:
        return graph.node("ReduceMean", x, graph.constant(np.array([3])))
    return graph.node("GlobalAveragePool", x)


def _classify(graph: _Graph, x: str, name: str, before: int) -> str:
    """The mean of each picture's map, classified."""
    mean = graph.node("Flatten", graph.node("GlobalAveragePool", x))
    return _linear(graph, mean, name, before, graph.classes)


def _squeeze_excite(graph: _Graph, x: str, name: str, width: int, kernel: Pair, ratio: int = 8) -> str:
    """`models.SqueezeExcite`; its linear layers as 1×1 convolutions, for which the runtime needn't turn the map."""
    narrow = max(width // ratio, 1)

    def layer(value: str, part: str, before: int, after: int) -> str:
        matrix = graph.weight(f"{name}.{part}.weight", after, before, as_shape=(after, before, 1, 1))
        return graph.node("Conv", value, matrix, graph.weight(f"{name}.{part}.bias", after))

    squeezed = graph.node("Relu", layer(_mean(graph, x, kernel), "squeeze", width, narrow))
    return graph.node("Mul", x, graph.node("Sigmoid", layer(squeezed, "excite", narrow, width)))


def _residual_block(graph: _Graph, x: str, name: str, before: int, width: int, stride: Pair, kernel: Pair) -> str:
    """`models.ResidualBlock`."""
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
    """Residual blocks in stages; every stage but the first begins with `stride`."""
    before, number = channels[0], 0
    for stage, (width, depth) in enumerate(zip(channels, blocks, strict=True)):
        for block in range(depth):
            first = stage > 0 and block == 0
            x = _residual_block(graph, x, f"{name}.{number}", before, width, stride if first else (1, 1), kernel)
            before, number = width, number + 1
    return x


# --- architectures ------------------------------------------------------------------------------


def _images(graph: _Graph) -> str:
    """The pictures as float32 (N, 1, size, size), 0 to 1."""
    levels = graph.node("Cast", graph.input("images"), to=TensorProto.FLOAT)
    scaled = graph.node("Div", levels, graph.constant(np.array(255, np.float32)))
    return graph.node("Unsqueeze", scaled, graph.constant(np.array([1])))


def _original(
    graph: _Graph, name: str, channels: Sequence[int] = (64, 64, 128, 256, 512), dark_on_light: bool = False
) -> str:
    """`models.OriginalNet`."""
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
    """`models.ResidualNet`."""
    x = _convolve_and_normalise(
        graph, _images(graph), f"{name}stem.0", f"{name}stem.1", 1, channels[0], (4, 4), (2, 2), (1, 1), relu=True
    )
    x = _stages(graph, x, f"{name}features", channels, blocks, (2, 2), (3, 3))
    return _classify(graph, x, f"{name}classify", channels[-1])


def _sequence(
    graph: _Graph, name: str, channels: Sequence[int] = (64, 128, 256, 384), blocks: Sequence[int] = (1, 2, 2, 2),
    dropout: float = 0.1,
) -> str:  # fmt: skip
    """`models.SequenceNet`."""
    # All sequences are the rows of one picture, whose kernels are one row high: so the runtime reads each weight once
    # for all of them, and not once for each.
    rows = graph.node("Transpose", graph.input("sequences"), perm=[1, 0, 2])
    x = graph.node("Unsqueeze", rows, graph.constant(np.array([0])))
    x = _convolve_and_normalise(
        graph, x, f"{name}stem.0", f"{name}stem.1", CHANNELS, channels[0], (1, 5), (1, 2), (0, 2), relu=True
    )
    x = _stages(graph, x, f"{name}features", channels, blocks, (1, 2), (1, 3))
    means = graph.node("Squeeze", _mean(graph, x, (1, 3)), graph.constant(np.array([0, 3])))
    return _linear(graph, graph.node("Transpose", means, perm=[1, 0]), f"{name}classify", channels[-1], graph.classes)


def _fused(graph: _Graph, name: str, picture: dict[str, Any], sequence: dict[str, Any]) -> str:
    """`models.FusedNet`."""
    seen = _residual(graph, f"{name}picture.", **picture)
    followed = _sequence(graph, f"{name}sequence.", **sequence)
    return graph.node("Mul", graph.node("Add", seen, followed), graph.weight(f"{name}factor", 1))


_ARCHITECTURES: dict[str, Callable[..., str]] = {
    "original": _original,
    "residual": _residual,
    "sequence": _sequence,
    "fused": _fused,
}
