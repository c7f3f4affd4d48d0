"""The Hailo adapter against a fake of the vendor's package that refuses what the vendor's refuses."""

import sys
import time

import numpy as np
import pytest

from ai_worker.devices.try_device import try_device
from ai_worker.inference.batch_run import Limits
from ai_worker.inference.pipeline import look
from ai_worker.inference.types import OpenStage, PictureResult
from ai_worker.model_store import open_hailo
from ai_worker.model_store.errors import ModelRefused, ProviderUnavailable, RuntimeAbsent
from ai_worker.model_store.open_hailo import open_hef
from ai_worker.model_store.open_model import offered_runtimes, open_model
from ai_worker.model_store.places import Place
from tests.support.fake_hailo import Bench, fake_platform, hef_file
from tests.support.make.inference import encoded, painted, stage_spec
from trapper_schemas.v1.models import ModelKind

HERE = Place("hailo", "hailo:0")
CELL = 32


def red_squares(pictures):
    """Detections by class, as HailoRT gives them: y, x, y, x, score, in parts of the picture."""
    frames = []
    for picture in pictures:
        across = picture.shape[1] // CELL
        red = picture[:, :, 0].reshape(across, CELL, across, CELL).mean(axis=(1, 3)) / 255
        rows = [
            (row / across, column / across, (row + 1) / across, (column + 1) / across, red[row, column])
            for row, column in np.argwhere(red > 0.5)
        ]
        frames.append([np.asarray(rows, np.float32).reshape(-1, 5), np.empty([0, 5]), np.empty([0, 5])])
    return {"red/nms": frames}


def mean_colours(pictures):
    return {"colours/fc": pictures.mean(axis=(1, 2)).astype(np.float32) / 25.5}


@pytest.fixture
def bench(monkeypatch):
    plugged = Bench(networks={"red": red_squares, "colours": mean_colours})
    monkeypatch.setitem(sys.modules, "hailo_platform", fake_platform(plugged))
    yield plugged
    open_hailo.devices.release()


@pytest.fixture
def detector_file(tmp_path):
    return hef_file(tmp_path / "red.hef", "red", 128, {"red/nms": ("HAILO_NMS_BY_CLASS", (3, 5, 80))})


@pytest.fixture
def classifier_file(tmp_path):
    return hef_file(tmp_path / "colours.hef", "colours", 32, {"colours/fc": ("NC", (3,))})


def test_suppressed_boxes_come_as_rows_of_corners_score_and_class(bench, detector_file):
    session = open_hef(detector_file, HERE)
    assert (session.input.shape, session.input.dtype) == ((None, 128, 128, 3), "uint8")
    assert (session.provider, session.device, session.precision) == ("HailoRT", "hailo:0", "uint8")
    pictures = np.stack([painted([(1, 2, (255, 0, 0)), (3, 3, (255, 0, 0))]), painted()])
    (rows,) = session.run(pictures)
    assert rows.shape == (2, 2, 6)
    assert rows[0].tolist() == [[32, 64, 64, 96, 1, 0], [96, 96, 128, 128, 1, 0]]
    assert not rows[1].any()  # an empty picture is filled up with rows of no score
    assert bench.calls == ["vdevice", "configure", "streams", "activate", "infer"]


def test_other_outputs_come_in_real_numbers_under_their_names(bench, classifier_file):
    session = open_hef(classifier_file, HERE)
    assert [(axis.name, axis.shape) for axis in session.outputs] == [("colours/fc", (None, 3))]
    (rows,) = session.run(np.full((2, 32, 32, 3), (255, 0, 51), np.uint8))
    assert rows.dtype == np.float32
    assert rows.tolist() == [[10, 0, 2], [10, 0, 2]]


