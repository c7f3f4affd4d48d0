"""What holds for every predictor whatever comes out of the network, against the slow readings in reference.py."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_worker.inference.detect import find_objects, raw_of
from ai_worker.inference.nms import MAX_KEPT, SAME_BOX
from ai_worker.inference.predictors import classifier, depth, embedding
from ai_worker.inference.predictors.read import read_boxes
from ai_worker.inference.predictors.registry import FAMILIES
from ai_worker.inference.preprocess import to_input
from tests.ai_worker.inference import reference
from tests.support.make.inference import stage_spec

SIDE = 64
FLOOR = 0.01
CELLS = {stride: (SIDE // stride) ** 2 for stride in (8, 16, 32, 64)}
YOLOX_ROWS = CELLS[8] + CELLS[16] + CELLS[32]
NANODET_ROWS = YOLOX_ROWS + CELLS[64]


def scores(rng, rows, classes):
    """Distinct, mostly small, some high: what is sorted has one order only."""
    values = rng.uniform(0, 1, (rows, classes)) ** 6
    return values.astype(np.float32)


def centres(rng, rows):
    return np.concatenate([rng.uniform(-8, SIDE + 8, (rows, 2)), rng.uniform(1, 50, (rows, 2))], axis=1)


def yolov5(rng, classes, dtype):
    rows = np.concatenate([centres(rng, 90), scores(rng, 90, classes + 1)], axis=1).astype(dtype)
    return [rows], {"activation": "none"}, reference.yolov5(rows.astype(np.float64).tolist(), FLOOR, 0.45, SIDE)


def yolov8(rng, classes, dtype):
    rows = np.concatenate([centres(rng, 90), scores(rng, 90, classes)], axis=1).astype(dtype)
    return [rows.T], {"activation": "none"}, reference.yolov8(rows.T.astype(np.float64).tolist(), FLOOR, 0.45, SIDE)


def yolov10(rng, classes, dtype):
    first = rng.uniform(-8, SIDE, (40, 2))
    rows = np.concatenate(
        [first, first + rng.uniform(0, 30, (40, 2)), scores(rng, 40, 1), rng.integers(0, classes, (40, 1))], axis=1
    ).astype(dtype)
    return [rows], {"activation": "none"}, reference.yolov10(rows.astype(np.float64).tolist(), FLOOR)


def yolox(rng, classes, dtype):
    rows = np.concatenate(
        [
            rng.normal(0.5, 0.4, (YOLOX_ROWS, 2)),
            rng.normal(0.3, 0.6, (YOLOX_ROWS, 2)),
            scores(rng, YOLOX_ROWS, classes + 1),
        ],
        axis=1,
    ).astype(dtype)
    expected, _ = reference.yolox(rows.astype(np.float64).tolist(), SIDE, FLOOR, 0.45)
    return [rows], {"activation": "none"}, expected


def rtdetr(rng, classes, dtype):
    places = rng.uniform(0, 1, (60, 4)).astype(dtype)
    logits = rng.normal(-4, 3, (60, classes)).astype(dtype)
    expected = reference.rtdetr(places.astype(np.float64).tolist(), logits.astype(np.float64).tolist(), SIDE, FLOOR)
    return [logits, places], {"activation": "sigmoid"}, expected


def nanodet(rng, classes, dtype):
    rows = np.concatenate([scores(rng, NANODET_ROWS, classes), rng.normal(0, 2, (NANODET_ROWS, 32))], axis=1)
    rows = rows.astype(dtype)
    expected = reference.nanodet(rows.astype(np.float64).tolist(), classes, bins=8, side=SIDE, floor=FLOOR, limit=0.45)
    return [rows], {"activation": "none"}, expected


MADE = {"yolov5": yolov5, "yolov8": yolov8, "yolov10": yolov10, "yolox": yolox, "rtdetr": rtdetr, "nanodet": nanodet}


def spec_for(predictor, classes, how):
    return stage_spec(predictor=predictor, size=SIDE, classes=classes, **how)


def mapping_of(spec, width, height):
    return to_input(np.zeros((height, width, 3), np.uint8), spec.model.spec.preprocessing)[1]


def test_every_predictor_is_tried_here():
    assert set(MADE) == {name for name, family in FAMILIES.items() if family.readers}
    assert set(FAMILIES) - set(MADE) == {"classifier", "embedding", "depth"}


def is_same_object(first, second):
    """Two objects of one class whose boxes, clipped to the picture, are one."""
    (x, y, width, height), (left, top, wide, high) = first[2], second[2]
    across = max(0, min(x + width, left + wide) - max(x, left))
    down = max(0, min(y + height, top + high) - max(y, top))
    shared = across * down
    return first[1] == second[1] and shared > SAME_BOX * (width * height + wide * high - shared)


@pytest.mark.parametrize("predictor", MADE)
@given(seed=st.integers(0, 2**32 - 1), classes=st.sampled_from([3, 5, 80]))
@settings(max_examples=12)
def test_what_is_read_is_what_the_published_decoding_gives(predictor, seed, classes):
    outputs, how, expected = MADE[predictor](np.random.default_rng(seed), classes, np.float32)
    spec = spec_for(predictor, classes, how)
    found = find_objects(outputs, spec, mapping_of(spec, SIDE, SIDE))
    visible = []
    for score, label, box in sorted(expected, key=lambda one: -one[0])[:MAX_KEPT]:
        x1, y1, x2, y2 = (min(max(value / SIDE, 0), 1) for value in box)
        shown = (score, label, [x1, y1, x2 - x1, y2 - y1])
        if x2 - x1 > 1e-6 and y2 - y1 > 1e-6 and not any(is_same_object(shown, other) for other in visible):
            visible.append(shown)
    kept = [index for index in range(len(found)) if (found.boxes[index, 2:] > 1e-6).all()]
    assert found.labels[kept].tolist() == [label for _, label, _ in visible]
    assert found.scores[kept] == pytest.approx([score for score, _, _ in visible], abs=1e-5)
    assert found.boxes[kept] == pytest.approx(np.asarray([box for _, _, box in visible]).reshape(-1, 4), abs=1e-5)


@pytest.mark.parametrize("predictor", MADE)
@given(
    seed=st.integers(0, 2**32 - 1),
    width=st.integers(20, 400),
    height=st.integers(20, 400),
    half=st.booleans(),
)
@settings(max_examples=25)
def test_boxes_lie_inside_the_picture_and_come_highest_score_first(predictor, seed, width, height, half):
    outputs, how, _ = MADE[predictor](np.random.default_rng(seed), 3, np.float16 if half else np.float32)
    spec = spec_for(predictor, 3, how)
    found = find_objects(outputs, spec, mapping_of(spec, width, height))
    assert len(found)
    assert (found.boxes >= 0).all()
    assert (found.boxes[:, 2:] > 0).all()
    assert (found.boxes[:, :2] + found.boxes[:, 2:] <= 1 + 1e-9).all()
    assert (np.diff(found.scores) <= 0).all()
    assert found.scores.min() >= np.float32(FLOOR) * 0.999
    assert found.scores.max() <= 1
    assert set(found.labels.tolist()) <= {0, 1, 2}


@pytest.mark.parametrize("predictor", ["yolov5", "yolov8", "yolov10", "rtdetr"])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15)
def test_the_order_of_candidates_and_of_outputs_means_nothing(predictor, seed):
    """For families on grids the order of the cells is their place, so it is theirs alone to give."""
    rng = np.random.default_rng(seed)
    outputs, how, _ = MADE[predictor](rng, 5, np.float32)
    rows_axis = 1 if predictor == "yolov8" else 0
    order = rng.permutation(outputs[0].shape[rows_axis])
    shuffled = [np.take(output, order, axis=rows_axis) for output in outputs][::-1]
    spec = spec_for(predictor, 5, how)
    mapping = mapping_of(spec, SIDE, SIDE)
    first = find_objects(outputs, spec, mapping)
    second = find_objects(shuffled, spec, mapping, names=[f"o{index}" for index in range(len(shuffled))])
    assert first.boxes.tolist() == second.boxes.tolist()
    assert first.labels.tolist() == second.labels.tolist()
    assert first.scores.tolist() == second.scores.tolist()


@pytest.mark.parametrize("predictor", ["yolov5", "yolov8", "yolox", "nanodet"])
def test_candidates_as_rows_and_as_columns_say_the_same(predictor):
    """The other families' tables are rows in every export."""
    outputs, how, _ = MADE[predictor](np.random.default_rng(4), 3, np.float32)
    model = spec_for(predictor, 3, how).model.spec
    one, other = (
        read_boxes(raw_of([table], model, names=["o"], floor=FLOOR), FAMILIES[predictor])[0]
        for table in (outputs[0], np.ascontiguousarray(outputs[0].T))
    )
    assert one.corners.tolist() == other.corners.tolist()
    assert one.scores.tolist() == other.scores.tolist()


