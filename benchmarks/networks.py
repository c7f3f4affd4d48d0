"""Detectors of a chosen weight, built on the spot: real convolutions with drawn weights, and answers that are known.

Each finds one animal in the middle of whatever it sees. What its layers compute goes into the third decimal of every
score, so nothing of it can be left out.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

STRIDE = 32
CLASSES = ("animal", "person", "vehicle")
_PRESENT, _ELSEWHERE, _ANSWER_SCALE = 0.9, 0.002, 0.001


def build_detector(path: Path, *, size: int, width: int, depth: int) -> Path:
    """A trunk of five halvings, `width` channels at first, `depth` residual blocks per halving; YOLOv8's layout."""
    draw = np.random.default_rng(size * width + depth)
    graph = _Graph(draw)
    value, channels = "images", 3
    for level in range(5):
        value = graph.convolve(value, channels, wider := min(width << level, 16 * width), side=3, stride=2)
        channels = wider
        for _ in range(depth if level else 0):
            inner = graph.convolve(value, channels, channels // 2, side=1)
            inner = graph.convolve(inner, channels // 2, channels, side=3)
            value = graph.add("Add", [value, inner])
    answers = graph.add("Tanh", [graph.convolve(value, channels, len(CLASSES), side=1, active=False)])
    across = size // STRIDE
    boxes, scores = _answers(across)
    flat = graph.add("Reshape", [answers, graph.keep(np.asarray([0, len(CLASSES), -1], np.int64))])
    little = graph.add("Mul", [flat, graph.keep(np.asarray(_ANSWER_SCALE, np.float32))])
    scores_value = graph.add("Add", [little, graph.keep(scores)])
    nothing = graph.add(
        "Mul", [graph.add("Slice", [flat, *map(graph.keep, _FIRST)]), graph.keep(np.zeros((1, 1, 1), np.float32))]
    )
    places = graph.add("Add", [nothing, graph.keep(boxes)])
    graph.nodes.append(helper.make_node("Concat", [places, scores_value], ["output"], axis=1))
    path.write_bytes(graph.model(size, 4 + len(CLASSES), across * across).SerializeToString())
    return path


_FIRST = (np.asarray([0], np.int64), np.asarray([1], np.int64), np.asarray([1], np.int64))
"""The first of the classes: from, to, axis."""


def _answers(across: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    y, x = np.divmod(np.arange(across * across), across)
    side = np.full(across * across, 4.0 * STRIDE)
    boxes = np.stack([x * STRIDE + STRIDE / 2, y * STRIDE + STRIDE / 2, side, side])
    scores = np.full((len(CLASSES), across * across), _ELSEWHERE)
    scores[0, across // 2 * across + across // 2] = _PRESENT
    return boxes[None].astype(np.float32), scores[None].astype(np.float32)


class _Graph:
    """Nodes and constants, named as they come."""

    def __init__(self, draw: np.random.Generator) -> None:
        self.draw = draw
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def keep(self, values: NDArray[np.generic]) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def add(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def convolve(
        self, value: str, channels: int, filters: int, *, side: int, stride: int = 1, active: bool = True
    ) -> str:
        spread = np.sqrt(2 / (channels * side * side))
        weights = self.draw.normal(0, spread, (filters, channels, side, side)).astype(np.float32)
        pads = [side // 2] * 4
        how = {"kernel_shape": [side, side], "strides": [stride, stride], "pads": pads}
        bias = self.keep(np.zeros(filters, np.float32))
        value = self.add("Conv", [value, self.keep(weights), bias], **how)
        return self.add("Relu", [value]) if active else value

    def model(self, size: int, rows: int, cells: int) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes,
            "trunk",
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, size, size])],
            [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", rows, cells])],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        helper.set_model_props(model, {"imgsz": f"[{size}, {size}]"})
        onnx.checker.check_model(model)
        return model
