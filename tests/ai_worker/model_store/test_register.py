# pyright: basic, reportOptionalMemberAccess=false
"""Models that somebody brings, tried in the limited child exactly as the command does it."""

import hashlib
import json
import time

import numpy as np
import pytest
from onnx import helper

from ai_worker.model_intake.inspect_model import inspect_model
from ai_worker.model_intake.register import register_model
from ai_worker.model_store.errors import ModelRefused
from tests.support.networks import colour_classifier, colour_detector, fixed_output, save
from trapper_schemas.v1.models import GoldenRun, ModelEntry, ObjectType

COLOURS = ["red deer", "green lizard", "blue tit"]


def accepted(path, **request):
    answer = inspect_model(path, {"name": "mine"} | request)
    assert answer["ok"], answer
    json.dumps(answer)
    GoldenRun.model_validate(answer["golden_run"])
    return ModelEntry.model_validate(answer["entry"]), answer["proof"]


def refused(path, **request):
    """By the same code without the child around it, which takes a second each time."""
    with pytest.raises(ModelRefused) as caught:
        register_model(path, {"name": "mine"} | request, clock=time.perf_counter)
    return caught.value.reason, str(caught.value)


def refused_by_the_child(path, **request):
    answer = inspect_model(path, {"name": "mine"} | request)
    assert not answer["ok"]
    assert set(answer) == {"ok", "reason", "message"}
    return answer["reason"], answer["message"]


def test_a_detector_that_tells_everything_needs_nothing_but_a_name(tmp_path):
    path = colour_detector(tmp_path / "m.onnx")
    entry, proof = accepted(path, predictor="yolov8", licence="MIT", version="2.1")
    assert entry.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert entry.size_bytes == path.stat().st_size
    assert (entry.version, entry.licence) == ("2.1", "MIT")
    assert [label.label for label in entry.spec.labels] == ["animal", "person", "vehicle"]
    assert [label.observation_type.value for label in entry.spec.labels] == ["animal", "human", "vehicle"]
    how = entry.spec.preprocessing
    assert (how.width, how.height, how.resize, how.channels) == (128, 128, "letterbox", "rgb")
    assert how.scale == pytest.approx(1 / 255)
    assert [run["input"] for run in proof["golden"]] == ["flat", "gradient", "noise"]
    assert proof["outputs"] == [{"name": "output", "shape": [7, 16], "dtype": "float32"}]


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (["person", "animal", "vehicle"], "own order is 0 animal, 1 person; the labels' order is 0 person, 1 animal"),
        (["Person", "dog", "car"], "own order is 0 animal; the labels' order is 0 Person"),
    ],
)
def test_labels_in_another_order_than_the_files_own_are_refused_unless_overridden(tmp_path, labels, told):
    path = colour_detector(tmp_path / "m.onnx")
    request = {"predictor": "yolov8", "labels": labels, "label_map": {"animal": [1], "human": [0], "vehicle": [2]}}
    reason, message = refused(path, **request)
    assert reason == "labels"
    assert told in message
    assert "--labels-override" in message
    entry, _ = accepted(path, **request, labels_override=True)
    assert [label.label for label in entry.spec.labels] == labels


def test_the_shorter_side_and_the_crop_can_be_said(tmp_path):
    path = colour_classifier(tmp_path / "m.onnx")
    how = {"resize": "shortest:48", "crop": "32"}
    entry, _ = accepted(path, predictor="classifier", labels=COLOURS, preprocess=how)
    preprocessing = entry.spec.preprocessing
    assert (preprocessing.resize, preprocessing.shortest_side, preprocessing.width) == ("crop", 48, 32)
    for wrong in ({"resize": "shortest:16", "crop": "32"}, {"resize": "shortest:x"}, {"crop": "64"}, {"crop": "big"}):
        reason, _ = refused(path, predictor="classifier", labels=COLOURS, preprocess=wrong)
        assert reason == "request"


