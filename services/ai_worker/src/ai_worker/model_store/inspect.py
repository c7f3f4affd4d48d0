"""Inspects an ONNX file before a session opens it; nothing is executed, and a pickle is never unpickled."""

import ast
from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from ai_worker.inference.types import Axis
from ai_worker.model_store.check_graph import check_data, check_operators, is_quantised, mixes_pictures
from ai_worker.model_store.errors import ModelRefused
from ai_worker.model_store.scan import scan_file
from ai_worker.model_store.tap import SIZE_INPUTS, features_before, last_operator, makers_of

MAX_FILE_BYTES = 2**31 - 1
"""What protobuf can hold."""
MAX_INPUT_PIXELS = 16_000_000
_MAX_BATCH_PIXELS = 100_000_000
_MAX_METADATA = 200_000
_CHANNELS = 3
_IMAGE_AXES = 4
_PAIR = 2
_MAX_OUTPUTS = 256
_MAX_NAME = 200
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
    """What the file says about itself."""

    input: Axis
    height: int | None
    width: int | None
    layout: str
    """nchw or nhwc; empty when neither the shape nor the graph tells."""
    outputs: tuple[Axis, ...]
    last_operators: dict[str, str]
    inner_features: dict[str, str]
    names: tuple[str, ...]
    image_size: tuple[int, int] | None
    task: str
    stride: int | None
    quantised: bool
    alone: bool
    """Whether it must see one picture at a time, however many it takes."""
    opset: int
    producer: str


def check_file(path: Path) -> Facts:
    """Returns what the file says about itself; ModelRefused when it must not be run."""
    model = _parse(path)
    try:
        return _facts(model)
    except (TypeError, ValueError) as problem:  # names that are no text come out as bytes
        raise ModelRefused("not-onnx", "the file has names that are no text; expected an ONNX model") from problem


def _facts(model: onnx.ModelProto) -> Facts:
    check_operators(model)
    check_data(model)
    entry = _the_input(model.graph)
    layout = _layout(entry, model.graph)
    height, width = sides(entry, layout or "nchw")
    _check_pixels(entry, height, width)
    metadata = {prop.key: prop.value for prop in model.metadata_props if len(prop.value) <= _MAX_METADATA}
    outputs = _outputs(model.graph)
    makers = makers_of(model.graph)
    inner = {output.name: features_before(makers, output.name) for output in outputs}
    return Facts(
        input=entry,
        height=height,
        width=width,
        layout=layout,
        outputs=outputs,
        last_operators={output.name: last_operator(makers, output.name) for output in outputs},
        inner_features={name: value for name, value in inner.items() if value is not None},
        names=_names(metadata.get("names", "")),
        image_size=_image_size(metadata.get("imgsz", "")),
        task=metadata.get("task", "")[:40],
        stride=_stride(metadata.get("stride", "")),
        quantised=is_quantised(model),
        alone=mixes_pictures(model),
        opset=max((opset.version for opset in model.opset_import if opset.domain in ("", "ai.onnx")), default=0),
        producer=f"{model.producer_name} {model.producer_version}".strip()[:100],
    )


def sides(entry: Axis, layout: str) -> tuple[int | None, int | None]:
    """Returns height and width of the input in this layout; None where the file leaves them open."""
    _, second, third, fourth = entry.shape
    return (third, fourth) if layout == "nchw" else (second, third)


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
    scan_file(path)
    try:
        model = onnx.load(str(path), load_external_data=False)
    except (DecodeError, ValueError, RuntimeError) as problem:
        raise ModelRefused("not-onnx", "the file cannot be parsed; expected an ONNX model") from problem
    if not model.ir_version or not model.graph.node or not model.graph.output:
        raise ModelRefused("not-onnx", "the file has no graph; expected an ONNX model")
    return model


def _the_input(graph: onnx.GraphProto) -> Axis:
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [entry for entry in graph.input if entry.name not in constants]
    pictures = [entry for entry in inputs if not _is_sizes(entry)]
    if len(pictures) != 1 or len(inputs) > _PAIR:
        names = ", ".join(entry.name for entry in inputs) or "none"
        raise ModelRefused(
            "inputs",
            f"{len(inputs)} inputs were seen ({names[:200]}); expected one picture, or one and its orig_target_sizes",
        )
    entry = _axis(pictures[0])
    if entry.dtype not in _DTYPES.values():
        raise ModelRefused("inputs", f"the input is {entry.dtype}; expected float32, float16 or uint8")
    if len(entry.shape) != _IMAGE_AXES:
        raise ModelRefused(
            "inputs", f"the input {entry.name} has {len(entry.shape)} axes; expected 4: batch, channels, height, width"
        )
    return entry


