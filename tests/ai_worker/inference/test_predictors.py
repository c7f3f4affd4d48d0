"""Each family against its published decoding, with real ONNX files that answer known numbers."""

import numpy as np
import pytest

from ai_worker.inference.detect import find_objects
from ai_worker.inference.forward import forward
from ai_worker.inference.preprocess import to_input
from ai_worker.inference.types import ModelOutputUnfit
from ai_worker.model_store.open_onnx import open_session
from tests.ai_worker.inference import reference
from tests.support.make.inference import stage_spec
from tests.support.networks import fixed_output

SIDE = 128
CPU = ("CPUExecutionProvider",)


def candidates(rng, count, columns, *, hits=40):
    """Rows of centre, size and small scores, of which some are large."""
    rows = rng.uniform(0, 0.005, (count, columns))
    rows[:, :2] = rng.uniform(-10, SIDE + 10, (count, 2))
    rows[:, 2:4] = rng.uniform(4, 60, (count, 2))
    for row in rng.integers(0, count, hits):
        rows[row, 4:] = rng.uniform(0.02, 0.99, columns - 4)
    return rows.astype(np.float32)


def found_by_us(path, *, predictor, classes, picture=None, how=None):
    session = open_session(path, providers=CPU)
    spec = stage_spec(predictor=predictor, size=SIDE, classes=classes, how=how)
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8) if picture is None else picture
    tensor, mapping = to_input(pixels, spec.model.spec.preprocessing)
    return find_objects(forward(session, [tensor])[0], spec, mapping)


def assert_equal_to(expected, found, *, tolerance=1e-4):
    """Expected are (score, label, corners) in input pixels; boxes clipped to the picture, empty ones dropped."""
    visible = []
    for score, label, corners in expected:
        x1, y1, x2, y2 = (min(max(value / SIDE, 0), 1) for value in corners)
        if x2 > x1 and y2 > y1:
            visible.append((score, label, (x1, y1, x2 - x1, y2 - y1)))
    assert len(found) == len(visible) > 5
    for (score, label, box), ours, our_label, our_score in zip(
        visible, found.boxes, found.labels, found.scores, strict=True
    ):
        assert our_label == label
        assert our_score == pytest.approx(score, abs=tolerance)
        assert ours == pytest.approx(box, abs=tolerance)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("batch", [1, "batch"])
def test_yolov8_equals_its_published_decoding(tmp_path, transposed, batch):
    rows = candidates(np.random.default_rng(1), 300, 7)
    values = rows if transposed else rows.T
    found = found_by_us(
        fixed_output(tmp_path / "m.onnx", values, size=SIDE, batch=batch), predictor="yolov8", classes=3
    )
    assert_equal_to(reference.yolov8(rows.T.tolist(), 0.01, 0.45, SIDE), found)


def test_yolov8_is_found_whatever_the_order_of_the_outputs(tmp_path):
    rows = candidates(np.random.default_rng(2), 300, 7)
    path = fixed_output(tmp_path / "m.onnx", rows.T, size=SIDE, extra_first=True)
    assert_equal_to(
        reference.yolov8(rows.T.tolist(), 0.01, 0.45, SIDE), found_by_us(path, predictor="yolov8", classes=3)
    )


def test_half_precision_in_and_out_equals_within_its_rounding(tmp_path):
    rows = candidates(np.random.default_rng(3), 300, 7).astype(np.float16).astype(np.float32)
    path = fixed_output(tmp_path / "m.onnx", rows.T, size=SIDE, dtype="float16")
    found = found_by_us(path, predictor="yolov8", classes=3, how={"dtype": "float16"})
    assert_equal_to(reference.yolov8(rows.T.tolist(), 0.01, 0.45, SIDE), found, tolerance=1e-3)


