"""Model files of PyTorch networks: what PyTorch trains, ONNX Runtime runs.

A network is exported as it is. What an export adds: the inputs of a model file (`extexify.model.file`), weights of two
dimensions or more in float16, which halves the file and changes no answer, and pooling as one operator. Importing
PyTorch takes seconds and hundreds of megabytes; only this, training, and `extexify.model.networks` do.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnxscript.optimizer
import torch
from onnx import GraphProto, ModelProto, TensorProto, helper, numpy_helper
from torch import Tensor, nn

from extexify.drawing.resample import CHANNELS
from extexify.model.description import ModelDescription, ModelError
from extexify.model.file import write_model
from extexify.model.network import Network
from extexify.model.networks import arguments, load_network

OPSET = 18
"""Version of the ONNX operators; supported by runtimes since 2023."""


class _Served(nn.Module):
    """A network that takes the inputs of a model file: `images` uint8, `sequences` float32."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> Tensor:
        logits: Tensor = self.network(*arguments(inputs, self.network))
        return logits


def export_network(network: Network, description: ModelDescription) -> ModelProto:
    """The graph of a network, without metadata; the network is put into evaluation mode.

    Raises ValueError if the network reads sequences and the description has no settings for them.
    """
    if "sequences" in network.reads and description.sequence is None:
        raise ValueError("it reads sequences, but the settings for them are missing")
    raster, sequence = description.raster, description.sequence
    examples = {"images": torch.zeros(2, raster.size, raster.size, dtype=torch.uint8)}
    if sequence:
        examples["sequences"] = torch.zeros(2, CHANNELS, sequence.points)
    # In PyTorch's own layout: of channels-last maps, pooling would be exported as a gathering of single values.
    served = _Served(network.float().to(memory_format=torch.contiguous_format)).eval()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # about names of axes, and deprecations within the exporter
        program = torch.onnx.export(
            served,
            tuple(examples[kind] for kind in network.reads),
            input_names=list(network.reads),
            output_names=["logits"],
            dynamic_shapes=[tuple({0: torch.export.Dim.DYNAMIC} for _ in network.reads)],
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
            # Its optimizer would fold batch norm into kernels before these are rounded; the runtime does so afterwards.
            optimize=False,
        )
    assert program is not None
    onnxscript.optimizer.fold_constants(
        program.model, onnx_shape_inference=True, input_size_limit=_ALL, output_size_limit=_ALL
    )
    onnxscript.optimizer.remove_unused_nodes(program.model)
    model = program.model_proto
    _pool_in_one(model.graph)
    _unsqueeze_sizes(model.graph)
    _narrow(model.graph)
    _strip(model)
    return model


_ALL = 1 << 40  # bytes: no constant is too large to be folded

_FIRST = "first_axis"


def _pool_in_one(graph: GraphProto) -> None:
    """Replace means over whole maps by the operator that runtimes compute in their own layout, and drop their axes."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type != "ReduceMean" or node.input[1] not in constants:
            continue
        keeps = all(attribute.i for attribute in node.attribute if attribute.name == "keepdims")
        if keeps and numpy_helper.to_array(constants[node.input[1]]).tolist() in ([2, 3], [-2, -1], [-1, -2]):
            node.op_type = "GlobalAveragePool"
            del node.attribute[:], node.input[1]
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _unsqueeze_sizes(graph: GraphProto) -> None:
    """Make a list of a size that depends on the batch by the operator whose result ONNX's shape inference follows."""
    types = {value.name: value.type.tensor_type for value in graph.value_info}
    numbers = {name for name, kind in types.items() if kind.HasField("shape") and not kind.shape.dim}
    lists = [node for node in graph.node if node.op_type == "Reshape" and node.input[0] in numbers]
    for node in lists:
        node.op_type, node.input[1] = "Unsqueeze", _FIRST
        del node.attribute[:]
    if lists:
        graph.initializer.append(numpy_helper.from_array(np.zeros(1, np.int64), _FIRST))


def _narrow(graph: GraphProto) -> None:
    """Store weights of two dimensions or more as float16, unless they have values beyond its range."""
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.ndim < 2 or values.dtype != np.float32 or np.abs(values).max(initial=0) > np.finfo(np.float16).max:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.float16"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _strip(model: ModelProto) -> None:
    """Remove what an export notes about itself, with paths of this machine, and name the batch N."""
    graph = model.graph
    del graph.value_info[:], graph.metadata_props[:], model.metadata_props[:]
    model.producer_name, model.doc_string, graph.doc_string, graph.name = "extexify", "", "", "extexify"
    model.producer_version = ""
    for node in graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for tensor in graph.initializer:
        del tensor.metadata_props[:]
    for value in [*graph.input, *graph.output]:
        del value.metadata_props[:]
        value.type.tensor_type.shape.dim[0].dim_param = "N"


def convert(weights: Path, out: Path) -> ModelDescription:
    """Make a model file of a run's best weights, or of a model of an earlier version; returns its description.

    `out` is written atomically. Raises `ModelError` unless `weights` is whole and fits its architecture.
    """
    description, network = load_network(weights)
    try:
        model = export_network(network, description)
    except ValueError as error:
        raise ModelError(f"{weights} can't be converted: {error}") from None
    write_model(out, description, model)
    return description