def test_a_classifiers_labels_that_are_no_species_are_mapped(tmp_path):
    path = colour_classifier(tmp_path / "m.onnx")
    entry, _ = accepted(path, predictor="classifier", labels=["Blank", "person", "red deer"])
    assert [(label.observation_type, label.rank) for label in entry.spec.labels] == [
        (None, "none"),
        (ObjectType.HUMAN, "none"),
        (None, None),
    ]
    other = {"none": ["leer"], "human": ["Mensch"]}
    entry, _ = accepted(path, predictor="classifier", labels=["leer", "Mensch", "Reh"], label_map=other)
    assert [(label.observation_type, label.rank) for label in entry.spec.labels] == [
        (None, "none"),
        (ObjectType.HUMAN, None),
        (None, None),
    ]


def test_other_words_in_the_same_order_are_accepted_and_reported(tmp_path):
    path = colour_detector(tmp_path / "m.onnx")
    labels = ["Animal", "human", "vehicle"]
    _, proof = accepted(path, predictor="yolov8", labels=labels)
    assert proof["labels_renamed"] == [{"index": 1, "file": "person", "given": "human"}]
    others = {"animal": [0], "human": [1], "vehicle": [2]}
    reason, message = refused(path, predictor="yolov8", labels=["a", "b", "c"], label_map=others, same_network=True)
    assert reason == "another-network"
    assert "0 animal, 1 person, 2 vehicle; the model's are 0 a, 1 b, 2 c" in message


def test_yolox_is_fed_as_its_family_is_unless_told_otherwise(tmp_path):
    rows = np.full((84, 7), 0.01, np.float32)
    path = fixed_output(tmp_path / "m.onnx", rows, size=64)
    wanted = {"predictor": "yolox", "labels": ["animal", "person"]}
    how = accepted(path, **wanted)[0].spec.preprocessing
    assert (how.resize, how.channels, how.scale, how.pad_value) == ("letterbox-top-left", "bgr", 1.0, 114)
    told = {"resize": "squash", "channels": "rgb", "scale": "1/255", "mean": "0.5", "std": "0.1,0.2,0.3"}
    how = accepted(path, **wanted, preprocess=told)[0].spec.preprocessing
    assert (how.resize, how.channels, how.mean, how.std) == ("squash", "rgb", 0.5, (0.1, 0.2, 0.3))
    assert how.scale == pytest.approx(1 / 255)


def test_an_open_size_is_what_the_request_says(tmp_path):
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["m"], axes=[2, 3], keepdims=0),
        helper.make_node("Gemm", ["m", "w"], ["logits"]),
    ]
    path = save(
        tmp_path / "m.onnx",
        nodes,
        shape=["n", 3, "h", "w"],
        outputs={"logits": ["n", 3]},
        constants={"w": np.eye(3, dtype=np.float32)},
    )
    request = {"predictor": "classifier", "labels": COLOURS}
    assert accepted(path, **request)[0].spec.preprocessing.width == 224
    entry, _ = accepted(path, **request, input_size=96)
    assert (entry.spec.preprocessing.width, entry.spec.preprocessing.height) == (96, 96)


def test_logits_get_a_softmax_and_features_are_found(tmp_path):
    path = colour_classifier(tmp_path / "m.onnx")
    path_64 = colour_classifier(tmp_path / "wide.onnx", size=64)
    entry, _ = accepted(path_64, predictor="classifier", labels=COLOURS)
    assert entry.spec.activation == "softmax"
    assert entry.spec.output == "logits"
    assert (entry.spec.embedding.output, entry.spec.embedding.dimension) == ("embedding", 3)
    assert entry.spec.preprocessing.mean == (0.485, 0.456, 0.406)
    assert path != path_64


def test_probabilities_are_not_softmaxed_again_and_inner_features_are_found(tmp_path):
    path = colour_classifier(tmp_path / "m.onnx", softmax=True, embedding=False)
    entry, _ = accepted(path, predictor="classifier", labels=COLOURS)
    assert entry.spec.activation == "none"
    assert (entry.spec.embedding.output, entry.spec.embedding.dimension) == ("embedding", 3)


def test_rounded_probabilities_that_do_not_quite_add_up_are_recognised(tmp_path):
    path = fixed_output(tmp_path / "m.onnx", np.asarray([0.5, 0.25, 0.0], np.float32), batch="n")
    entry, _ = accepted(path, predictor="classifier", labels=COLOURS)
    assert entry.spec.activation == "none"