def test_channels_last_is_fed_as_it_wants(tmp_path):
    rows = candidates(np.random.default_rng(4), 300, 7)
    path = fixed_output(tmp_path / "m.onnx", rows.T, size=SIDE, nhwc=True)
    found = found_by_us(path, predictor="yolov8", classes=3, how={"layout": "nhwc"})
    assert_equal_to(reference.yolov8(rows.T.tolist(), 0.01, 0.45, SIDE), found)


def test_yolov5_equals_its_published_decoding(tmp_path):
    rows = candidates(np.random.default_rng(5), 400, 8)
    path = fixed_output(tmp_path / "m.onnx", rows, size=SIDE)
    assert_equal_to(reference.yolov5(rows.tolist(), 0.01, 0.45, SIDE), found_by_us(path, predictor="yolov5", classes=3))


def test_yolov10_keeps_its_own_boxes(tmp_path):
    rng = np.random.default_rng(6)
    first = rng.uniform(0, 90, (300, 2))
    rows = np.concatenate(
        [first, first + rng.uniform(2, 30, (300, 2)), rng.uniform(0, 1, (300, 1)) ** 4, rng.integers(0, 3, (300, 1))],
        axis=1,
    ).astype(np.float32)
    path = fixed_output(tmp_path / "m.onnx", rows, size=SIDE)
    assert_equal_to(reference.yolov10(rows.tolist(), 0.01), found_by_us(path, predictor="yolov10", classes=3))


