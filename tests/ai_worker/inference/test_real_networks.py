"""Networks that others trained, on photos that others took, against reference preprocessing written here."""

import time

import numpy as np
import pytest
from PIL import Image

from ai_worker.inference.batch_run import Limits
from ai_worker.inference.pipeline import look
from ai_worker.inference.types import OpenStage
from ai_worker.model_intake.register import register_model
from ai_worker.model_store.open_onnx import open_session
from tests.ai_worker.inference import reference
from tests.support.shared_data import shared_data
from trapper_schemas.catalog import read_label_map
from trapper_schemas.v1.batches import StageSpec
from trapper_schemas.v1.jobs import Stage
from trapper_schemas.v1.models import ModelRef

CPU = ("CPUExecutionProvider",)


def registered(weights, **request):
    entry, _, _ = register_model(weights, request, clock=time.perf_counter)
    stage = Stage(
        kind=entry.kind, model=ModelRef(name=entry.name, version=entry.version, sha256=entry.sha256), logits=True
    )
    also = (entry.spec.embedding.output,) if entry.spec.embedding else ()
    return OpenStage(StageSpec(stage=stage, model=entry), open_session(weights, providers=CPU, also=also))


@pytest.fixture(scope="module")
def yolox():
    weights = shared_data("models", "yolox_nano.onnx")
    labels = shared_data("models", "labels", "coco80.txt").read_text("utf-8").split("\n")[:80]
    coco = read_label_map("coco").model_dump()
    return registered(weights, name="yolox-nano", predictor="yolox", labels=labels, label_map=coco)


@pytest.fixture(scope="module")
def mobilenet():
    weights = shared_data("models", "mobilenetv2_12_qdq.onnx")
    labels = shared_data("models", "labels", "imagenet_synset.txt").read_text("utf-8").strip().split("\n")
    return registered(weights, name="mobilenet", predictor="classifier", labels=labels)


def objects(yolox, photo, threshold):
    labels = yolox.spec.model.spec.labels
    (outcome,) = look([photo.read_bytes()], (yolox,), Limits(), clock=time.perf_counter).outcomes
    found = outcome.detections
    return [
        (labels[label].label, labels[label].observation_type.value, box)
        for label, box, score in zip(found.labels, found.boxes, found.scores, strict=True)
        if score >= threshold
    ]


def test_one_dog_a_bicycle_and_a_truck(yolox):
    found = objects(yolox, shared_data("photos", "darknet", "dog.jpg"), 0.5)
    assert sorted(kind for _, kind, _ in found) == ["animal", "vehicle", "vehicle"]
    dog = next(box for label, _, box in found if label == "dog")
    assert dog == pytest.approx([131 / 768, 220 / 576, 180 / 768, 322 / 576], abs=0.04)  # as darknet drew it


def test_nothing_is_seen_where_nothing_is(yolox):
    assert objects(yolox, shared_data("photos", "speciesnet", "blank.jpg"), 0.3) == []


def test_a_far_person_is_a_human(yolox):
    found = objects(yolox, shared_data("photos", "speciesnet", "human.jpg"), 0.5)
    assert [kind for _, kind, _ in found] == ["human"]


@pytest.mark.parametrize("photo", ["PICT0020.JPG", "PICT0021.JPG", "PICT0022.JPG"])
def test_the_burst_shows_an_elephant(yolox, photo):
    found = objects(yolox, shared_data("sequences", "serengeti_S1_D04_R6", photo), 0.5)
    assert [label for label, _, _ in found] == ["elephant"]


def test_boxes_and_scores_equal_the_reference_code(yolox):
    """Within one pixel and 0.01, on the same file and photo, with everything before and after written anew."""
    photo = shared_data("photos", "darknet", "horses.jpg")
    picture = np.asarray(Image.open(photo).convert("RGB"))
    height, width = picture.shape[:2]
    ratio = min(416 / height, 416 / width)
    canvas = np.full((416, 416, 3), 114.0, np.float32)
    resized = np.rint(reference.bilinear(picture, int(width * ratio), int(height * ratio)))
    canvas[: resized.shape[0], : resized.shape[1]] = resized
    rows = yolox.session.run(canvas[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32).copy())[0][0]
    expected, _ = reference.yolox(rows.tolist(), 416, 0.1, 0.45)
    animals_and_more = set(range(9)) | set(range(14, 24))
    wanted = [
        (
            score,
            label,
            [min(max(value / ratio, 0), limit) for value, limit in zip(box, [width, height] * 2, strict=True)],
        )
        for score, label, box in expected
        if label in animals_and_more
    ]
    (outcome,) = look([photo.read_bytes()], (yolox,), Limits(), clock=time.perf_counter).outcomes
    found = outcome.detections
    ours = int((found.scores >= 0.1).sum())
    assert ours == len(wanted) >= 3
    for (score, label, box), our_box, our_label, our_score in zip(
        wanted, found.boxes, found.labels, found.scores, strict=False
    ):
        x, y, w, h = our_box * [width, height, width, height]
        assert our_label == label
        assert our_score == pytest.approx(score, abs=0.01)
        assert [x, y, x + w, y + h] == pytest.approx(box, abs=1)


def test_a_classifier_equals_its_reference_preprocessing(yolox, mobilenet):
    photo = shared_data("photos", "coral", "parrot.jpg")
    (outcome,) = look([photo.read_bytes()], (yolox, mobilenet), Limits(), clock=time.perf_counter).outcomes
    row = int(outcome.classified.rows[0])
    image = Image.open(photo).convert("RGB")
    x, y, w, h = outcome.detections.boxes[row]
    crop = image.crop(
        tuple(round(v) for v in (x * image.width, y * image.height, (x + w) * image.width, (y + h) * image.height))
    ).resize((224, 224), Image.Resampling.BILINEAR)
    values = (np.asarray(crop, np.float32) / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    tensor = values.transpose(2, 0, 1)[None].astype(np.float32)
    logits = mobilenet.session.run(np.ascontiguousarray(tensor))[0][0]
    assert np.abs(outcome.classified.logits[0] - logits).max() < 0.5  # of a range of 30; the network is in 8 bits
    best = int(np.argmax(logits))
    assert outcome.classified.top_labels[0, 0] == best
    powers = np.exp(logits - logits.max())
    assert outcome.classified.top_scores[0, 0] == pytest.approx(float(powers.max() / powers.sum()), abs=0.02)
    assert "macaw" in mobilenet.spec.model.spec.labels[best].label
    assert outcome.classified.features.shape == (1, 1280)
