"""Small real ONNX files in the layouts that exporters write; each finds the coloured squares of a picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

CELL = 32
"""The side of a square; how red, green or blue it is is the confidence of the first, second, third class."""
KEPT = 10
"""Objects that a graph keeps when it suppresses by itself."""
_TYPES = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "uint8": TensorProto.UINT8}
_LEAST, _MOST = 1e-4, 1 - 1e-4


@dataclass
class Export:
    """One file: how it is fed, how it answers, what it says of itself."""

    layout: str
    classes: int = 3
    width: int = 128
    height: int = 96
    batch: int | str = 1
    open_sides: bool = False
    nhwc: bool = False
    dtype: str = "float32"
    from_bytes: bool = False
    """Takes 0..255 and scales by itself."""
    bgr: bool = False
    fractions: bool = False
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    reverse: bool = False
    """Lists its outputs the other way round."""
    names: dict[str, str] = field(default_factory=dict[str, str])
    """Other names for its outputs."""


class Graph:
    """Nodes and constants under way."""

    def __init__(self, export: Export) -> None:
        self.export = export
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, NDArray[Any]] = {}
        self.outputs: list[tuple[str, int, Sequence[int | str | None]]] = []
        self.more_inputs: list[onnx.ValueInfoProto] = []
        self.count = 0

    def do(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """One more node; its first output."""
        self.count += 1
        names = [f"v{self.count}_{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), names, **attributes))
        return names[0]

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        """A named constant."""
        self.count += 1
        name = f"c{self.count}"
        self.constants[name] = np.asarray(value, dtype=dtype)
        return name

    def output(self, name: str, value: str, shape: Sequence[int | str | None], kind: int | None = None) -> None:
        """This value leaves under this name, as the file's own number type unless told otherwise."""
        name = self.export.names.get(name, name)
        if kind is None:
            kind = _TYPES["float32" if self.export.dtype == "uint8" else self.export.dtype]
            if kind != TensorProto.FLOAT:
                value = self.do("Cast", value, to=kind)
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append((name, kind, [self.export.batch, *shape]))

    def save(self, path: Path) -> Path:
        """The whole file."""
        one = self.export
        sides: list[int | str] = ["height", "width"] if one.open_sides else [one.height, one.width]
        shape = [one.batch, *sides, 3] if one.nhwc else [one.batch, 3, *sides]
        outputs = [helper.make_tensor_value_info(name, kind, list(dims)) for name, kind, dims in self.outputs]
        graph = helper.make_graph(
            self.nodes,
            one.layout,
            [helper.make_tensor_value_info("images", _TYPES[one.dtype], shape), *self.more_inputs],
            outputs[::-1] if one.reverse else outputs,
            [numpy_helper.from_array(value, name) for name, value in self.constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        helper.set_model_props(model, one.metadata)
        path.write_bytes(model.SerializeToString())
        return path


def save_export(path: Path, layout: str, **how: Any) -> Path:
    """The file in this layout, one of LAYOUTS."""
    graph = Graph(Export(layout, **how))
    LAYOUTS[layout](graph)
    return graph.save(path)


def _pictures(graph: Graph) -> str:
    """(batch, 3, height, width) as float32 from 0 to 1, in the order red, green, blue."""
    one, value = graph.export, "images"
    if one.dtype != "float32":
        value = graph.do("Cast", value, to=TensorProto.FLOAT)
    if one.nhwc:
        value = graph.do("Transpose", value, perm=[0, 3, 1, 2])
    if one.from_bytes or one.dtype == "uint8":
        value = graph.do("Div", value, graph.constant(255.0))
    if one.bgr:
        value = graph.do("Gather", value, graph.constant([2, 1, 0], np.int64), axis=1)
    return value


def _colours(graph: Graph, pictures: str, stride: int) -> str:
    """(batch, cells, classes): the mean colours of the squares of this stride, row by row."""
    cells = graph.do("AveragePool", pictures, kernel_shape=[stride, stride], strides=[stride, stride])
    columns = graph.do("Reshape", cells, graph.constant([0, 3, -1], np.int64))
    weights = np.eye(3, graph.export.classes, dtype=np.float32)
    return graph.do("MatMul", graph.do("Transpose", columns, perm=[0, 2, 1]), graph.constant(weights))


def _centres(width: int, height: int) -> NDArray[np.float32]:
    y, x = np.divmod(np.arange((width // CELL) * (height // CELL)), width // CELL)
    return np.stack([(x + 0.5) * CELL, (y + 0.5) * CELL, 0 * x + CELL, 0 * x + CELL], axis=1).astype(np.float32)


def _corners(width: int, height: int) -> NDArray[np.float32]:
    centres = _centres(width, height)
    return np.concatenate([centres[:, :2] - CELL / 2, centres[:, :2] + CELL / 2], axis=1)


def _spread(graph: Graph, scores: str, values: NDArray[np.float32]) -> str:
    """These rows for every picture of the batch."""
    nothing = graph.do("Mul", graph.do("ReduceSum", scores, graph.constant([2], np.int64)), graph.constant(0.0))
    return graph.do("Add", nothing, graph.constant(values[None]))


def _sides(graph: Graph) -> NDArray[np.float32]:
    return np.asarray([graph.export.width, graph.export.height] * 2, np.float32)


def _table(graph: Graph, *, objectness: bool, more: int = 0) -> tuple[str, int, int]:
    """(batch, cells, numbers): centres, sizes, perhaps objectness, classes, perhaps something else."""
    one = graph.export
    scores = _colours(graph, _pictures(graph), CELL)
    centres = _centres(one.width, one.height)
    places = _spread(graph, scores, centres / _sides(graph) if one.fractions else centres)
    parts = [places]
    if objectness:
        parts.append(_spread(graph, scores, np.ones((len(centres), 1), np.float32)))
    parts.append(scores)
    if more:
        parts.append(_spread(graph, scores, np.full((len(centres), more), 0.77, np.float32)))
    return graph.do("Concat", *parts, axis=2), len(centres), 4 + objectness + one.classes + more


def _yolov5(graph: Graph) -> None:
    table, rows, columns = _table(graph, objectness=True)
    graph.output("output", table, [rows, columns])


def _yolov5_heads(graph: Graph) -> None:
    """With the raw heads beside the table, as the first exports of MegaDetector v5 were."""
    table, rows, columns = _table(graph, objectness=True)
    across, down = graph.export.width // CELL, graph.export.height // CELL
    heads = graph.do("Reshape", table, graph.constant([0, 1, down, across, columns], np.int64))
    for index in range(3):
        graph.output(f"onnx::Sigmoid_{index}", heads, [1, down, across, columns])
    graph.output("output", table, [rows, columns])


def _yolov8(graph: Graph) -> None:
    table, rows, columns = _table(graph, objectness=False)
    graph.output("output0", graph.do("Transpose", table, perm=[0, 2, 1]), [columns, rows])


def _yolov8_rows(graph: Graph) -> None:
    table, rows, columns = _table(graph, objectness=False)
    graph.output("output0", table, [rows, columns])


def _yolov8_objectness(graph: Graph) -> None:
    table, rows, columns = _table(graph, objectness=True)
    graph.output("output0", graph.do("Transpose", table, perm=[0, 2, 1]), [columns, rows])


def _yolov8_masks(graph: Graph) -> None:
    table, rows, columns = _table(graph, objectness=False, more=32)
    graph.output("output0", graph.do("Transpose", table, perm=[0, 2, 1]), [columns, rows])
    masks = graph.do("Expand", graph.constant(np.zeros((1, 32, 1, 1))), graph.constant([1, 32, 8, 8], np.int64))
    graph.output("output1", masks, [32, 8, 8])


def _yolov9_dual(graph: Graph) -> None:
    """Two tables of one shape, of which the first was only for training."""
    table, rows, columns = _table(graph, objectness=False)
    upright = graph.do("Transpose", table, perm=[0, 2, 1])
    other = graph.do("Mul", upright, graph.constant(0.5))
    graph.output("output0", other, [columns, rows])
    graph.output("output1", upright, [columns, rows])


def _best(graph: Graph) -> tuple[str, str, str]:
    """Of every picture the best cells: corners (batch, kept, 4), scores and classes (batch, kept, 1)."""
    one = graph.export
    scores = _colours(graph, _pictures(graph), CELL)
    corners = _corners(one.width, one.height)
    places = _spread(graph, scores, corners / _sides(graph) if one.fractions else corners)
    best = graph.do("ReduceMax", scores, axes=[2], keepdims=1)
    label = graph.do("Cast", graph.do("ArgMax", scores, axis=2, keepdims=1), to=TensorProto.FLOAT)
    table = graph.do("Concat", places, best, label, axis=2)
    flat = graph.do("Reshape", best, graph.constant([0, -1], np.int64))
    graph.do("TopK", flat, graph.constant([KEPT], np.int64), outputs=2, axis=1)
    which = graph.do("Unsqueeze", f"v{graph.count}_1", graph.constant([2], np.int64))
    kept = graph.do("GatherElements", table, graph.do("Tile", which, graph.constant([1, 1, 6], np.int64)), axis=1)
    cut = [
        graph.do("Slice", kept, graph.constant([first], np.int64), graph.constant([last], np.int64), axes)
        for first, last in ((0, 4), (4, 5), (5, 6))
        for axes in [graph.constant([2], np.int64)]
    ]
    return cut[0], cut[1], cut[2]


def _vector(graph: Graph, value: str, to: int | None = None) -> str:
    flat = graph.do("Squeeze", value, graph.constant([2], np.int64))
    return flat if to is None else graph.do("Cast", flat, to=to)


def _end_to_end(graph: Graph) -> None:
    graph.output("output0", graph.do("Concat", *_best(graph), axis=2), [KEPT, 6])


def _end_to_end_merged(graph: Graph) -> None:
    """The objects of all pictures in one table, which does not say whose they are."""
    table = graph.do("Concat", *_best(graph), axis=2)
    graph.nodes.append(helper.make_node("Reshape", [table, graph.constant([-1, 6], np.int64)], ["output"]))
    graph.outputs.append(("output", TensorProto.FLOAT, ["objects", 6]))


def _parts(graph: Graph) -> None:
    """As the plugin EfficientNMS of TensorRT answers."""
    corners, scores, labels = _best(graph)
    sure = graph.do("Cast", graph.do("Greater", scores, graph.constant(0.25)), to=TensorProto.INT32)
    counted = graph.do("ReduceSum", sure, graph.constant([1], np.int64), keepdims=1)
    graph.output("num_dets", graph.do("Squeeze", counted, graph.constant([2], np.int64)), [1], TensorProto.INT32)
    graph.output("det_boxes", corners, [KEPT, 4])
    graph.output("det_scores", _vector(graph, scores), [KEPT])
    graph.output("det_classes", _vector(graph, labels, TensorProto.INT32), [KEPT], TensorProto.INT32)


def _unnamed_parts(graph: Graph) -> None:
    corners, scores, labels = _best(graph)
    graph.output("a", corners, [KEPT, 4])
    graph.output("b", _vector(graph, scores), [KEPT])
    graph.output("c", _vector(graph, labels), [KEPT])


def _dets_and_labels(graph: Graph) -> None:
    """As mmdeploy exports."""
    corners, scores, labels = _best(graph)
    graph.output("dets", graph.do("Concat", corners, scores, axis=2), [KEPT, 5])
    graph.output("labels", _vector(graph, labels, TensorProto.INT64), [KEPT], TensorProto.INT64)


def _rtdetr_sizes(graph: Graph) -> None:
    """As RT-DETR's own export with its postprocessing: a second input says how large the picture is."""
    graph.export.fractions = True
    corners, scores, labels = _best(graph)
    sizes = helper.make_tensor_value_info("orig_target_sizes", TensorProto.INT64, [graph.export.batch, 2])
    graph.more_inputs.append(sizes)
    twice = graph.do("Concat", "orig_target_sizes", "orig_target_sizes", axis=1)
    sides = graph.do("Unsqueeze", graph.do("Cast", twice, to=TensorProto.FLOAT), graph.constant([1], np.int64))
    graph.output("labels", _vector(graph, labels, TensorProto.INT64), [KEPT], TensorProto.INT64)
    graph.output("boxes", graph.do("Mul", corners, sides), [KEPT, 4])
    graph.output("scores", _vector(graph, scores), [KEPT])


def _queries(graph: Graph) -> tuple[str, str, int]:
    one = graph.export
    scores = _colours(graph, _pictures(graph), CELL)
    centres = _centres(one.width, one.height) / _sides(graph)
    return _spread(graph, scores, centres.astype(np.float32)), scores, len(centres)


def _rtdetr(graph: Graph) -> None:
    places, scores, rows = _queries(graph)
    clipped = graph.do("Clip", scores, graph.constant(_LEAST), graph.constant(_MOST))
    odds = graph.do("Div", clipped, graph.do("Sub", graph.constant(1.0), clipped))
    graph.output("pred_logits", graph.do("Log", odds), [rows, graph.export.classes])
    graph.output("pred_boxes", places, [rows, 4])


def _rtdetr_joined(graph: Graph) -> None:
    """As Ultralytics exports it."""
    places, scores, rows = _queries(graph)
    graph.output("output0", graph.do("Concat", places, scores, axis=2), [rows, 4 + graph.export.classes])


def _nms_without_batch(graph: Graph) -> None:
    """Suppressed by ONNX's own operator: as many rows as there are objects, and no axis for pictures."""
    one = graph.export
    scores = _colours(graph, _pictures(graph), CELL)
    corners = _spread(graph, scores, _corners(one.width, one.height))
    chosen = graph.do(
        "NonMaxSuppression",
        corners,
        graph.do("Transpose", scores, perm=[0, 2, 1]),
        graph.constant([KEPT], np.int64),
        graph.constant([0.5]),
        graph.constant([0.25]),
    )
    label = graph.do("Gather", chosen, graph.constant([1], np.int64), axis=1)
    which = graph.do("Gather", chosen, graph.constant([2], np.int64), axis=1)
    flat = graph.do("Squeeze", which, graph.constant([1], np.int64))
    zero = graph.constant([0], np.int64)
    places = graph.do("Gather", graph.do("Squeeze", corners, zero), flat, axis=0)
    rows = graph.do("Gather", graph.do("Squeeze", scores, zero), flat, axis=0)
    score = graph.do("GatherElements", rows, label, axis=1)
    table = graph.do("Concat", places, score, graph.do("Cast", label, to=TensorProto.FLOAT), axis=1)
    graph.nodes.append(helper.make_node("Identity", [table], ["output"]))
    graph.outputs.append(("output", TensorProto.FLOAT, ["objects", 6]))


def _grids(graph: Graph, strides: Sequence[int]) -> tuple[str, list[tuple[int, int, int]]]:
    """Scores on the grids of all strides, of which only the squares' own says anything; and (x, y, stride)."""
    pictures = _pictures(graph)
    parts: list[str] = []
    cells: list[tuple[int, int, int]] = []
    for stride in strides:
        scores = _colours(graph, pictures, stride)
        parts.append(scores if stride == CELL else graph.do("Mul", scores, graph.constant(0.0)))
        across, down = graph.export.width // stride, graph.export.height // stride
        cells += [(x, y, stride) for y in range(down) for x in range(across)]
    return graph.do("Concat", *parts, axis=1), cells


def _yolox(graph: Graph) -> None:
    scores, cells = _grids(graph, (8, 16, 32))
    raw = np.tile(np.asarray([[0.5, 0.5, 0.0, 0.0, 1.0]], np.float32), (len(cells), 1))
    graph.output(
        "output",
        graph.do("Concat", _spread(graph, scores, raw), scores, axis=2),
        [len(cells), 5 + graph.export.classes],
    )


def _yolox_decoded(graph: Graph) -> None:
    scores, cells = _grids(graph, (8, 16, 32))
    decoded = np.asarray([[(x + 0.5) * s, (y + 0.5) * s, s, s, 1.0] for x, y, s in cells], np.float32)
    table = graph.do("Concat", _spread(graph, scores, decoded), scores, axis=2)
    graph.output("output", table, [len(cells), 5 + graph.export.classes])


def _nanodet(graph: Graph) -> None:
    """Left and top are 0 strides away, right and bottom 1; so sure that nothing is left for other distances."""
    scores, cells = _grids(graph, (8, 16, 32, 64))
    sides = np.full((len(cells), 4, 8), -50.0, np.float32)
    sides[:, :2, 0] = sides[:, 2:, 1] = 50.0
    table = graph.do("Concat", scores, _spread(graph, scores, sides.reshape(len(cells), 32)), axis=2)
    graph.output("output", table, [len(cells), graph.export.classes + 32])


def _undecoded(graph: Graph) -> None:
    """The bare heads of a network whose decoding was left to others."""
    pictures = _pictures(graph)
    for stride in (8, 16, 32):
        cells = graph.do("AveragePool", pictures, kernel_shape=[stride, stride], strides=[stride, stride])
        graph.output(f"head{stride}", cells, [3, graph.export.height // stride, graph.export.width // stride])


LAYOUTS: dict[str, Callable[[Graph], None]] = {
    "yolov5": _yolov5,
    "yolov5-heads": _yolov5_heads,
    "yolov8": _yolov8,
    "yolov8-rows": _yolov8_rows,
    "yolov8-objectness": _yolov8_objectness,
    "yolov8-masks": _yolov8_masks,
    "yolov9-dual": _yolov9_dual,
    "end-to-end": _end_to_end,
    "end-to-end-merged": _end_to_end_merged,
    "parts": _parts,
    "unnamed-parts": _unnamed_parts,
    "dets-and-labels": _dets_and_labels,
    "nms-without-batch": _nms_without_batch,
    "rtdetr": _rtdetr,
    "rtdetr-joined": _rtdetr_joined,
    "rtdetr-sizes": _rtdetr_sizes,
    "yolox": _yolox,
    "yolox-decoded": _yolox_decoded,
    "nanodet": _nanodet,
    "undecoded": _undecoded,
}