@given(
    seed=st.integers(0, 2**32 - 1),
    classes=st.sampled_from([1, 2, 3, 40, 1000]),
    activation=st.sampled_from(["none", "softmax", "sigmoid"]),
    half=st.booleans(),
)
@settings(max_examples=60)
def test_a_classifier_says_what_the_textbook_says_whatever_the_order_of_its_classes(seed, classes, activation, half):
    rng = np.random.default_rng(seed)
    row = (rng.random(classes) if activation == "none" else rng.normal(0, 8, classes)).astype("f2" if half else "f4")
    spec = stage_spec(predictor="classifier", classes=classes, activation=activation).model.spec
    said = classifier.read(row.reshape(classes, 1, 1), spec)
    expected = reference.classifier(row.astype(np.float64).tolist(), activation)
    assert said.probabilities == pytest.approx(expected, abs=1e-6)
    assert said.probabilities.min() >= 0
    assert said.probabilities.max() <= 1
    assert np.abs(said.logits).max() <= classifier.HALF_MAX
    order = rng.permutation(classes)
    assert classifier.read(row[order], spec).probabilities == pytest.approx(said.probabilities[order], abs=1e-6)
    labels, scores = classifier.top(said.probabilities, 5)
    ranked = sorted(range(classes), key=lambda index: (-said.probabilities[index], index))[:5]
    assert labels.tolist() == ranked
    assert scores.tolist() == said.probabilities[ranked].tolist()


@given(seed=st.integers(0, 2**32 - 1), half=st.booleans())
@settings(max_examples=30)
def test_features_and_maps_come_out_as_they_went_in(seed, half):
    rng = np.random.default_rng(seed)
    dtype = "f2" if half else "f4"
    features = rng.normal(0, 50, 64).astype(dtype)
    assert embedding.read(features.reshape(64, 1, 1), 64).tolist() == features.astype(np.float32).tolist()
    assert embedding.read(features.astype(np.float32) * 1e6, 64).max() <= classifier.HALF_MAX
    near = rng.random((28, 42)).astype(dtype)
    name, told = depth.read([near[None, :, :, None], np.zeros(5)], ["near", "other"], None)
    assert name == "near"
    assert told.tolist() == near.astype(np.float32).tolist()