def test_what_the_user_says_of_the_activation_goes(tmp_path):
    path = fixed_output(tmp_path / "m.onnx", np.asarray([0.5, 0.25, 0.25], np.float32))
    entry, _ = accepted(path, predictor="classifier", labels=COLOURS, activation="softmax")
    assert entry.spec.activation == "softmax"


def test_an_embedding_model_needs_no_labels(tmp_path):
    path = fixed_output(tmp_path / "m.onnx", np.linspace(-1, 1, 128, dtype=np.float32), batch="n")
    entry, _ = accepted(path, predictor="embedding")
    assert entry.kind.value == "embedding"
    assert entry.spec.embedding.dimension == 128


@pytest.mark.parametrize(
    ("values", "request_", "reason", "sentence"),
    [
        (np.full((84, 50), 0.1), {"predictor": "yolov8"}, "labels", "84x50; expected n x 7 or 7 x n"),
        (
            np.full((8, 50), 0.1),
            {"predictor": "yolov5", "labels": ["animal"]},
            "labels",
            "it has 3 classes, and 1 label",
        ),
        (np.full((7, 50), np.nan), {"predictor": "yolov8"}, "not-a-number", "NaN on the golden input 'flat'"),
        (np.full((7, 50), 7.0), {"predictor": "yolov8"}, "confidences", "expected 0 to 1"),
        (np.full((50, 6), 0.5), {"predictor": "yolov8", "labels": ["cow", "cat"]}, "labels", "none of the 2 labels"),
        (np.full((50, 6), 0.5), {"predictor": "yolov8", "labels": []}, "labels", "the file names no labels"),
        (np.full(5, 0.2), {"predictor": "classifier"}, "labels", "output 5; 3 labels were given"),
        (np.full(3, 7.0), {"predictor": "classifier", "activation": "none"}, "confidences", "expected 0 to 1"),
        (np.full((3, 9), 0.2), {"predictor": "embedding"}, "layout", "expected one row"),
        (np.full((7, 50), 0.1), {"predictor": "yolov99"}, "request", "'yolov99' is not known"),
        (np.full((7, 50), 0.1), {"predictor": "yolov8", "input_size": 640}, "request", "the file takes 64 x 64"),
        (np.full((7, 50), 0.1), {"predictor": "yolov8", "preprocess": {"size": "1"}}, "request", "'size' is not known"),
        (np.full((7, 50), 0.1), {"predictor": "yolov8", "preprocess": {"std": "0"}}, "request", "std must not be 0"),
        (
            np.full((7, 50), 0.1),
            {"predictor": "yolov8", "preprocess": {"std": "a,b"}},
            "request",
            "one number or three",
        ),
        (np.full((7, 50), 0.1), {"predictor": "yolov8", "preprocess": {"resize": "zoom"}}, "request", "resize"),
        (np.full((7, 50), 0.1), {"predictor": "yolov8", "name": "no spaces"}, "request", "name"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_was_seen_and_expected(tmp_path, values, request_, reason, sentence):
    path = fixed_output(tmp_path / "m.onnx", values.astype(np.float32), batch="n")
    got, message = refused(path, **({"labels": ["animal", "person", "vehicle"]} | request_))
    assert sentence in message
    assert got == reason


def test_a_graph_that_cannot_run_is_refused(tmp_path):
    nodes = [helper.make_node("Reshape", ["images", "shape"], ["output"])]
    path = save(
        tmp_path / "m.onnx",
        nodes,
        shape=[1, 3, 64, 64],
        outputs={"output": [1, 7, 5]},
        constants={"shape": np.asarray([1, 7, 5], np.int64)},
    )
    reason, message = refused_by_the_child(path, predictor="yolov8", labels=["animal", "person", "vehicle"])
    assert reason == "does-not-run"
    assert "\n" not in message


def test_a_missing_file_is_told(tmp_path):
    assert refused_by_the_child(tmp_path / "nowhere.onnx", predictor="yolov8")[0] == "not-found"
