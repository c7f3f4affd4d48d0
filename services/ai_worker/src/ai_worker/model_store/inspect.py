"""Looks into an ONNX file before any session sees it; nothing of it is executed, a pickle is never unpickled."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from ai_worker.inference.types import Axis
from ai_worker.model_store.errors import ModelRefused
from ai_worker.model_store.tap import features_before, last_operator

DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
MAX_FILE_BYTES = 2**31 - 1
"""What protobuf can hold."""
MAX_NODES = 200_000
MAX_INPUT_PIXELS = 16_000_000
_MAX_METADATA = 200_000
_MAX_DEPTH = 8
_CHANNELS = 3
_IMAGE_AXES = 4
_DTYPES: dict[int, str] = {
    onnx.TensorProto.FLOAT: "float32",
    onnx.TensorProto.FLOAT16: "float16",
    onnx.TensorProto.UINT8: "uint8",
}
_SIGNS = (
    (b"PK\x03\x04", "a zip archive, as PyTorch checkpoints are; export the model to ONNX"),
    (b"\x80\x02", "a Python pickle, which is never loaded; export the model to ONNX"),
    (b"\x80\x03", "a Python pickle, which is never loaded; export the model to ONNX"),
    (b"\x80\x04", "a Python pickle, which is never loaded; export the model to ONNX"),
    (b"\x80\x05", "a Python pickle, which is never loaded; export the model to ONNX"),
    (b"\x89HDF", "an HDF5 file"),
    (b"<", "a web page or XML file"),
    (b"{", "a JSON file"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself"),
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the file says of itself."""

    input: Axis
    height: int | None
    width: int | None
    layout: str
    outputs: tuple[Axis, ...]
    last_operators: dict[str, str]
    inner_features: dict[str, str]
    names: tuple[str, ...]
    image_size: tuple[int, int] | None
    opset: int
    producer: str


def check_file(path: Path) -> Facts:
    """What the file says of itself; ModelRefused when it must not be run."""
    model = _parse(path)
    _check_operators(model)
    _check_data(model)
    entry = _the_input(model.graph)
    layout, height, width = _layout(entry)
    metadata = {prop.key: prop.value for prop in model.metadata_props if len(prop.value) <= _MAX_METADATA}
    outputs = tuple(_axis(output) for output in model.graph.output)
    inner = {output.name: features_before(model.graph, output.name) for output in outputs}
    return Facts(
        input=entry,
        height=height,
        width=width,
        layout=layout,
        outputs=outputs,
        last_operators={output.name: last_operator(model.graph, output.name) for output in outputs},
        inner_features={name: value for name, value in inner.items() if value is not None},
        names=_names(metadata.get("names", "")),
        image_size=_image_size(metadata.get("imgsz", "")),
        opset=max((opset.version for opset in model.opset_import if opset.domain in ("", "ai.onnx")), default=0),
        producer=f"{model.producer_name} {model.producer_version}".strip()[:100],
    )


def _parse(path: Path) -> onnx.ModelProto:
    size = path.stat().st_size
    if size == 0:
        raise ModelRefused("not-onnx", "the file is empty; expected an ONNX model")
    if size > MAX_FILE_BYTES:
        raise ModelRefused("too-large", f"the file has {size} bytes; at most {MAX_FILE_BYTES} are read")
    with path.open("rb") as file:
        head = file.read(64)
    for sign, what in _SIGNS:
        if head.startswith(sign):
            raise ModelRefused("not-onnx", f"the file is {what}; expected an ONNX model")
    try:
        model = onnx.load(str(path), load_external_data=False)
    except (DecodeError, ValueError, RuntimeError) as problem:
        raise ModelRefused("not-onnx", "the file cannot be parsed; expected an ONNX model") from problem
    if not model.ir_version or not model.graph.node or not model.graph.output:
        raise ModelRefused("not-onnx", "the file has no graph; expected an ONNX model")
    return model


def _graphs(model: onnx.ModelProto) -> Iterator[onnx.GraphProto]:
    """The main graph and every graph inside a node."""
    waiting = [(model.graph, 0)]
    while waiting:
        graph, depth = waiting.pop()
        if depth > _MAX_DEPTH:
            raise ModelRefused("too-large", f"graphs inside graphs more than {_MAX_DEPTH} deep")
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    waiting.append((attribute.g, depth + 1))
                waiting.extend((inner, depth + 1) for inner in attribute.graphs)


