"""Files as other people's exporters write them: each finds the painted object, or is refused with the reason."""

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from onnx import helper

from ai_worker.inference.detect import find_objects
from ai_worker.inference.forward import forward
from ai_worker.inference.preprocess import to_input
from ai_worker.model_intake.register import register_model
from ai_worker.model_store.errors import ModelRefused
from ai_worker.model_store.open_onnx import PROVIDERS, open_session
from tests.support.exports import CELL, save_export
from tests.support.make.inference import painted
from tests.support.networks import fixed_output, save
from trapper_schemas.v1.batches import StageSpec
from trapper_schemas.v1.jobs import Stage
from trapper_schemas.v1.models import ModelRef

LABELS = ["animal", "person", "vehicle"]
RED, GREEN = (255, 0, 0), (0, 255, 0)
PLAIN = {"mean": "0", "std": "1", "scale": "1/255", "channels": "rgb", "resize": "squash"}
ULTRALYTICS = {
    "names": "{0: 'animal', 1: 'person', 2: 'vehicle'}",
    "stride": "32",
    "imgsz": "[96, 128]",
    "task": "detect",
}


@dataclass
class Brought:
    """A file, how it is brought, and what is expected of it."""

    layout: str
    predictor: str
    how: dict[str, Any] = field(default_factory=dict)
    request: dict[str, Any] = field(default_factory=dict)


def registered(path, predictor, **request):
    document = {"name": "mine", "predictor": predictor, "labels": LABELS} | request
    return register_model(path, document, clock=time.perf_counter)


def objects(path, entry, *pictures):
    """What the model finds in each picture, as the pipeline does it."""
    model = ModelRef(name=entry.name, version=entry.version, sha256=entry.sha256)
    stage = StageSpec(stage=Stage(kind=entry.kind, model=model), model=entry)
    session = open_session(path, providers=PROVIDERS["onnx-cpu"])
    inputs = [to_input(pixels, entry.spec.preprocessing) for pixels in pictures]
    outputs = forward(session, [tensor for tensor, _ in inputs])
    names = [axis.name for axis in session.outputs]
    return [find_objects(rows, stage, mapping, names=names) for rows, (_, mapping) in zip(outputs, inputs, strict=True)]


def picture(entry, column, row, colour):
    how = entry.spec.preprocessing
    return painted([(column, row, colour)], width=how.width, height=how.height, cell=CELL)


def assert_finds_what_was_painted(path, entry):
    how = entry.spec.preprocessing
    (red,) = objects(path, entry, picture(entry, 2, 1, RED))
    (blank,) = objects(path, entry, picture(entry, 0, 0, (0, 0, 0)))
    assert len(red) == 1
    assert red.labels.tolist() == [0]
    assert red.scores[0] == pytest.approx(1, abs=0.002)
    expected = [2 * CELL / how.width, CELL / how.height, CELL / how.width, CELL / how.height]
    assert red.boxes[0] == pytest.approx(expected, abs=2e-3 if how.dtype == "float16" else 1e-6)
    assert len(blank) == 0
    if len(entry.spec.labels) > 1:
        (green,) = objects(path, entry, picture(entry, 3, 2, GREEN))
        assert green.labels.tolist() == [1]
        assert green.boxes[0, :2] == pytest.approx([3 * CELL / how.width, 2 * CELL / how.height], abs=2e-3)


