"""The features of a network: what its last linear layers read, by which symbols can be told that it has no class for.

A model file gives only logits. The inputs of the layers that these are a sum of become outputs of the graph in memory,
when it is loaded: that works with every model file, and costs nothing until they are asked for.
"""

from __future__ import annotations

from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto

_SUMS = ("Add", "Sub", "Mul", "Div", "Sum", "Identity")
_LINEAR = ("Gemm", "MatMul")
_OF_CONSTANTS = ("Cast", "Transpose", "Reshape", "Constant", "Identity")


def feature_tensors(graph: GraphProto) -> tuple[str, ...]:
    """Names of the tensors that the last linear layers of a graph read; `logits` if it hasn't such layers.

    These are the layers with constant weights that the logits are a sum of, also with constant factors and addends.
    """
    makers = {output: node for node in graph.node for output in node.output}
    constants = {tensor.name for tensor in graph.initializer}

    def is_constant(name: str) -> bool:
        while name not in constants:
            node = makers.get(name)
            if node is None or node.op_type not in _OF_CONSTANTS:
                return False
            if not node.input:
                return True
            name = node.input[0]
        return True

    found: dict[str, None] = {}
    waiting, seen = ["logits"], {"logits"}
    while waiting:
        node = makers.get(waiting.pop())
        if node is not None and _is_linear(node) and is_constant(node.input[1]) and node.input[0] in makers:
            found[node.input[0]] = None
        elif node is not None and node.op_type in _SUMS:
            added = [name for name in node.input if not is_constant(name) and name not in seen]
            seen.update(added)
            waiting += added[::-1]
        else:
            return ("logits",)
    return tuple(found)


def _is_linear(node: NodeProto) -> bool:
    return node.op_type in _LINEAR and len(node.input) > 1


def with_outputs(model: ModelProto, names: tuple[str, ...]) -> bytes:
    """A serialized model whose graph has these tensors as further outputs.

    Serialized messages that follow one another are one message with the repeated fields of both
    (https://protobuf.dev/programming-guides/encoding/#last-one-wins): the model isn't copied.
    """
    present = {value.name for value in model.graph.output}
    outputs = [ValueInfoProto(name=name) for name in names if name not in present]
    return model.SerializeToString() + ModelProto(graph=GraphProto(output=outputs)).SerializeToString()
