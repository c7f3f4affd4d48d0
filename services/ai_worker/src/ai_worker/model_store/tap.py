"""Brings inner values of a graph out, such as the features before a classifier's last layer."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import onnx

_THROUGH = frozenset(
    {"Softmax", "LogSoftmax", "Sigmoid", "Add", "Identity", "Cast", "Reshape", "Flatten", "Squeeze"}
    | {"QuantizeLinear", "DequantizeLinear", "Clip"}
)
_MEANINGFUL = frozenset({"Softmax", "LogSoftmax", "Sigmoid", "Add", "Clip"})
_LAST_LAYERS = frozenset({"Gemm", "MatMul"})


def with_outputs(path: Path, names: Sequence[str]) -> tuple[bytes | str, frozenset[str]]:
    """The file with these values among its outputs, and those that were not; the file itself when none is missing."""
    if not names:
        return str(path), frozenset()
    model = onnx.load(str(path), load_external_data=False)
    missing = set(names) - {output.name for output in model.graph.output}
    if not missing:
        return str(path), frozenset()
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(missing))
    return model.SerializeToString(), frozenset(missing)


def features_before(graph: onnx.GraphProto, output: str) -> str | None:
    """The value that goes into the last layer before this output, or None when there is no such layer."""
    node = _back_through(graph, output, _THROUGH)
    return node.input[0] if node is not None and node.op_type in _LAST_LAYERS and node.input else None


def last_operator(graph: onnx.GraphProto, output: str) -> str:
    """The operator that decides what the output's numbers mean, behind quantising and reshaping."""
    node = _back_through(graph, output, _THROUGH - _MEANINGFUL)
    return "" if node is None else node.op_type


def _back_through(graph: onnx.GraphProto, output: str, silent: frozenset[str]) -> onnx.NodeProto | None:
    """The first node before this output that is none of the silent ones."""
    node = _maker(graph, [output])
    while node is not None and node.op_type in silent:
        node = _maker(graph, node.input)
    return node


def _maker(graph: onnx.GraphProto, values: Iterable[str]) -> onnx.NodeProto | None:
    """The node that computes the first of these values that is computed; a bias may stand before it."""
    for value in values:
        for node in graph.node:
            if value in node.output and node.op_type != "Constant":
                return node
    return None
