"""Edits a graph at its ends: adds inner values to the outputs, and answers extra inputs of exporters."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ai_worker.model_store.scan import scan_file

SIZE_INPUTS = frozenset({"orig_target_sizes", "target_sizes", "orig_sizes", "orig_size"})
"""What RT-DETR's own export calls the second input: width and height of each picture, in which its boxes come out."""
_OUR_PREFIX = "trapper_"
_THROUGH = frozenset(
    {"Softmax", "LogSoftmax", "Sigmoid", "Add", "Identity", "Cast", "Reshape", "Flatten", "Squeeze"}
    | {"QuantizeLinear", "DequantizeLinear", "Clip"}
)
_MEANINGFUL = frozenset({"Softmax", "LogSoftmax", "Sigmoid", "Add", "Clip"})
_LAST_LAYERS = frozenset({"Gemm", "MatMul"})
_MOST_STEPS = 100

Makers = Mapping[str, onnx.NodeProto]


def with_outputs(path: Path, names: Sequence[str]) -> tuple[bytes | str, frozenset[str]]:
    """Returns the file with these values as outputs, and without a second input for sizes.

    The file itself when there is nothing to change.
    """
    asks_for_sizes = not SIZE_INPUTS.isdisjoint(scan_file(path).inputs)
    if not names and not asks_for_sizes:
        return _readable(path), frozenset()
    model = onnx.load(str(path), load_external_data=False)
    missing = set(names) - {output.name for output in model.graph.output}
    if not missing and not asks_for_sizes:
        return _readable(path), frozenset()
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(missing))
    if asks_for_sizes:
        _answer_sizes(model.graph)
    return model.SerializeToString(), frozenset(missing)


def _readable(path: Path) -> str | bytes:
    """Returns the path as ONNX Runtime reads it (UTF-8), or the content where the name is not UTF-8."""
    try:
        return os.fsencode(path).decode()
    except UnicodeDecodeError:
        return path.read_bytes()


def _answer_sizes(graph: onnx.GraphProto) -> None:
    """Replaces the input for sizes by those of the tensor, so that boxes are in its pixels."""
    sizes = next(entry for entry in graph.input if entry.name in SIZE_INPUTS)
    picture = next(entry for entry in graph.input if entry.name not in SIZE_INPUTS and _is_picture(entry))
    sides = [side.dim_value for side in picture.type.tensor_type.shape.dim]
    across, down = (2, 1) if sides[3] == 3 and sides[1] != 3 else (3, 2)  # noqa: PLR2004 - colour channels
    constants = {"which": [across, down], "first": [0], "pair": [1, 2], "two": [2]}
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(values, np.int64), _OUR_PREFIX + name) for name, values in constants.items()
    )
    ours = {name: _OUR_PREFIX + name for name in ("shape", "sides", "row", "batch", "wanted", "whole", *constants)}
    nodes = [
        helper.make_node("Shape", [picture.name], [ours["shape"]]),
        helper.make_node("Gather", [ours["shape"], ours["which"]], [ours["sides"]]),
        helper.make_node("Reshape", [ours["sides"], ours["pair"]], [ours["row"]]),
        helper.make_node("Gather", [ours["shape"], ours["first"]], [ours["batch"]]),
        helper.make_node("Concat", [ours["batch"], ours["two"]], [ours["wanted"]], axis=0),
        helper.make_node("Expand", [ours["row"], ours["wanted"]], [ours["whole"]]),
        helper.make_node("Cast", [ours["whole"]], [sizes.name], to=sizes.type.tensor_type.elem_type),
    ]
    theirs = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *theirs])
    graph.input.remove(sizes)


def _is_picture(entry: onnx.ValueInfoProto) -> bool:
    return len(entry.type.tensor_type.shape.dim) == 4  # noqa: PLR2004 - batch, channels, height, width


def makers_of(graph: onnx.GraphProto) -> Makers:
    """Returns which node computes which value, without constants."""
    return {value: node for node in graph.node if node.op_type != "Constant" for value in node.output}


def features_before(makers: Makers, output: str) -> str | None:
    """Returns the input of the last layer before this output, or None."""
    node = _back_through(makers, output, _THROUGH)
    return node.input[0] if node is not None and node.op_type in _LAST_LAYERS and node.input else None


def last_operator(makers: Makers, output: str) -> str:
    """Returns the operator that decides the meaning of the output, before quantising and reshaping."""
    node = _back_through(makers, output, _THROUGH - _MEANINGFUL)
    return "" if node is None else node.op_type


def _back_through(makers: Makers, output: str, silent: frozenset[str]) -> onnx.NodeProto | None:
    """Returns the first node before this output that is not skipped; None in a cycle."""
    node = makers.get(output)
    for _ in range(_MOST_STEPS):
        if node is None or node.op_type not in silent:
            return node
        node = next((makers[value] for value in node.input if value in makers), None)
    return None