TOUR = {
    "YOLOv5, one picture": Brought("yolov5", "yolov5"),
    "YOLOv5, any number of pictures": Brought("yolov5", "yolov5", {"batch": "n"}),
    "YOLOv5 with its raw heads, listed first": Brought("yolov5-heads", "yolov5"),
    "YOLOv5 with its raw heads, listed last": Brought("yolov5-heads", "yolov5", {"reverse": True}),
    "YOLOv5 of a single class, as wide as a table after suppression": Brought(
        "yolov5", "yolov5", {"classes": 1}, {"labels": ["animal"]}
    ),
    "YOLOv8 by Ultralytics, with everything in its metadata": Brought(
        "yolov8", "yolov8", {"metadata": ULTRALYTICS}, {"labels": []}
    ),
    "YOLOv8, four pictures at once": Brought("yolov8", "yolov8", {"batch": 4}),
    "YOLOv8 with open sides": Brought(
        "yolov8", "yolov8", {"batch": "n", "open_sides": True, "height": 128}, {"input_size": 128}
    ),
    "YOLOv8 in half precision": Brought("yolov8", "yolov8", {"dtype": "float16"}),
    "YOLOv8 on bytes": Brought("yolov8", "yolov8", {"dtype": "uint8"}),
    "YOLOv8, channels last": Brought("yolov8", "yolov8", {"nhwc": True}),
    "YOLOv8, channels last, on bytes": Brought("yolov8", "yolov8", {"nhwc": True, "dtype": "uint8"}),
    "YOLOv8, candidates as rows": Brought("yolov8-rows", "yolov8"),
    "YOLOv8 with places as fractions": Brought("yolov8", "yolov8", {"fractions": True, "width": 256, "height": 256}),
    "YOLOv8 that outlines objects, too": Brought(
        "yolov8-masks", "yolov8", {"metadata": ULTRALYTICS | {"task": "segment"}}
    ),
    "YOLOv8-like with objectness": Brought("yolov8-objectness", "yolov5"),
    "YOLOv8 of 80 classes": Brought(
        "yolov8", "yolov8", {"classes": 80}, {"labels": LABELS + [f"thing {index}" for index in range(77)]}
    ),
    "YOLOv9 with two tables, told which": Brought("yolov9-dual", "yolov8", {}, {"output": "output1"}),
    "YOLOv8 with suppression in the graph": Brought("end-to-end", "yolov8", {"batch": "n"}),
    "YOLOv8 of two classes with suppression in the graph": Brought(
        "end-to-end", "yolov8", {"classes": 2}, {"labels": LABELS[:2]}
    ),
    "YOLOv5 with ONNX's own suppression and no axis for pictures": Brought("nms-without-batch", "yolov5"),
    "YOLOv8 as TensorRT suppresses": Brought("parts", "yolov8"),
    "YOLOv8 as TensorRT suppresses, outputs in another order": Brought(
        "parts", "yolov8", {"reverse": True, "batch": "n"}
    ),
    "YOLOv10": Brought("end-to-end", "yolov10"),
    "YOLOv10 in half precision with fractions": Brought(
        "end-to-end", "yolov10", {"dtype": "float16", "fractions": True}
    ),
    "YOLOX as its authors publish it": Brought("yolox", "yolox", {"bgr": True, "from_bytes": True}),
    "YOLOX decoded in the graph": Brought("yolox-decoded", "yolox", {"bgr": True, "from_bytes": True, "batch": "n"}),
    "YOLOX through mmdeploy": Brought("dets-and-labels", "yolox", {"bgr": True, "from_bytes": True}),
    "RT-DETR, boxes and logits": Brought("rtdetr", "rtdetr", {"batch": "n"}),
    "RT-DETR, logits and boxes, the other way round": Brought("rtdetr", "rtdetr", {"reverse": True}),
    "RT-DETR of four classes": Brought("rtdetr", "rtdetr", {"classes": 4}, {"labels": [*LABELS, "bench"]}),
    "RT-DETR with its own postprocessing": Brought("rtdetr-sizes", "rtdetr", {"batch": "n"}),
    "RT-DETR with its own postprocessing, one picture": Brought("rtdetr-sizes", "rtdetr", {"reverse": True}),
    "RT-DETR by Ultralytics": Brought("rtdetr-joined", "rtdetr"),
    "RT-DETR by Ultralytics, two classes": Brought("rtdetr-joined", "rtdetr", {"classes": 2}, {"labels": LABELS[:2]}),
    "NanoDet-Plus": Brought("nanodet", "nanodet", {"width": 128, "height": 128}, {"preprocess": PLAIN}),
    "MegaDetector v5: 1280 pixels and a stride of 64": Brought(
        "yolov5",
        "yolov5",
        {"width": 1280, "height": 1280, "metadata": ULTRALYTICS | {"stride": "64", "imgsz": "[1280, 1280]"}},
    ),
}


