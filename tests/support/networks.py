"""Tiny ONNX files with known weights, so that outcomes are exact."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

CELL = 32
"""The side of the squares that the colour detector looks at."""
_TYPES = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16}


def save(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    *,
    shape: Sequence[int | str],
    outputs: dict[str, Sequence[int | str]],
    constants: dict[str, NDArray[Any]] | None = None,
    dtype: str = "float32",
    output_dtype: str | None = None,
    metadata: dict[str, str] | None = None,
    opsets: dict[str, int] | None = None,
) -> Path:
    """A checked file with one input `images`."""
    graph = helper.make_graph(
        list(nodes),
        "tiny",
        [helper.make_tensor_value_info("images", _TYPES[dtype], list(shape))],
        [helper.make_tensor_value_info(name, _TYPES[output_dtype or dtype], list(s)) for name, s in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    imports = [helper.make_opsetid(domain, version) for domain, version in (opsets or {"": 17}).items()]
    model = helper.make_model(graph, opset_imports=imports, ir_version=8)
    helper.set_model_props(model, metadata or {})
    path.write_bytes(model.SerializeToString())
    return path


def fixed_output(
    path: Path,
    values: NDArray[Any],
    *,
    size: int = 64,
    batch: int | str = 1,
    nhwc: bool = False,
    dtype: str = "float32",
    extra_first: bool = False,
    metadata: dict[str, str] | None = None,
) -> Path:
    """A network that answers these numbers whatever it sees; its output still has the input's batch axis."""
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=1),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Reshape", ["nothing", "flat"], ["offset"]),
        helper.make_node("Add", ["offset", "values"], ["output"]),
    ]
    outputs: dict[str, Sequence[int | str]] = {"output": [batch, *values.shape]}
    if extra_first:
        nodes.append(helper.make_node("Identity", ["mean"], ["extra"]))
        outputs = {"extra": [batch, 1, 1, 1], **outputs}
    return save(
        path,
        nodes,
        shape=[batch, size, size, 3] if nhwc else [batch, 3, size, size],
        outputs=outputs,
        constants={
            "zero": np.zeros((), dtype=dtype),
            "flat": np.asarray([-1] + [1] * values.ndim, dtype=np.int64),
            "values": values[None].astype(dtype),
        },
        dtype=dtype,
        metadata=metadata,
    )


def colour_detector(path: Path, *, size: int = 128, batch: int | str = "batch") -> Path:
    """YOLOv8 layout: in each square of 32 pixels, how red is an animal, green a human, blue a vehicle."""
    across = size // CELL
    y, x = np.divmod(np.arange(across * across), across)
    boxes = np.stack([x * CELL + CELL / 2, y * CELL + CELL / 2, 0 * x + CELL, 0 * x + CELL]).astype(np.float32)
    return save(
        path,
        [
            helper.make_node("AveragePool", ["images"], ["cells"], kernel_shape=[CELL, CELL], strides=[CELL, CELL]),
            helper.make_node("Reshape", ["cells", "as_rows"], ["scores"]),
            helper.make_node("ReduceSum", ["scores", "axis"], ["sum"], keepdims=1),
            helper.make_node("Mul", ["sum", "zero"], ["nothing"]),
            helper.make_node("Add", ["nothing", "boxes"], ["places"]),
            helper.make_node("Concat", ["places", "scores"], ["output"], axis=1),
        ],
        shape=[batch, 3, size, size],
        outputs={"output": [batch, 7, across * across]},
        constants={
            "as_rows": np.asarray([0, 3, -1], dtype=np.int64),
            "axis": np.asarray([1], dtype=np.int64),
            "zero": np.zeros((), dtype=np.float32),
            "boxes": boxes[None],
        },
        metadata={"names": "{0: 'animal', 1: 'person', 2: 'vehicle'}", "imgsz": f"[{size}, {size}]"},
    )


def colour_classifier(
    path: Path, *, size: int = 32, batch: int | str = "batch", softmax: bool = False, embedding: bool = True
) -> Path:
    """Mean colour to three classes (red, green, blue), times 10; the mean colour itself as features."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["images"], ["means"]),
        helper.make_node("Flatten", ["means"], ["embedding"]),
        helper.make_node("Gemm", ["embedding", "weights"], ["logits"]),
    ]
    outputs: dict[str, Sequence[int | str]] = {"logits": [batch, 3]}
    if softmax:
        nodes.append(helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1))
        outputs = {"probabilities": [batch, 3]}
    if embedding:
        outputs = {"embedding": [batch, 3], **outputs}
    return save(
        path,
        nodes,
        shape=[batch, 3, size, size],
        outputs=outputs,
        constants={"weights": np.eye(3, dtype=np.float32) * 10},
    )


def endless(path: Path) -> Path:
    """A loop whose condition is always true; each turn is quick."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Sin", ["state"], ["next_state"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, [1, 7, 5]),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next_state", TensorProto.FLOAT, [1, 7, 5]),
        ],
    )
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Add", ["start", "mean"], ["state"]),
        helper.make_node("Loop", ["", "yes", "state"], ["output"], body=body),
    ]
    return save(
        path,
        nodes,
        shape=[1, 3, 64, 64],
        outputs={"output": [1, 7, 5]},
        constants={"yes": np.asarray(True), "start": np.ones((1, 7, 5), np.float32)},
    )
