"""Converts checkpoints of Ultralytics (YOLOv8 to v11, RT-DETR): MegaDetector v6 and 1000, TrapperAI, YOLOv8."""

import argparse
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
from conversion import OPSET, Model, Recipe, command_line

_MEGADETECTOR = 4 + 3
_COCO = 4 + 80
_END_TO_END = 6
"""Corners, score and class of an object, when the graph chooses them itself."""
RECIPES = {
    "megadetector-1000-larch": Recipe(640, ((None, _MEGADETECTOR, None),)),
    "megadetector-1000-sorrel": Recipe(960, ((None, _MEGADETECTOR, None),)),
    "megadetector-v6-yolov9-c": Recipe(1280, ((None, _MEGADETECTOR, None),)),
    "megadetector-v6-yolov9-e": Recipe(1280, ((None, _MEGADETECTOR, None),)),
    "megadetector-v6-yolov10-c": Recipe(1280, ((None, 300, _END_TO_END),)),
    "megadetector-v6-yolov10-e": Recipe(1280, ((None, 300, _END_TO_END),)),
    "megadetector-v6-rtdetr-c": Recipe(1280, ((None, 300, _END_TO_END),)),
    "trapper-ai": Recipe(1024, ((None, 4 + 18, None),)),
    **{f"yolov8-{size}": Recipe(640, ((None, _COCO, None),)) for size in "nsmlx"},
}


def as_corners(path: Path, side: int) -> None:
    """RT-DETR writes centre and size as fractions, before score and class; corners in pixels are what is read."""
    turn = np.eye(_END_TO_END, dtype=np.float32)
    for axis in (0, 1):
        turn[axis, [axis, axis + 2]] = side
        turn[axis + 2, [axis, axis + 2]] = (-side / 2, side / 2)
    document = onnx.load(str(path))
    (last,) = document.graph.output
    name = last.name
    maker = next(node for node in document.graph.node if name in node.output)
    maker.output[list(maker.output).index(name)] = "as_fractions"
    document.graph.initializer.append(onnx.numpy_helper.from_array(turn, "as_pixels"))
    document.graph.node.append(onnx.helper.make_node("MatMul", ["as_fractions", "as_pixels"], [name]))
    onnx.checker.check_model(document)
    onnx.save(document, str(path))


def convert(options: argparse.Namespace, recipe: Recipe, out: Path) -> Model | None:
    """By the publisher's own exporter, which compares nothing; the shapes are checked afterwards."""
    from ultralytics import RTDETR, YOLO

    kind = RTDETR if "rtdetr" in options.entry else YOLO
    made = kind(str(options.weights)).export(
        format="onnx",
        imgsz=recipe.side,
        dynamic=True,
        opset=OPSET,
        simplify=True,
        nms=False,  # of the release in requirements: what a graph chooses by itself stays so, and nothing is added
    )
    shutil.move(made, out)
    if "rtdetr" in options.entry:
        as_corners(out, recipe.side)


if __name__ == "__main__":
    sys.exit(command_line(str(__doc__), RECIPES, convert, needs=("torch", "ultralytics")))
