"""Proves that the shipped networks are the published files and as good as their cards say."""

import ast
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from render.scenes import CATEGORIES
from render.species import SPECIES
from scoring.measure import Figures, average_precision, held_out_photos, match, measure
from scoring.predict import Detection, open_model

FIRST_SEED = 3_000_000
NAMES = ("demo-detector", "demo-species")


@pytest.fixture(scope="module")
def figures(models_folder: Path) -> Figures:
    detector, classifier = (open_model(models_folder / "weights" / f"{name}.onnx") for name in NAMES)
    return measure(held_out_photos(FIRST_SEED, places=45, width=320), detector, classifier)


def test_the_weights_are_the_files_whose_hashes_are_listed(models_folder: Path) -> None:
    folder = models_folder / "weights"
    lines = [line.split() for line in (folder / "SHA256SUMS").read_text().splitlines()]
    listed = {name: digest for digest, name in lines}
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.glob("*.onnx")}
    assert found == listed
    assert set(found) == {f"{name}.onnx" for name in NAMES}


def test_each_weights_file_is_below_five_megabytes_and_complete_in_itself(models_folder: Path) -> None:
    files = {file.name: file.stat().st_size for file in (models_folder / "weights").iterdir()}
    assert set(files) == {"SHA256SUMS", *(f"{name}.onnx" for name in NAMES)}
    assert all(size < 5_000_000 for size in files.values())


def test_the_detector_has_the_yolov8_layout_for_any_number_of_pictures(models_folder: Path) -> None:
    session = open_model(models_folder / "weights" / "demo-detector.onnx")
    facts = session.get_modelmeta().custom_metadata_map
    assert ast.literal_eval(facts["names"]) == dict(enumerate(CATEGORIES))
    assert (facts["imgsz"], facts["stride"], facts["task"]) == ("[320, 320]", "32", "detect")
    for count in (1, 3):
        (answer,) = session.run(["output0"], {"images": np.zeros((count, 3, 320, 320), dtype=np.float32)})
        assert np.asarray(answer).shape == (count, 4 + len(CATEGORIES), 2100)


def test_the_classifier_gives_logits_and_an_embedding_for_any_number_of_crops(models_folder: Path) -> None:
    session = open_model(models_folder / "weights" / "demo-species.onnx")
    assert ast.literal_eval(session.get_modelmeta().custom_metadata_map["names"]) == dict(enumerate(SPECIES))
    for count in (1, 3):
        crops = np.zeros((count, 3, 96, 96), dtype=np.float32)
        logits, embedding = session.run(["logits", "embedding"], {"images": crops})
        assert (np.asarray(logits).shape, np.asarray(embedding).shape) == ((count, len(SPECIES)), (count, 64))


def test_the_label_files_list_what_the_renderer_draws_in_index_order(models_folder: Path) -> None:
    labels = models_folder / "labels"
    assert tuple((labels / "demo-detector.txt").read_text().splitlines()) == CATEGORIES
    assert tuple((labels / "demo-species.txt").read_text().splitlines()) == SPECIES
    rows = json.loads((labels / "demo-species.json").read_text())
    assert tuple(row["label"] for row in rows) == SPECIES
    assert all(row["gbif"] is None or row["gbif"].isdecimal() for row in rows)


def test_the_detector_reaches_its_bar_on_photos_it_never_saw(figures: Figures) -> None:
    assert min(figures.boxes.values()) >= 10
    assert figures.mean_average_precision >= 0.9, figures.average_precision


def test_the_classifier_reaches_its_bar_on_animals_it_never_saw(figures: Figures) -> None:
    assert figures.confusion.sum() >= 40
    assert figures.top1 >= 0.9, figures.confusion


def test_average_precision_is_one_for_perfect_answers_and_falls_with_each_early_mistake() -> None:
    assert average_precision([0.9, 0.8], [True, True], 2) == pytest.approx(1.0)
    assert average_precision([0.9, 0.8, 0.7], [True, False, True], 2) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([0.9], [True], 4) == pytest.approx(0.25)


def test_a_true_box_is_matched_once_only() -> None:
    box = (0.1, 0.1, 0.5, 0.5)
    twice = [Detection(0, 0.9, box), Detection(0, 0.8, box)]
    assert match(twice, [box]) == [0, None]
