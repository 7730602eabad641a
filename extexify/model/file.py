"""The model file: one ONNX file with everything that classifying needs and nothing that can run code.

Server, command line, offline page and other people's programs run this very file. Its metadata have an entry
`extexify`, the description (`extexify.model.description`), and mostly one for symbols that it wasn't trained for
(`extexify.model.background`). The graph takes `extexify.drawing.inputs.ModelInputs`:
`images` uint8 (N, size, size) and, if the network reads them, `sequences` float32 (N, CHANNELS, points). Its output is
`logits` float32 (N, classes), before the temperature. `extexify.model.export` makes it of a PyTorch network.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from google.protobuf.message import DecodeError, EncodeError
from onnx import AttributeProto, GraphProto, ModelProto, TensorProto, ValueInfoProto, helper, shape_inference

from extexify.drawing.resample import CHANNELS
from extexify.model.background import ENTRY
from extexify.model.description import METADATA, ModelDescription, ModelError, parse_description
from extexify.workspace.files import atomic_file
from extexify.workspace.paths import OLD_SUFFIX

MAX_BYTES = 1 << 30
"""Size of the largest model file that is read."""

MAX_VALUES = 1 << 28
"""Numbers that all operators together may give for one drawing; 1 GB. The network that ships gives 0.4 million, those
of torchvision up to 80 million."""

_MAX_HEADER = 1 << 24  # bytes of everything but the graph
_GRAPH = ModelProto.DESCRIPTOR.fields_by_name["graph"].number


def write_model(path: Path, description: ModelDescription, model: ModelProto) -> None:
    """Write a model file, atomically, with `description` in place of the one that `model` has."""
    kept = {entry.key: entry.value for entry in model.metadata_props if entry.key == ENTRY}
    with atomic_file(path) as temporary:
        described = ModelProto()
        described.CopyFrom(model)
        helper.set_model_props(described, {METADATA: json.dumps(description.to_json(), ensure_ascii=False), **kept})
        temporary.write_bytes(described.SerializeToString(deterministic=True))


def read_description(path: Path) -> ModelDescription:
    """A model file's description, without reading its graph. Raises `ModelError`."""
    with _opened(path) as file:
        model = ModelProto.FromString(b"".join(_fields_without_graph(file)))
    return _description(path, model)


