"""Refuses graphs with custom operators, external data or missing weights."""

import math
from collections.abc import Iterator

import onnx

from ai_worker.model_store.errors import ModelRefused

DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
MAX_NODES = 200_000
_MAX_DENSE_VALUES = 2**28
"""What a sparse tensor may unpack to."""
_REACHING_OUT = frozenset({"EPContext", "PythonOp", "PythonOpGrad", "ATen", "ExternalData"})
"""Operators of com.microsoft that open other files or run other code."""
_QUANTISED = ("QuantizeLinear", "QLinear", "DynamicQuantize", "MatMulInteger", "ConvInteger", "MatMulNBits")
_BITS: dict[int, int] = {
    onnx.TensorProto.FLOAT: 32,
    onnx.TensorProto.UINT8: 8,
    onnx.TensorProto.INT8: 8,
    onnx.TensorProto.UINT16: 16,
    onnx.TensorProto.INT16: 16,
    onnx.TensorProto.INT32: 32,
    onnx.TensorProto.INT64: 64,
    onnx.TensorProto.BOOL: 8,
    onnx.TensorProto.FLOAT16: 16,
    onnx.TensorProto.DOUBLE: 64,
    onnx.TensorProto.UINT32: 32,
    onnx.TensorProto.UINT64: 64,
    onnx.TensorProto.BFLOAT16: 16,
    onnx.TensorProto.UINT4: 4,
    onnx.TensorProto.INT4: 4,
}
"""Of one value; types that are not here are text or so rare that only their number of values is compared."""


def check_operators(model: onnx.ModelProto) -> None:
    """Checks that only operators of ONNX and com.microsoft occur, also inside branches and loops."""
    if model.functions:
        function = model.functions[0]
        raise ModelRefused(
            "custom-operators",
            f"the file defines functions of its own ({function.domain}.{function.name}); export it with them inlined",
        )
    if model.training_info:
        raise ModelRefused("custom-operators", "the file carries graphs for training; export it for inference")
    count = 0
    for graph in _graphs(model):
        count += len(graph.node)
        if count > MAX_NODES:
            raise ModelRefused("too-large", f"more than {MAX_NODES} operators")
        for node in graph.node:
            if node.domain not in DOMAINS or (node.domain == "com.microsoft" and node.op_type in _REACHING_OUT):
                raise ModelRefused(
                    "custom-operators",
                    f"the operator {node.domain[:100]}.{node.op_type[:100]} was seen; expected only those of ONNX "
                    "itself and of com.microsoft that need nothing beside the file",
                )


def check_data(model: onnx.ModelProto) -> None:
    """Checks that every weight is in this file, and as long as it says."""
    for graph in _graphs(model):
        for tensor in _tensors(graph):
            name = tensor.name[:100] or "a constant"
            if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
                raise ModelRefused(
                    "external-data",
                    f"the weights of {name} lie in another file; expected one file with everything in it "
                    "(torch.onnx.export: external_data=False; otherwise onnx.save of what onnx.load gives)",
                )
            if not _is_whole(tensor):
                shape = "x".join(map(str, tensor.dims))
                raise ModelRefused(
                    "weights", f"{name} is said to be {shape}, and the file does not hold that many values"
                )


def is_quantised(model: onnx.ModelProto) -> bool:
    """Returns whether it computes with integers somewhere, which devices round differently."""
    return any(node.op_type.startswith(_QUANTISED) for graph in _graphs(model) for node in graph.node)


def mixes_pictures(model: onnx.ModelProto) -> bool:
    """Returns whether it quantises by the maximum of a whole batch, so that pictures influence each other."""
    return any(node.op_type == "DynamicQuantizeLinear" for graph in _graphs(model) for node in graph.node)


def _graphs(model: onnx.ModelProto) -> Iterator[onnx.GraphProto]:
    """Yields the main graph and every graph inside a node, of bounded depth."""
    waiting = [model.graph]
    while waiting:
        graph = waiting.pop()
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    waiting.append(attribute.g)
                waiting.extend(attribute.graphs)


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from _parts(sparse)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            if attribute.HasField("sparse_tensor"):
                yield from _parts(attribute.sparse_tensor)
            for sparse in attribute.sparse_tensors:
                yield from _parts(sparse)


def _parts(sparse: onnx.SparseTensorProto) -> Iterator[onnx.TensorProto]:
    if any(side < 0 for side in sparse.dims) or math.prod(sparse.dims) > _MAX_DENSE_VALUES:
        shape = "x".join(map(str, sparse.dims))
        raise ModelRefused(
            "too-large", f"a sparse tensor of {shape} was seen; at most {_MAX_DENSE_VALUES} values are unpacked"
        )
    yield sparse.values
    yield sparse.indices


def _is_whole(tensor: onnx.TensorProto) -> bool:
    if any(side < 0 for side in tensor.dims):
        return False
    count = math.prod(tensor.dims)
    bits = _BITS.get(tensor.data_type)
    if tensor.HasField("raw_data"):
        return bits is None or count * bits <= 8 * len(tensor.raw_data)
    values = (
        len(tensor.float_data)
        + len(tensor.int32_data)
        + len(tensor.int64_data)
        + len(tensor.double_data)
        + len(tensor.uint64_data)
        + len(tensor.string_data)
    )
    return count <= values * (8 // bits if bits is not None and bits < 8 else 1)  # noqa: PLR2004 - bits of a byte
