"""Models of one's own: what is no good is refused and leaves no trace; what is good looks at photos."""

import pickle
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.main_job.boxes import sure
from tests.main_job.trapper import MARKS, Trapper, copy_anew
from tests.support.networks import CELL, colour_detector, fixed_output
from tests.support.shared_data import shared_data

pytestmark = MARKS

TRACE = "it was opened"
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


class Planted:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self._trace = trace

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return (open, (str(self._trace), "w"))  # type: ignore[return-value]  # what an attacker would write


def with_five_classes(folder: Path) -> Path:
    return fixed_output(folder / "five.onnx", np.zeros((9, 84), np.float32))


def of_unknown_layout(folder: Path) -> Path:
    return fixed_output(folder / "layout.onnx", np.zeros((3, 7, 5, 2), np.float32))


def pickled(folder: Path) -> Path:
    path = folder / "best.onnx"
    path.write_bytes(pickle.dumps(Planted(folder / TRACE)))
    return path


REFUSED = [
    (pickled, "not-onnx", "pickle"),
    (with_five_classes, "labels", "5 classes, and 3 labels"),
    (of_unknown_layout, "layout", "4"),
]
"""One of each kind: not a model, contradicted by its labels, not readable; the Worker's tests have all reasons."""


def test_files_that_are_no_good_are_refused_with_their_reasons_and_leave_no_trace(stack: Trapper, folder: Path) -> None:
    before = stack.models()
    labels = folder / "labels.txt"
    labels.write_text("animal\nperson\nvehicle\n")
    how = ("--name", "refused-one", "--predictor", "yolov8", "--labels", labels, "--map", "megadetector", "--json")
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda case: stack("models", "add", case[0](folder), *how), REFUSED))
    for answer, (_, reason, told) in zip(answers, REFUSED, strict=True):
        assert answer.code == 1, answer.text
        error = answer.json["error"]
        assert f"Refused ({reason})" in error
        assert told in error
    assert stack.models() == before
    assert not (folder / TRACE).exists()


def add(trapper: Trapper, weights: Path, name: str, *words: str | Path) -> dict[str, Any]:
    answer = trapper("models", "add", weights, "--name", name, *words, "--json")
    assert answer.code == 0, answer.text
    assert answer.json["ok"] is True
    return next(model for model in trapper.models() if model["name"] == name)


def test_a_detector_of_ones_own_is_listed_and_looks_at_photos(stack: Trapper, folder: Path) -> None:
    weights = colour_detector(folder / "colours.onnx")
    listed = add(stack, weights, "colour-detector", "--predictor", "yolov8")  # the file tells its labels and its size
    assert (listed["type"], listed["predictor"], listed["held"]) == ("detection", "yolov8", True)
    photos = folder / "painted"
    photos.mkdir()
    side = 4 * CELL
    for name, colour in (("1 red.png", RED), ("2 green.png", GREEN), ("3 blue.png", BLUE), ("4 none.png", None)):
        picture = Image.new("RGB", (side, side))
        if colour is not None:
            ImageDraw.Draw(picture).rectangle((CELL, 2 * CELL, 2 * CELL - 1, 3 * CELL - 1), fill=colour)
        picture.save(photos / name)
    document = stack.results(photos, "--detector", "colour-detector", "--species", "none")
    assert document["info"]["detector"] == "colour-detector"
    assert "classifier" not in document["info"]
    found = [[(each["category"], each["bbox"]) for each in sure(image)] for image in document["images"]]
    place = pytest.approx([0.25, 0.5, 0.25, 0.25], abs=0.001)
    assert found == [[("1", place)], [("2", place)], [("3", place)], []]


def test_swapped_labels_need_an_override_also_under_an_umlaut_path(stack: Trapper, folder: Path) -> None:
    weights = folder / "Müller Kärtchen" / "färbe.onnx"
    weights.parent.mkdir()
    shutil.copy(colour_detector(folder / "made.onnx", size=192), weights)
    labels = weights.with_name("bezeichnungen.txt")
    labels.write_text("person\nanimal\nvehicle\n", "utf-8")
    words = ("--predictor", "yolov8", "--labels", labels, "--map", "megadetector")
    refused = stack("models", "add", weights, "--name", "swapped", *words, "--json")
    assert refused.code == 1
    assert "own order is 0 animal, 1 person; the labels' order is 0 person, 1 animal" in refused.json["error"]
    assert "--labels-override" in refused.json["error"]
    listed = add(stack, weights, "swapped", *words, "--labels-override")
    assert listed["labels"] == ["person", "animal", "vehicle"]


def test_a_name_that_is_taken_is_not_given_away(stack: Trapper, folder: Path) -> None:
    before = stack.models()
    weights = colour_detector(folder / "other.onnx", size=160)
    answer = stack("models", "add", weights, "--name", "demo-detector", "--predictor", "yolov8", "--json")
    assert answer.code == 2
    assert "names that begin with 'demo-' are those of shipped models" in answer.json["error"]
    assert stack.models() == before


def test_networks_of_others_see_what_is_on_real_photos(stack: Trapper, folder: Path) -> None:
    """YOLOX finds a dog, a truck, a bear and a far person; MobileNet says of which breed the dog is."""
    yolox, coco = shared_data("models", "yolox_nano.onnx"), shared_data("models", "labels", "coco80.txt")
    mobilenet = shared_data("models", "mobilenetv2_12_qdq.onnx")
    synset = shared_data("models", "labels", "imagenet_synset.txt")
    listed = add(stack, yolox, "my-yolox", "--predictor", "yolox", "--labels", coco, "--map", "coco")
    assert len(listed["labels"]) == 80
    listed = add(stack, mobilenet, "my-species", "--predictor", "classifier", "--labels", synset)
    assert listed["type"] == "classification"
    sources = sorted(shared_data("photos", "darknet").iterdir()) + sorted(shared_data("photos", "speciesnet").iterdir())
    photos = folder / "real"
    copy_anew(sources, photos, "")
    document = stack.results(photos, "--detector", "my-yolox", "--species", "my-species")
    assert (document["info"]["detector"], document["info"]["classifier"]) == ("my-yolox", "my-species")
    seen = {image["file"]: sure(image, 0.4) for image in document["images"]}
    kinds = {file: {each["category"] for each in found} for file, found in seen.items()}
    assert kinds["darknet-dog.jpg"] == {"1", "3"}
    assert kinds["darknet-horses.jpg"] == {"1"}
    assert kinds["speciesnet-human.jpg"] == {"2"}
    assert "3" in kinds["speciesnet-vehicle.jpg"]
    assert kinds["speciesnet-blank.jpg"] == set()
    dog = next(each for each in seen["darknet-dog.jpg"] if each["category"] == "1")
    label = document["classification_categories"][dog["classifications"][0][0]]
    assert label in synset.read_text("utf-8").splitlines()
    assert any(word in label for word in ("dog", "malamute", "husky", "Eskimo")), label
    boxes_of_others = [each for found in seen.values() for each in found if each["category"] != "1"]
    assert not any("classifications" in each for each in boxes_of_others)