def read_model(path: Path) -> tuple[ModelDescription, ModelProto]:
    """A model file's description and content. Raises `ModelError` unless it is a whole model that needs no other file
    and no operators but ONNX's own."""
    with _opened(path) as file:
        model = ModelProto.FromString(file.read())
    description = _description(path, model)
    try:
        check_model(model, description)
    except ValueError as error:
        raise ModelError(f"{path} is not a model that Extexify can run: {error}") from None
    return description, model


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file, with errors of reading and parsing as `ModelError`."""
    if path.suffix == OLD_SUFFIX and path.is_file():
        raise ModelError(
            f"{path} is a model of an earlier version: make a new file of it with `python -m extexify convert {path}`"
        )
    try:
        with path.open("rb") as file:
            if path.stat().st_size > MAX_BYTES:
                raise ModelError(f"{path} is larger than {MAX_BYTES >> 20:,} MB: no model is")
            yield file
    except FileNotFoundError:
        raise ModelError(f"{path} does not exist") from None
    except (DecodeError, EOFError, OSError) as error:
        raise ModelError(f"{path} is not a model file, or is cut short ({error})") from None


def _description(path: Path, model: ModelProto) -> ModelDescription:
    entries = [entry.value for entry in model.metadata_props if entry.key == METADATA]
    if len(entries) != 1:
        raise ModelError(f"{path} is not a model of Extexify, or is cut short: it has no description")
    return parse_description(path, entries[0])


def _fields_without_graph(file: BinaryIO) -> Iterator[bytes]:
    """The fields of a serialized `ModelProto` but the graph, which is nearly all of it.

    A field is a tag (its number << 3 | the kind of its value) and a value: a varint, 8 bytes, a length and so many
    bytes, or 4 bytes (https://protobuf.dev/programming-guides/encoding/). Raises EOFError if the file is cut short.
    """
    size = 0
    while tag := _varint(file, optional=True):
        number, kind = _decoded(tag) >> 3, _decoded(tag) & 7
        prefix = _varint(file) if kind in (0, 2) else b""
        length = _decoded(prefix) if kind == 2 else {0: 0, 1: 8, 5: 4}.get(kind, _MAX_HEADER)
        if number == _GRAPH:
            if length:
                file.seek(length - 1, 1)
                _whole(file, 1)
            continue
        size += length
        if size >= _MAX_HEADER:
            raise EOFError("its header is too long")
        yield tag + prefix + _whole(file, length)


def _varint(file: BinaryIO, *, optional: bool = False) -> bytes:
    """An encoded integer of seven bits a byte; empty at the end of the file if it is `optional`."""
    encoded = file.read(1) if optional else _whole(file, 1)
    while encoded and encoded[-1] >= 128 and len(encoded) < 10:
        encoded += _whole(file, 1)
    return encoded


def _decoded(varint: bytes) -> int:
    return sum((byte & 127) << 7 * place for place, byte in enumerate(varint))


def _whole(file: BinaryIO, length: int) -> bytes:
    content = file.read(length)
    if len(content) < length:
        raise EOFError("it ends too early")
    return content


# --- what is run -------------------------------------------------------------------------------


def check_model(model: ModelProto, description: ModelDescription) -> None:
    """Raise ValueError if running a model could need other files, foreign code, or more memory than a network takes.

    Whether the operators fit each other is checked by the runtime, when it loads the graph.
    """
    graph = model.graph
    if model.functions or any(opset.domain for opset in model.opset_import) or any(node.domain for node in graph.node):
        raise ValueError("it has operators that aren't ONNX's own")
    attributes = list(chain.from_iterable(node.attribute for node in graph.node))
    if any(attribute.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS) for attribute in attributes):
        raise ValueError("it has loops or conditions")
    if graph.sparse_initializer or any(attribute.HasField("sparse_tensor") for attribute in attributes):
        raise ValueError("it has sparse weights")
    tensors = [*graph.initializer, *(attribute.t for attribute in attributes if attribute.HasField("t"))]
    if any(tensor.data_location == TensorProto.EXTERNAL or tensor.external_data for tensor in tensors):
        raise ValueError("its weights are in another file")
    _check_interface(graph, description)
    _check_sizes(model)


def _check_interface(graph: GraphProto, description: ModelDescription) -> None:
    """Raise ValueError unless inputs and output are those of the description."""
    raster, sequence = description.raster, description.sequence
    inputs = {"images": (TensorProto.UINT8, (raster.size, raster.size))}
    if sequence:
        inputs["sequences"] = (TensorProto.FLOAT, (CHANNELS, sequence.points))
    constants = {tensor.name for tensor in graph.initializer}
    found = [value for value in graph.input if value.name not in constants]
    if not found:
        raise ValueError("it reads nothing")
    for value in found:
        if value.name not in inputs:
            raise ValueError(f"it reads {value.name}, for which the description has no settings")
        if _type_of(value) != inputs[value.name]:
            raise ValueError(f"{value.name} are of another size or type than the description says")
    outputs = [(value.name, _type_of(value)) for value in graph.output]
    if outputs != [("logits", (TensorProto.FLOAT, (len(description.classes),)))]:
        raise ValueError(f"its output isn't the logits of {len(description.classes):,} classes")


def _type_of(value: ValueInfoProto) -> tuple[int, tuple[int, ...]]:
    """The type of a tensor's elements and its sides but the first, the batch."""
    tensor = value.type.tensor_type
    return tensor.elem_type, tuple(side.dim_value for side in tensor.shape.dim[1:])


def _check_sizes(model: ModelProto) -> None:
    """Raise ValueError if an operator's output has no known size, or all of them are too large, for one drawing."""
    # The shapes of the weights alone: their content isn't copied. Small integers may say how something is reshaped.
    shaped = ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    shaped.graph.name = "shapes"
    shaped.graph.node.extend(model.graph.node)
    shaped.graph.output.extend(model.graph.output)
    for value in model.graph.input:
        shaped.graph.input.append(value)
        shaped.graph.input[-1].type.tensor_type.shape.dim[0].dim_value = 1
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.INT64:
            shaped.graph.initializer.append(tensor)
        else:
            shaped.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    del shaped.graph.output[:]
    try:
        inferred = shape_inference.infer_shapes(shaped, data_prop=True).graph.value_info
    except (shape_inference.InferenceError, DecodeError, EncodeError) as error:
        raise ValueError(f"the sizes of its operators can't be told ({' '.join(str(error).split())[:200]})") from None
    sizes = {value.name: [side.dim_value for side in value.type.tensor_type.shape.dim] for value in inferred}
    total = 0
    for node in model.graph.node:
        for name in filter(None, node.output):
            if any(side < 1 for side in sizes.get(name, [0])):
                raise ValueError(f"the size of {name} can't be told")
            total += math.prod(sizes[name])
    if total > MAX_VALUES:
        raise ValueError(f"it computes {total:,} numbers for a drawing, more than {MAX_VALUES:,}")
