import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_worker.inference.batch_run import Limits
from ai_worker.inference.columns import count_objects, to_results
from ai_worker.inference.pipeline import look
from ai_worker.inference.types import BatchOutcome, Classified, Detections, OpenStage, PictureResult
from tests.support.make.inference import classifier, detector, encoded, painted
from tests.support.networks import colour_classifier, colour_detector
from trapper_kit.columns import to_array
from trapper_schemas.ids import uuid7
from trapper_schemas.read_results import read_results
from trapper_schemas.v1.check_results import Expectation, check_results
from trapper_schemas.v1.models import ModelKind
from trapper_schemas.v1.results import NO_LABEL, Failed

RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    return (
        detector(colour_detector(folder / "detector.onnx")),
        classifier(colour_classifier(folder / "classifier.onnx")),
    )


def sent(looks, stages):
    """The results as the Manager reads and checks them."""
    batch, resources = uuid7(), tuple(uuid7() for _ in looks.outcomes)
    results = to_results(looks, batch_id=batch, attempt=2, worker_id=uuid7(), resource_ids=resources, stages=stages)
    read = read_results(results.to_blob())
    check_results(
        read,
        Expectation(
            batch_id=batch,
            attempt=2,
            resource_ids=resources,
            stages=tuple(stage.spec.stage for stage in stages),
            labels=(3,) * len(stages),
            features=3,
        ),
    )
    return read


def test_what_the_pipeline_saw_passes_the_managers_checks(stages):
    sources = [
        encoded(painted([(0, 0, RED), (3, 3, RED), (1, 1, BLUE)])),
        b"",
        encoded(painted()),
        encoded(painted([(2, 2, RED)])),
    ]
    looks = look(sources, stages, Limits(), clock=time.perf_counter)
    read = sent(looks, stages)
    assert isinstance(read.outcomes[1], Failed)
    assert to_array(read.detections).tolist() == [3, 0, 0, 1]
    classified = to_array(read.classified).astype(bool)
    assert to_array(read.label)[classified].tolist() == [0, 0, 0]
    assert to_array(read.top_label)[:, 0].tolist() == [0, 0, 0]
    assert (to_array(read.top_label)[:, 3:] == NO_LABEL).all()
    assert read.logits.shape == (3, 3)
    assert read.features.shape == (3, 3)
    assert count_objects(looks, stages[0]) == (3, 1, 1)
    looks.outcomes[2] = replace(looks.outcomes[2], damaged=True)
    assert count_objects(looks, stages[0]) == (3, 0, 1), "of a damaged picture nobody knows that it is blank"


def test_nothing_seen_is_sent_as_nothing(stages):
    read = sent(look([b""], stages, Limits(), clock=time.perf_counter), stages)
    assert read.box.shape == (0, 4)
    assert read.logits is None


def test_a_detector_alone_classifies_nothing(stages):
    looks = look([encoded(painted([(0, 0, RED)]))], stages[:1], Limits(), clock=time.perf_counter)
    read = sent(looks, stages[:1])
    assert read.box.rows == 1
    assert to_array(read.classified).tolist() == [0]


def test_a_job_that_only_embeds_sends_features_and_no_labels(stages):
    found, later = stages
    stage = later.spec.stage.model_copy(update={"kind": ModelKind.EMBEDDING, "logits": False})
    embedder = OpenStage(later.spec.model_copy(update={"stage": stage}), later.session)
    both = (found, embedder)
    read = sent(look([encoded(painted([(0, 0, RED)]))], both, Limits(), clock=time.perf_counter), both)
    assert read.top_label.shape == (1, 0)
    assert read.features.shape == (1, 3)
    assert read.logits is None


@given(st.lists(st.tuples(*[st.floats(0, 1)] * 4), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_no_rounding_lifts_a_box_out_of_the_picture(stages, raw):
    boxes = np.asarray([(x, y, (1 - x) * w, (1 - y) * h) for x, y, w, h in raw])
    found = Detections(boxes, np.zeros(len(boxes), np.int64), np.ones(len(boxes), np.float32))
    read = sent(BatchOutcome([PictureResult(10, 10, "0" * 64, found)], [0.0]), stages[:1])
    assert np.abs(to_array(read.box) / 65535 - boxes).max() <= 1 / 65535


def test_what_was_classified_in_any_order_is_sent_in_the_order_of_the_detections(stages):
    boxes = np.asarray([(0.1 * row, 0.0, 0.1, 0.1) for row in range(3)])
    found = Detections(boxes, np.zeros(3, np.int64), np.asarray([0.9, 0.8, 0.7], np.float32))
    said = Classified(
        rows=np.asarray([2, 0]),
        top_labels=np.asarray([[2], [1]]),
        top_scores=np.asarray([[0.2], [0.1]], np.float32),
        logits=np.asarray([[2.0] * 3, [1.0] * 3], np.float32),
    )
    looked = PictureResult(10, 10, "0" * 64, found, said)
    read = sent(BatchOutcome([PictureResult(10, 10, "1" * 64, found), looked], [0.0, 0.0]), stages)
    assert to_array(read.classified).tolist() == [0, 0, 0, 1, 0, 1]
    assert to_array(read.top_label).tolist() == [[1], [2]]
    assert to_array(read.logits).tolist() == [[1.0] * 3, [2.0] * 3]