def _check_operators(model: onnx.ModelProto) -> None:
    if model.functions:
        function = model.functions[0]
        raise ModelRefused(
            "custom-operators",
            f"the file defines functions of its own ({function.domain}.{function.name}); export it with them inlined",
        )
    count = 0
    for graph in _graphs(model):
        count += len(graph.node)
        if count > MAX_NODES:
            raise ModelRefused("too-large", f"more than {MAX_NODES} operators")
        for node in graph.node:
            if node.domain not in DOMAINS:
                raise ModelRefused(
                    "custom-operators",
                    f"the operator {node.domain}.{node.op_type} was seen; expected only those of ONNX itself and "
                    "com.microsoft",
                )


def _check_data(model: onnx.ModelProto) -> None:
    for graph in _graphs(model):
        tensors = list(graph.initializer)
        for sparse in graph.sparse_initializer:
            tensors += [sparse.values, sparse.indices]
        for node in graph.node:
            for attribute in node.attribute:
                tensors += [attribute.t, *attribute.tensors]
        for tensor in tensors:
            if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
                raise ModelRefused(
                    "external-data",
                    f"the weights of {tensor.name or 'a constant'} lie in another file; expected one file with "
                    "everything in it",
                )


def _the_input(graph: onnx.GraphProto) -> Axis:
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [entry for entry in graph.input if entry.name not in constants]
    if len(inputs) != 1:
        names = ", ".join(entry.name for entry in inputs) or "none"
        raise ModelRefused("inputs", f"{len(inputs)} inputs were seen ({names[:200]}); expected one picture")
    entry = _axis(inputs[0])
    if entry.dtype not in _DTYPES.values():
        raise ModelRefused("inputs", f"the input is {entry.dtype}; expected float32, float16 or uint8")
    if len(entry.shape) != _IMAGE_AXES:
        raise ModelRefused(
            "inputs", f"the input {entry.name} has {len(entry.shape)} axes; expected 4: batch, channels, height, width"
        )
    return entry


def _layout(entry: Axis) -> tuple[str, int | None, int | None]:
    _, second, third, fourth = entry.shape
    if second == _CHANNELS or (second is None and fourth != _CHANNELS):
        layout, height, width = "nchw", third, fourth
    elif fourth == _CHANNELS:
        layout, height, width = "nhwc", second, third
    else:
        sides = "x".join("?" if side is None else str(side) for side in entry.shape)
        raise ModelRefused("inputs", f"the input is {sides}; expected three colour channels")
    if height is not None and width is not None and height * width > MAX_INPUT_PIXELS:
        raise ModelRefused(
            "too-many-pixels", f"the input is {width} x {height} pixels; at most {MAX_INPUT_PIXELS} are allowed"
        )
    return layout, height, width


def _axis(value: onnx.ValueInfoProto) -> Axis:
    tensor = value.type.tensor_type
    shape = tuple(side.dim_value if side.dim_value > 0 else None for side in tensor.shape.dim)
    known = _DTYPES.get(tensor.elem_type)
    if known is None:
        known = onnx.TensorProto.DataType.Name(tensor.elem_type).lower() if tensor.elem_type else "unknown"
    return Axis(value.name, shape, known)


def _names(text: str) -> tuple[str, ...]:
    """Ultralytics writes the labels as a Python dict; anything else is as if there were none."""
    value = _literal(text)
    if isinstance(value, dict) and value and sorted(map(str, value)) == sorted(map(str, range(len(value)))):
        by_index = {int(index): str(name) for index, name in value.items()}
        return tuple(by_index[index] for index in range(len(by_index)))
    if isinstance(value, list):
        return tuple(str(name) for name in value)
    return ()


def _image_size(text: str) -> tuple[int, int] | None:
    """(height, width), as Ultralytics writes it."""
    value = _literal(text)
    if isinstance(value, int):
        return value, value
    if isinstance(value, list) and len(value) == 2 and all(isinstance(side, int) for side in value):  # noqa: PLR2004
        return value[0], value[1]
    return None


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(text) if text else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
