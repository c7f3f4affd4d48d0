import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_worker.inference.nms import MAX_KEPT, SAME_BOX, suppress
from ai_worker.inference.preprocess import Mapping
from ai_worker.inference.types import Boxes
from tests.ai_worker.inference import reference

sides = st.integers(0, 40)
objects = st.lists(st.tuples(sides, sides, st.integers(1, 30), st.integers(1, 30), st.integers(0, 2)), max_size=25)


@given(objects, st.sampled_from([0.3, 0.45, 0.7]), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_what_stays_is_what_the_slow_way_keeps(found, limit, random):
    scores = [(index + 1) / 100 for index in range(len(found))]
    random.shuffle(scores)
    corners = np.asarray([[x, y, x + w, y + h] for x, y, w, h, _ in found], np.float32).reshape(-1, 4)
    boxes = Boxes(corners, np.asarray([one[4] for one in found], np.int64), np.asarray(scores, np.float32))
    kept = suppress(boxes, iou=limit)
    slow = reference.nms(list(zip(scores, boxes.labels.tolist(), corners.tolist(), strict=True)), limit)
    assert kept.corners.tolist() == [one[2] for one in slow]
    assert kept.labels.tolist() == [one[1] for one in slow]


def test_boxes_that_are_the_same_after_clipping_are_one_animal():
    mapping = Mapping(0.5, 0.5, 0, 20, 200, 160)
    corners = np.asarray([[-60, 30, 40, 90], [0, 30, 40, 90], [60, -50, 90, 19], [60, 0, 90, 60]], np.float32)
    boxes = Boxes(corners, np.zeros(4, np.int64), np.asarray([0.9, 0.8, 0.7, 0.6], np.float32))
    assert len(suppress(boxes, iou=0.45)) == 4
    clipped = suppress(mapping.clip(boxes), iou=0.45)
    assert clipped.corners.tolist() == [[0, 30, 40, 90], [60, 20, 90, 60]]
    assert clipped.scores.tolist() == pytest.approx([0.9, 0.6])
    assert len(suppress(mapping.clip(boxes), iou=SAME_BOX)) == 2


def test_one_frame_has_at_most_as_many_objects_as_the_reference_allows():
    place = np.arange(500, dtype=np.float32)[:, None] * 10
    corners = np.concatenate([place, place, place + 5, place + 5], axis=1)
    boxes = Boxes(corners, np.zeros(500, np.int64), np.linspace(0, 1, 500, dtype=np.float32))
    assert len(suppress(boxes, iou=0.5)) == MAX_KEPT