@pytest.mark.parametrize("brought", TOUR.values(), ids=TOUR.keys())
def test_an_export_finds_what_was_painted(tmp_path, brought):
    path = save_export(tmp_path / "m.onnx", brought.layout, **brought.how)
    entry, proof, _ = registered(path, brought.predictor, **brought.request)
    assert_finds_what_was_painted(path, entry)
    assert proof["batch"] == ("together" if brought.how.get("batch", 1) != 1 else "one at a time")


REFUSED = {
    "one label too few": (
        Brought("yolov8", "yolov8", {"classes": 80, "width": 640, "height": 640}),
        "labels",
        "has 80 classes, and 3 labels were given",
    ),
    "one label too few, and the file names its own": (
        Brought("yolov8", "yolov8", {"metadata": ULTRALYTICS}, {"labels": LABELS[:2]}),
        "labels",
        "names 3 classes of its own, and 2 labels were given",
    ),
    "YOLOv5 brought as YOLOv8": (Brought("yolov5", "yolov8"), "labels", "would fit --predictor yolov5"),
    "YOLOv8 brought as YOLOv5": (Brought("yolov8", "yolov5"), "labels", "would fit --predictor yolov8"),
    "YOLOv8 brought as YOLOv10": (Brought("yolov8", "yolov10"), "layout", "would fit --predictor yolov8"),
    "two tables of one shape": (Brought("yolov9-dual", "yolov8"), "ambiguous", "--output output0"),
    "an output that is not there": (
        Brought("yolov8", "yolov8", {}, {"output": "boxes"}),
        "layout",
        "no output 'boxes'; it has output0",
    ),
    "scores and classes that nothing tells apart": (
        Brought("unnamed-parts", "yolov8"),
        "ambiguous",
        "which of the outputs b, c are scores",
    ),
    "heads that nobody decoded": (Brought("undecoded", "yolov8"), "layout", "head8 3x12x16"),
    "logits where confidences are usual": (Brought("rtdetr", "yolov8"), "layout", "expected n x 7"),
    "the wrong unit": (
        Brought("yolov8", "yolov8", {"width": 256, "height": 256}, {"boxes": "fractions"}),
        "layout",
        "--boxes pixels",
    ),
    "a layout that the family has not": (
        Brought("end-to-end", "nanodet", {}, {"layout": "end-to-end", "input_size": None}),
        "layout",
        "has no layout 'end-to-end'; it has candidates",
    ),
    "rotated boxes": (
        Brought("yolov8", "yolov8", {"metadata": ULTRALYTICS | {"task": "obb"}}),
        "layout",
        "exported for the task 'obb'",
    ),
    "no picture axis, yet any number of pictures": (
        Brought("end-to-end-merged", "yolov8", {"batch": "n"}),
        "batch",
        "fixed batch of 1",
    ),
    "a size that its stride does not divide": (
        Brought("yolov8", "yolov8", {"open_sides": True, "metadata": ULTRALYTICS}, {"input_size": 100}),
        "request",
        "stride is 32",
    ),
    "objects of more classes than there are labels": (
        Brought("end-to-end", "yolov10", {}, {"labels": LABELS[:2]}),
        "labels",
        "class 2 was seen on a golden input, and 2 labels were given",
    ),
    "a sigmoid over scores that are final": (
        Brought("end-to-end", "yolov10", {}, {"activation": "sigmoid"}),
        "request",
        "final scores",
    ),
    "an activation for classifiers": (Brought("yolov8", "yolov8", {}, {"activation": "softmax"}), "request", "softmax"),
}