@pytest.mark.parametrize("decoded_in_the_file", [False, True])
def test_yolox_is_decoded_unless_the_file_did(tmp_path, decoded_in_the_file):
    rng = np.random.default_rng(7)
    count = sum((SIDE // stride) ** 2 for stride in (8, 16, 32))
    rows = candidates(rng, count, 8)
    rows[:, :2] = rng.normal(0.5, 0.4, (count, 2))
    rows[:, 2:4] = rng.normal(0.3, 0.5, (count, 2))
    expected, decoded = reference.yolox(rows.tolist(), SIDE, 0.01, 0.45)
    values = np.asarray(decoded, np.float32) if decoded_in_the_file else rows
    path = fixed_output(tmp_path / "m.onnx", values, size=SIDE)
    assert_equal_to(expected, found_by_us(path, predictor="yolox", classes=3))


@pytest.mark.parametrize("joined", [False, True])
def test_rtdetr_equals_its_published_decoding(tmp_path, joined):
    rng = np.random.default_rng(8)
    boxes = rng.uniform(0.1, 0.9, (100, 4)).astype(np.float32)
    logits = rng.normal(-5, 2.5, (100, 3)).astype(np.float32)
    expected = reference.rtdetr(boxes.tolist(), logits.tolist(), SIDE, 0.01)
    if joined:
        values = np.concatenate([boxes, 1 / (1 + np.exp(-logits))], axis=1)
        path = fixed_output(tmp_path / "m.onnx", values, size=SIDE)
        assert_equal_to(expected, found_by_us(path, predictor="rtdetr", classes=3))
    else:
        spec = stage_spec(predictor="rtdetr", size=SIDE, activation="sigmoid")
        _, mapping = to_input(np.zeros((SIDE, SIDE, 3), np.uint8), spec.model.spec.preprocessing)
        assert_equal_to(expected, find_objects([logits, boxes], spec, mapping))


def test_nanodet_equals_its_published_decoding(tmp_path):
    rng = np.random.default_rng(9)
    count = sum((SIDE // stride) ** 2 for stride in (8, 16, 32, 64))
    rows = np.concatenate([rng.uniform(0, 1, (count, 3)) ** 6, rng.normal(0, 2, (count, 32))], axis=1)
    rows = rows.astype(np.float32)
    path = fixed_output(tmp_path / "m.onnx", rows, size=SIDE)
    expected = reference.nanodet(rows.tolist(), 3, bins=8, side=SIDE, floor=0.01, limit=0.45)
    assert_equal_to(expected, found_by_us(path, predictor="nanodet", classes=3), tolerance=1e-3)


def test_labels_without_an_observation_type_are_dropped():
    spec = stage_spec(classes=3)
    model = spec.model.spec
    bench = model.labels[2].model_copy(update={"observation_type": None})
    spec = spec.model_copy(
        update={
            "model": spec.model.model_copy(
                update={"spec": model.model_copy(update={"labels": (*model.labels[:2], bench)})}
            )
        }
    )
    rows = np.asarray([[64, 64, 20, 20, 0.9, 0.1, 0.1], [30, 30, 20, 20, 0.1, 0.1, 0.9]], np.float32)
    _, mapping = to_input(np.zeros((SIDE, SIDE, 3), np.uint8), model.preprocessing)
    assert find_objects([rows.T], spec, mapping).labels.tolist() == [0]


@pytest.mark.parametrize(
    ("predictor", "shape", "sentence"),
    [
        ("yolov8", (84, 50), "84x50; expected n x 7 or 7 x n"),
        ("yolov5", (50, 7), "50x7; expected n x 8"),
        ("yolov10", (50, 7), "50x7; expected n x 6"),
        ("yolox", (50, 8), "50 cells were seen; a YOLOX of 128 x 128 has 336"),
        ("rtdetr", (50, 8), "50x8; expected n x 7 .* beside n x 3"),
        ("nanodet", (50, 8), r"50x8; expected n x 35 \(3 classes \+ 4 x 8 bins, as NanoDet-Plus writes\)"),
        ("nanodet", (50, 35), "50 cells were seen; a NanoDet of 128 x 128"),
        ("yolov9", (50, 8), "'yolov9' is not known here"),
        ("classifier", (50, 8), "finds no objects"),
    ],
)
def test_what_does_not_fit_is_told_with_what_was_expected(predictor, shape, sentence):
    spec = stage_spec(predictor=predictor, size=SIDE)
    _, mapping = to_input(np.zeros((SIDE, SIDE, 3), np.uint8), spec.model.spec.preprocessing)
    with pytest.raises(ModelOutputUnfit, match=sentence):
        find_objects([np.zeros(shape, np.float32)], spec, mapping)


@pytest.mark.parametrize(
    ("predictor", "place", "value", "sentence"),
    [
        ("yolov8", (5, 7), np.nan, "not numbers"),
        ("yolov8", (5, 7), 3.0, "confidences from 0 to 3"),
        ("yolov8", (5, 7), -1.0, "confidences from -1 to 0"),
        ("yolov10", (5, 4), np.nan, "not numbers"),
    ],
)
def test_what_is_no_confidence_is_refused(predictor, place, value, sentence):
    spec = stage_spec(predictor=predictor, size=SIDE)
    _, mapping = to_input(np.zeros((SIDE, SIDE, 3), np.uint8), spec.model.spec.preprocessing)
    values = np.zeros((7, 20) if predictor == "yolov8" else (20, 6), np.float32)
    values[place] = value
    with pytest.raises(ModelOutputUnfit, match=sentence):
        find_objects([values], spec, mapping)


def test_a_class_beyond_the_labels_is_refused():
    spec = stage_spec(predictor="yolov10", size=SIDE)
    _, mapping = to_input(np.zeros((SIDE, SIDE, 3), np.uint8), spec.model.spec.preprocessing)
    with pytest.raises(ModelOutputUnfit, match="class 3 was seen; expected 0 to 2"):
        find_objects([np.asarray([[0, 0, 9, 9, 0.9, 3]], np.float32)], spec, mapping)


def test_infinite_boxes_are_refused():
    spec = stage_spec(predictor="yolov10", size=SIDE)
    _, mapping = to_input(np.zeros((SIDE, SIDE, 3), np.uint8), spec.model.spec.preprocessing)
    with pytest.raises(ModelOutputUnfit, match="infinite"):
        find_objects([np.asarray([[0, 0, np.inf, 9, 0.9, 1]], np.float32)], spec, mapping)