def test_detector_and_classifier_share_one_device_through_the_whole_pipeline(bench, detector_file, classifier_file):
    raw = {"dtype": "uint8", "layout": "nhwc", "scale": 1.0}
    found = stage_spec(detector_file, predictor="yolov10", how=raw)
    later = stage_spec(
        classifier_file,
        kind=ModelKind.CLASSIFICATION,
        predictor="classifier",
        size=32,
        how={"resize": "squash", **raw},
        activation="softmax",
    )
    stages = [
        OpenStage(spec, open_model(path, HERE)) for spec, path in ((found, detector_file), (later, classifier_file))
    ]
    data = [encoded(painted([(column, 0, (255, 0, 0))])) for column in range(4)] + [encoded(painted())]
    outcomes = look(data, stages, Limits(batch_size=2, forward_passes=1), clock=time.perf_counter).outcomes
    assert [type(outcome) for outcome in outcomes] == [PictureResult] * 5, outcomes
    assert [outcome.detections.boxes[0, 0] for outcome in outcomes[:4]] == [0, 0.25, 0.5, 0.75]
    assert [outcome.classified.top_labels[0, 0] for outcome in outcomes[:4]] == [0] * 4
    assert len(outcomes[4].detections) == 0
    assert bench.calls.count("vdevice") == 1


def test_a_picture_of_the_wrong_kind_never_reaches_the_device(bench, detector_file):
    session = open_hef(detector_file, HERE)
    for wrong in (np.zeros((1, 128, 128, 3), np.float32), np.zeros((1, 3, 128, 128), np.uint8)):
        with pytest.raises(ValueError, match="expected uint8"):
            session.run(wrong)
    assert "infer" not in bench.calls


def test_a_device_that_is_not_plugged_in_is_said(bench, detector_file):
    with pytest.raises(ProviderUnavailable, match="hailo:1 was asked for, and 1 Hailo devices are there"):
        open_hef(detector_file, Place("hailo", "hailo:1"))


def test_a_device_that_another_process_holds_is_said(bench, detector_file):
    bench.open.add(bench.devices[0])
    with pytest.raises(ProviderUnavailable, match="HAILO_OUT_OF_PHYSICAL_DEVICES"):
        open_hef(detector_file, HERE)


def test_a_device_that_is_there_and_free_is_held_from_the_start_by_who_will_use_it(bench, detector_file):
    trial = try_device(HERE)
    assert (trial["provider"], trial["device"]) == ("HailoRT", "hailo:0")
    open_hef(detector_file, HERE)
    assert bench.calls.count("vdevice") == 1


def test_a_device_that_is_absent_or_held_is_told_before_any_work_is_claimed_for_it(bench):
    with pytest.raises(ProviderUnavailable, match="hailo:1 was asked for, and 1 Hailo devices are there"):
        try_device(Place("hailo", "hailo:1"))
    bench.open.add(bench.devices[0])
    with pytest.raises(ProviderUnavailable, match=r"hailo:0 cannot be opened: .*HAILO_OUT_OF_PHYSICAL_DEVICES"):
        try_device(HERE)


@pytest.mark.usefixtures("bench")
def test_what_is_no_hef_or_gives_what_nobody_reads_is_refused(tmp_path):
    broken = tmp_path / "broken.hef"
    broken.write_bytes(b"no network")
    with pytest.raises(ModelRefused, match="HAILO_INVALID_HEF"):
        open_hef(broken, HERE)
    masks = hef_file(tmp_path / "m.hef", "red", 64, {"red/nms": ("HAILO_NMS_WITH_BYTE_MASK", (3, 5, 80))})
    with pytest.raises(ModelRefused, match="HAILO_NMS_WITH_BYTE_MASK were seen"):
        open_hef(masks, HERE)
    with pytest.raises(ModelRefused, match="gives its own outputs only"):
        open_model(broken, HERE, also=("embedding",))


def test_the_runtime_is_offered_only_where_the_vendors_package_is(monkeypatch, tmp_path):
    monkeypatch.setattr(open_hailo, "find_spec", lambda _name: None)
    assert "hailo" not in offered_runtimes()
    monkeypatch.setitem(sys.modules, "hailo_platform", None)
    with pytest.raises(RuntimeAbsent, match=r"docs/hailo\.md"):
        open_hef(tmp_path / "m.hef", HERE)
    monkeypatch.setattr(open_hailo, "find_spec", lambda _name: object())
    assert "hailo" in offered_runtimes()
    assert offered_runtimes()[0] in {"onnx-cuda", "onnx-cpu"}  # what is taken when nobody asks