def _outputs(graph: onnx.GraphProto) -> tuple[Axis, ...]:
    if len(graph.output) > _MAX_OUTPUTS:
        raise ModelRefused("outputs", f"{len(graph.output)} outputs were seen; at most {_MAX_OUTPUTS} are read")
    for output in graph.output:
        if len(output.name) > _MAX_NAME:
            raise ModelRefused("outputs", f"the name of the output {output.name[:40]}… is longer than {_MAX_NAME}")
        if output.type.WhichOneof("value") not in (None, "tensor_type"):
            raise ModelRefused("outputs", f"the output {output.name} is a list or a map; expected arrays of numbers")
    return tuple(_axis(output) for output in graph.output)


def _is_sizes(entry: onnx.ValueInfoProto) -> bool:
    """Returns whether this input takes the size of each picture, which the graph can compute itself."""
    axes = [side.dim_value for side in entry.type.tensor_type.shape.dim]
    return entry.name in SIZE_INPUTS and len(axes) == _PAIR and axes[1] in (0, _PAIR)


def _layout(entry: Axis, graph: onnx.GraphProto) -> str:
    _, second, _, fourth = entry.shape
    first, last = second in (_CHANNELS, None), fourth in (_CHANNELS, None)
    if not first and not last:
        shape = "x".join("?" if side is None else str(side) for side in entry.shape)
        raise ModelRefused("inputs", f"the input is {shape}; expected three colour channels")
    if first != last:
        return "nchw" if first else "nhwc"
    if (second is None) != (fourth is None):
        return "nhwc" if second is None else "nchw"
    return _layout_in(graph, entry.name)


_PASSING = frozenset({"Cast", "Sub", "Add", "Mul", "Div", "Identity", "QuantizeLinear", "DequantizeLinear", "Pad"})
_CHANNELS_FIRST = frozenset(
    {"Conv", "QLinearConv", "ConvInteger", "MaxPool", "AveragePool", "GlobalAveragePool", "BatchNormalization"}
)


def _layout_in(graph: onnx.GraphProto, name: str) -> str:
    """Returns the layout that the first deciding operator shows; empty when none does."""
    for node in graph.node:
        if name not in node.input:
            continue
        if node.op_type in _CHANNELS_FIRST:
            return "nchw"
        if node.op_type == "Transpose":
            turned = next((list(attribute.ints) for attribute in node.attribute if attribute.name == "perm"), [])
            return "nhwc" if turned == [0, 3, 1, 2] else "nchw" if turned == [0, 2, 3, 1] else ""
        if node.op_type not in _PASSING:
            return ""
        name = node.output[0]
    return ""


def _check_pixels(entry: Axis, height: int | None, width: int | None) -> None:
    if height is None or width is None:
        return
    if height * width > MAX_INPUT_PIXELS:
        raise ModelRefused(
            "too-many-pixels", f"the input is {width} x {height} pixels; at most {MAX_INPUT_PIXELS} are allowed"
        )
    if (entry.shape[0] or 1) * height * width > _MAX_BATCH_PIXELS:
        raise ModelRefused(
            "too-many-pixels",
            f"the input is {entry.shape[0]} pictures of {width} x {height} pixels; at most {_MAX_BATCH_PIXELS} pixels "
            "are allowed",
        )


def _axis(value: onnx.ValueInfoProto) -> Axis:
    tensor = value.type.tensor_type
    shape = tuple(side.dim_value if side.dim_value > 0 else None for side in tensor.shape.dim)
    known = _DTYPES.get(tensor.elem_type)
    if known is None:
        names = {number: name for name, number in onnx.TensorProto.DataType.items()}
        known = names.get(tensor.elem_type, "unknown").lower()
    return Axis(value.name, shape, known)


def _names(text: str) -> tuple[str, ...]:
    """Returns the labels that Ultralytics writes as a Python dict, or none."""
    value = _literal(text)
    if isinstance(value, dict) and value and sorted(map(str, value)) == sorted(map(str, range(len(value)))):
        by_index = {int(index): str(name) for index, name in value.items()}
        return tuple(by_index[index] for index in range(len(by_index)))
    if isinstance(value, list):
        return tuple(str(name) for name in value)
    return ()


def _image_size(text: str) -> tuple[int, int] | None:
    """Returns (height, width) as Ultralytics writes it."""
    value = _literal(text)
    if isinstance(value, int):
        return value, value
    if isinstance(value, list) and len(value) == 2 and all(isinstance(side, int) for side in value):  # noqa: PLR2004
        return value[0], value[1]
    return None


def _stride(text: str) -> int | None:
    value = _literal(text)
    return value if isinstance(value, int) and 0 < value <= MAX_INPUT_PIXELS else None


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(text) if text else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
