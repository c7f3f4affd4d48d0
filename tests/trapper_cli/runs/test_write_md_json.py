import json
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trapper_cli.runs.names import portable
from trapper_cli.runs.outcomes import Detection, FileOutcome, InputGap, ModelUsed, RunResult
from trapper_cli.runs.write_md_json import md_json

DETECTOR = ModelUsed("demo-detector", "1", "a" * 64, typical=0.25, conservative=0.05)
SPECIES = ModelUsed(
    "demo-species", "1", "b" * 64, descriptions={"red deer": "Cervus elaphus", "red fox": "Vulpes vulpes"}
)


def _detection(score: float, kind: str = "animal", **more: Any) -> Detection:
    return Detection(kind, score, more.pop("bbox", (0.1, 0.2, 0.3, 0.4)), **more)


def _written(outcomes: list[FileOutcome], classifier: ModelUsed | None = SPECIES) -> dict[str, Any]:
    return json.loads(_bytes(outcomes, classifier))


def _bytes(outcomes: list[FileOutcome], classifier: ModelUsed | None = SPECIES, *gaps: InputGap) -> bytes:
    return md_json(RunResult("card (0123456789)", outcomes, gaps), DETECTOR, classifier)


def test_the_document_has_the_shape_of_format_1_6() -> None:
    seen = FileOutcome(
        "cam/1.jpg",
        detections=(
            _detection(0.5, "vehicle"),
            _detection(0.987654, classifications=(("red fox", 0.25), ("red deer", 0.7))),
            _detection(0.3, "human"),
        ),
    )
    document = _written([seen, FileOutcome("cam/2.jpg"), FileOutcome("cam/0.jpg", failure="It cannot be read.")])
    assert document["info"]["format_version"] == "1.6"
    assert document["info"]["detector"] == "demo-detector"
    assert document["info"]["classifier"] == "demo-species"
    assert document["info"]["detector_metadata"]["typical_detection_threshold"] == 0.25
    assert document["detection_categories"] == {"1": "animal", "2": "person", "3": "vehicle"}
    assert document["classification_categories"] == {"0": "red deer", "1": "red fox"}
    assert document["classification_category_descriptions"]["1"] == "Vulpes vulpes"
    assert document["images"] == [
        {"file": "cam/0.jpg", "failure": "It cannot be read.", "detections": None},
        {
            "file": "cam/1.jpg",
            "detections": [
                {
                    "category": "1",
                    "conf": 0.9877,
                    "bbox": [0.1, 0.2, 0.3, 0.4],
                    "classifications": [["0", 0.7], ["1", 0.25]],
                },
                {"category": "3", "conf": 0.5, "bbox": [0.1, 0.2, 0.3, 0.4]},
                {"category": "2", "conf": 0.3, "bbox": [0.1, 0.2, 0.3, 0.4]},
            ],
        },
        {"file": "cam/2.jpg", "detections": []},
    ]


def test_without_a_classifier_nothing_is_said_of_classifications() -> None:
    document = _written([FileOutcome("1.jpg", detections=(_detection(0.5),))], classifier=None)
    assert "classification_categories" not in document
    assert "classifier" not in document["info"]


def test_what_is_at_least_a_tenth_sure_is_listed_and_nothing_below() -> None:
    found = (_detection(0.1), _detection(0.0999), _detection(0.9, ""), _detection(0.10001))
    listed = _written([FileOutcome("1.jpg", detections=found)])["images"][0]["detections"]
    assert [each["conf"] for each in listed] == [0.1, 0.1]


def test_two_files_with_the_same_bytes_are_both_listed() -> None:
    same = [FileOutcome(name, sha256="c" * 64, detections=(_detection(0.5),)) for name in ("b/1.jpg", "a/1.jpg")]
    assert [image["file"] for image in _written(same)["images"]] == ["a/1.jpg", "b/1.jpg"]


def test_the_same_outcomes_in_any_order_are_the_same_bytes() -> None:
    many = [FileOutcome(f"{n}.jpg", detections=(_detection(0.5), _detection(0.5, "human"))) for n in range(20)]
    turned = [FileOutcome(each.relative, detections=tuple(reversed(each.detections))) for each in reversed(many)]
    assert _bytes(many) == _bytes(turned)


@given(st.binary(min_size=1, max_size=40).filter(lambda name: b"/" not in name and b"\x00" not in name))
def test_any_name_comes_back_byte_for_byte(name: bytes) -> None:
    document = _written([FileOutcome(portable(os.fsdecode(name)))])
    assert document["images"][0]["file"].encode("utf-8", "surrogateescape") == name


@given(st.tuples(*[st.floats(0, 1, allow_nan=False)] * 4))
def test_boxes_stay_inside_the_picture(bbox: tuple[float, float, float, float]) -> None:
    x, y, width, height = _written([FileOutcome("1.jpg", detections=(_detection(0.5, bbox=bbox),))])["images"][0][
        "detections"
    ][0]["bbox"]
    assert min(x, y, width, height) >= 0
    assert x + width <= 1 + 1e-9
    assert y + height <= 1 + 1e-9


def test_labels_that_no_catalogue_knows_follow_by_name() -> None:
    found = _detection(0.5, classifications=(("wolf", 0.6), ("red fox", 0.3), ("ant", 0.1)))
    document = _written([FileOutcome("1.jpg", detections=(found,))])
    assert document["classification_categories"] == {"0": "red deer", "1": "red fox", "2": "ant", "3": "wolf"}
    assert document["classification_category_descriptions"]["3"] == "wolf"


def test_damaged_is_not_blank_and_what_was_not_read_is_listed() -> None:
    outcomes = [FileOutcome("1.jpg", sha256="a", is_damaged=True), FileOutcome("2.jpg", sha256="b", captured_at="x")]
    document = json.loads(_bytes(outcomes, None, InputGap("closed", "The folder cannot be read.")))
    assert [image.get("damaged") for image in document["images"]] == [True, None]
    info = document["info"]
    assert (info["input_complete"], info["photos_damaged"], info["photos_without_time"]) == (False, 1, 1)
    assert info["not_read"] == [{"file": "closed", "reason": "The folder cannot be read."}]
    assert info["collection"] == "card (0123456789)"


def test_numbers_that_are_none_are_an_error_and_never_written() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        _bytes([FileOutcome("1.jpg", detections=(_detection(float("inf")),))], None)