@pytest.mark.parametrize(("brought", "reason", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_what_would_be_a_guess_is_refused(tmp_path, brought, reason, sentence):
    path = save_export(tmp_path / "m.onnx", brought.layout, **brought.how)
    with pytest.raises(ModelRefused) as caught:
        registered(path, brought.predictor, **brought.request)
    assert sentence in str(caught.value)
    assert caught.value.reason == reason


def test_a_graph_that_takes_one_picture_whatever_it_says_is_given_one_at_a_time(tmp_path):
    path = save_export(tmp_path / "m.onnx", "nms-without-batch", batch="n")
    entry, proof, _ = registered(path, "yolov8")
    assert proof["batch"] == "one at a time, although the file says otherwise"
    assert_finds_what_was_painted(path, entry)


@pytest.mark.parametrize("batch", [1, 3, "n"])
@pytest.mark.parametrize(
    "brought",
    [
        Brought("yolov5", "yolov5"),
        Brought("yolov8", "yolov8"),
        Brought("end-to-end", "yolov10"),
        Brought("yolox", "yolox", {"bgr": True, "from_bytes": True}),
        Brought("rtdetr-sizes", "rtdetr"),
        Brought("rtdetr", "rtdetr"),
        Brought("nanodet", "nanodet", {"height": 128}, {"preprocess": PLAIN}),
    ],
    ids=lambda brought: f"{brought.predictor}-{brought.layout}",
)
def test_several_pictures_say_what_each_says_alone_in_any_order(tmp_path, brought, batch):
    path = save_export(tmp_path / "m.onnx", brought.layout, **brought.how, batch=batch)
    entry, _, _ = registered(path, brought.predictor, **brought.request)
    rng = np.random.default_rng(5)
    pixels = [
        painted(
            [(int(x), int(y), tuple(int(v) for v in colour)) for x, y, colour in zip(*squares, strict=True)],
            width=128,
            height=entry.spec.preprocessing.height,
            cell=CELL,
        )
        for squares in [(rng.integers(0, 4, 3), rng.integers(0, 3, 3), rng.integers(0, 256, (3, 3))) for _ in range(7)]
    ]
    alone = [objects(path, entry, one)[0] for one in pixels]
    order = rng.permutation(len(pixels))
    together = objects(path, entry, *[pixels[index] for index in order])
    assert sum(len(one) for one in alone) > 7
    for index, found in zip(order, together, strict=True):
        assert found.boxes == pytest.approx(alone[index].boxes, abs=1e-6)
        assert found.labels.tolist() == alone[index].labels.tolist()
        assert found.scores == pytest.approx(alone[index].scores, abs=1e-6)
        assert (found.boxes >= 0).all()
        assert (found.boxes[:, :2] + found.boxes[:, 2:] <= 1 + 1e-9).all()


def test_a_table_of_the_full_size_of_megadetector_v5_is_read(tmp_path):
    """1280 pixels, strides 8, 16, 32 and 64, three anchors each: 102,000 candidates of three classes."""
    rows = np.full((102_000, 8), 0.001, np.float32)
    rows[:, :2] = np.random.default_rng(1).uniform(0, 1280, (102_000, 2))
    rows[77_777] = [640, 320, 128, 64, 0.9, 0.95, 0.01, 0.02]
    path = fixed_output(tmp_path / "m.onnx", rows, size=1280)
    entry, _, _ = registered(path, "yolov5")
    (found,) = objects(path, entry, np.zeros((1280, 1280, 3), np.uint8))
    assert found.labels.tolist() == [0]
    assert found.scores[0] == pytest.approx(0.9 * 0.95)
    assert found.boxes[0] == pytest.approx([0.45, 0.225, 0.1, 0.05])


def test_a_table_of_rtdetr_by_ultralytics_is_read_as_it_was_published_for_megadetector_v6(tmp_path):
    """300 queries of 4 + 3 numbers, places as fractions, after the sigmoid."""
    rng = np.random.default_rng(2)
    rows = np.concatenate([rng.uniform(0.2, 0.8, (300, 4)), rng.uniform(0, 0.001, (300, 3))], axis=1)
    rows[5] = [0.5, 0.25, 0.1, 0.05, 0.02, 0.91, 0.01]
    path = fixed_output(tmp_path / "m.onnx", rows, size=1280)
    entry, _, _ = registered(path, "rtdetr")
    (found,) = objects(path, entry, np.zeros((720, 1280, 3), np.uint8))
    assert found.labels.tolist() == [1]
    assert found.boxes[0] == pytest.approx([0.45, 0.225, 0.1, 0.05])


def corners(rng, rows, *more):
    first = rng.uniform(0, 300, (rows, 2))
    return np.concatenate([first, rng.uniform(300, 640, (rows, 2)), *more], axis=1)


NEARLY = {
    "class before score": lambda rng: corners(rng, 50, rng.integers(0, 3, (50, 1)), rng.uniform(0, 1, (50, 1))),
    "class and score before the corners": lambda rng: np.concatenate(
        [rng.integers(0, 3, (50, 1)), rng.uniform(0, 1, (50, 1)), corners(rng, 50)], axis=1
    ),
    "centres and sizes for corners": lambda rng: np.concatenate(
        [rng.uniform(300, 600, (50, 2)), rng.uniform(5, 50, (50, 2)), rng.uniform(0, 1, (50, 1)), np.zeros((50, 1))],
        axis=1,
    ),
}


@pytest.mark.parametrize("rows", NEARLY.values(), ids=NEARLY.keys())
def test_tables_of_the_right_shape_and_another_order_are_refused(tmp_path, rows):
    path = fixed_output(tmp_path / "m.onnx", rows(np.random.default_rng(3)), size=640)
    with pytest.raises(ModelRefused, match="do not read as n x 6") as caught:
        registered(path, "yolov10")
    assert caught.value.reason == "layout"


@pytest.mark.parametrize("predictor", ["yolov5", "yolov8"])
def test_candidates_that_are_corners_are_refused(tmp_path, predictor):
    rng = np.random.default_rng(4)
    rows = corners(rng, 2100, rng.uniform(0, 0.01, (2100, 4 if predictor == "yolov5" else 3)))
    path = fixed_output(tmp_path / "m.onnx", rows, size=640)
    with pytest.raises(ModelRefused, match="as in corners; expected centre and size"):
        registered(path, predictor)


def test_objects_that_are_not_there_may_be_filled_up_with_minus_one(tmp_path):
    rows = np.full((300, 6), -1.0, np.float32)
    rows[0] = [320, 160, 480, 320, 0.75, 1]
    path = fixed_output(tmp_path / "m.onnx", rows, size=640)
    entry, _, _ = registered(path, "yolov10")
    (found,) = objects(path, entry, np.zeros((640, 640, 3), np.uint8))
    assert found.labels.tolist() == [1]
    assert found.boxes[0] == pytest.approx([0.5, 0.25, 0.25, 0.25])


def test_the_best_queries_of_rtdetr_are_centres_where_they_read_as_such(tmp_path):
    """As Ultralytics exports RT-DETR since it chooses the best queries in the graph."""
    rng = np.random.default_rng(6)
    rows = np.concatenate(
        [rng.uniform(0.2, 0.8, (300, 4)), rng.uniform(0, 0.001, (300, 1)), rng.integers(0, 3, (300, 1))], axis=1
    )
    rows[5] = [0.5, 0.25, 0.1, 0.05, 0.91, 1]
    path = fixed_output(tmp_path / "m.onnx", rows, size=640)
    entry, _, _ = registered(path, "rtdetr")
    assert entry.spec.layout == "ranked"
    with pytest.raises(ModelRefused, match=r"they read as n x 6 .centre.*--predictor rtdetr"):
        registered(path, "yolov8")
    (found,) = objects(path, entry, np.zeros((480, 640, 3), np.uint8))
    assert found.labels.tolist() == [1]
    assert found.boxes[0] == pytest.approx([0.45, 0.225, 0.1, 0.05])


def test_six_numbers_that_read_as_corners_and_as_centres_are_asked_about(tmp_path):
    rng = np.random.default_rng(7)
    first = rng.uniform(0, 0.4, (300, 2))
    rows = np.concatenate(
        [first, first + rng.uniform(0.1, 0.5, (300, 2)), rng.uniform(0, 1, (300, 1)), rng.integers(0, 3, (300, 1))],
        axis=1,
    )
    path = fixed_output(tmp_path / "m.onnx", rows, size=640)
    with pytest.raises(ModelRefused, match="--layout end-to-end or --layout ranked") as caught:
        registered(path, "rtdetr")
    assert caught.value.reason == "ambiguous"
    assert registered(path, "rtdetr", layout="ranked")[0].spec.layout == "ranked"


def test_pixels_for_queries_are_taken_only_when_told(tmp_path):
    rng = np.random.default_rng(5)
    places = np.concatenate([rng.uniform(200, 500, (300, 2)), rng.uniform(5, 90, (300, 2))], axis=1)
    path = fixed_output(tmp_path / "m.onnx", np.concatenate([places, rng.uniform(0, 1, (300, 3))], axis=1), size=640)
    with pytest.raises(ModelRefused, match="--boxes pixels"):
        registered(path, "rtdetr")
    assert registered(path, "rtdetr", boxes="pixels")[0].spec.boxes == "pixels"


@pytest.mark.parametrize("objects_seen", [0, 1, 12])
@pytest.mark.parametrize("classes", [1, 80])
def test_a_table_that_begins_with_the_number_of_the_picture_is_read(tmp_path, objects_seen, classes):
    """As YOLOv7 and YOLOv9's own repository write with suppression in the graph: picture, corners, class, score."""
    rows = np.zeros((objects_seen, 7), np.float32)
    rows[:, 1:5] = [320, 160, 480, 320]
    rows[:, 6] = 0.001
    rows[:1, 5:] = [classes - 1, 0.75]
    path = numbered(tmp_path / "m.onnx", rows)
    labels = [f"thing {index}" for index in range(classes - 1)] + ["animal"]
    entry, _, _ = registered(path, "yolov5", labels=labels)
    (found,) = objects(path, entry, np.zeros((640, 640, 3), np.uint8))
    assert found.labels.tolist() == [classes - 1] * min(objects_seen, 1)
    if objects_seen:
        assert found.boxes[0] == pytest.approx([0.5, 0.25, 0.25, 0.25])
        assert found.scores[0] == pytest.approx(0.75)


def test_such_a_table_is_told_from_three_classes_behind_four_numbers_and_asked_about_where_it_is_empty(tmp_path):
    row = np.asarray([[0, 320, 160, 480, 320, 2, 0.75]], np.float32)
    entry, _, _ = registered(numbered(tmp_path / "m.onnx", row.repeat(2, axis=0)), "yolov8")
    assert entry.spec.layout == "end-to-end"
    (found,) = objects(tmp_path / "m.onnx", entry, np.zeros((640, 640, 3), np.uint8))
    assert found.labels.tolist() == [2]  # the same box twice is one animal
    with pytest.raises(ModelRefused, match="--layout candidates or --layout end-to-end") as caught:
        registered(numbered(tmp_path / "none.onnx", row[:0]), "yolov8")
    assert caught.value.reason == "ambiguous"
    assert registered(tmp_path / "none.onnx", "yolov8", layout="end-to-end")[0].spec.layout == "end-to-end"


def numbered(path, rows):
    """These rows whatever it sees, without an axis for pictures."""
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[0, 1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["rows", "nothing"], ["output"]),
    ]
    constants = {"zero": np.zeros((), np.float32), "rows": rows}
    return save(path, nodes, shape=[1, 3, 640, 640], outputs={"output": ["objects", 7]}, constants=constants)


def test_seven_numbers_are_candidates_where_they_can_be(tmp_path):
    """MegaDetector's three classes behind four numbers are as wide as that table."""
    path = save_export(tmp_path / "m.onnx", "yolov8-rows")
    assert_finds_what_was_painted(path, registered(path, "yolov8")[0])
    with pytest.raises(ModelRefused, match="--predictor yolov8"):
        registered(path, "yolov5")


def test_the_detectors_of_tensorflow_are_refused_by_the_names_of_their_outputs(tmp_path):
    """Their boxes and classes would fit, and every box would lie elsewhere."""
    names = {"det_boxes": "detection_boxes:0", "det_scores": "detection_scores:0", "det_classes": "detection_classes:0"}
    path = save_export(tmp_path / "m.onnx", "parts", names=names | {"num_dets": "num_detections:0"}, fractions=True)
    with pytest.raises(ModelRefused, match="top, left, bottom, right, and classes from 1") as caught:
        registered(path, "yolov8")
    assert caught.value.reason == "layout"
