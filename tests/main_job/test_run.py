"""The main job: a folder of photos in, results out, and nothing done twice."""

import csv
import io
import json
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.main_job.boxes import is_seen
from tests.main_job.conftest import FirstRun
from tests.main_job.md_rules import broken_rules
from tests.main_job.trapper import DEMO, MARKS, SAMPLE, Trapper, copy_anew
from tests.support.shared_data import shared_data

pytestmark = MARKS

CATEGORY = {"animal": "1", "human": "2", "vehicle": "3"}


@pytest.fixture
def results(first_run: FirstRun) -> dict[str, Any]:
    return json.loads(first_run.results)


def test_our_reading_of_the_rules_accepts_the_published_example() -> None:
    assert broken_rules(json.loads(shared_data("md_json", "spec_example_1.6.json").read_text("utf-8"))) == []


def test_our_reading_of_the_rules_refuses_what_breaks_them(results: dict[str, Any]) -> None:
    seen = next(image for image in results["images"] if image["detections"])
    for wrong in ({"conf": 1.2}, {"category": "9"}, {"bbox": [0.5, 0.5, 0.6, 0.1]}, {"classifications": [["99", 0.5]]}):
        image = {**seen, "detections": [{**seen["detections"][0], **wrong}]}
        assert broken_rules({**results, "images": [image]}), wrong
    for image in ({"file": "1.jpg"}, {"file": "1.jpg", "failure": ""}, {**seen, "failure": "No."}):
        assert broken_rules({**results, "images": [image]}), image
    assert broken_rules({**results, "images": [seen, seen]})


def test_the_results_are_valid_and_name_every_photo_once_in_order(first_run: FirstRun, results: dict[str, Any]) -> None:
    assert broken_rules(results) == []
    assert [image["file"] for image in results["images"]] == first_run.files
    assert results["detection_categories"] == {"1": "animal", "2": "person", "3": "vehicle"}
    assert results["info"]["detector"].startswith("demo-")
    assert results["info"]["classifier"].startswith("demo-")
    scores = [detection["conf"] for image in results["images"] for detection in image["detections"]]
    assert min(scores) >= 0.1
    assert not [image for image in results["images"] if "failure" in image]


def test_most_objects_are_found_where_they_were_drawn_and_blanks_are_blank(results: dict[str, Any]) -> None:
    seen = {image["file"]: image["detections"] for image in results["images"]}
    truth = json.loads((SAMPLE.parent / "sample.json").read_text("utf-8"))["photos"]
    drawn = [(photo["file"], box) for photo in truth if photo["file"] in seen for box in photo["boxes"]]
    place = ("x", "y", "width", "height")
    found = [is_seen(CATEGORY[box["category"]], [box[side] for side in place], seen[file]) for file, box in drawn]
    assert len(drawn) >= 10
    assert sum(found) >= 0.8 * len(found)
    blank = [photo["file"] for photo in truth if photo["file"] in seen and not photo["boxes"]]
    assert blank
    assert not [file for file in blank if any(detection["conf"] >= 0.5 for detection in seen[file])]


def test_the_species_is_the_drawn_one_for_most_animals(results: dict[str, Any]) -> None:
    truth = {photo["file"]: photo for photo in json.loads((SAMPLE.parent / "sample.json").read_text("utf-8"))["photos"]}
    labels = results["classification_categories"]
    right = [
        labels[best["classifications"][0][0]] in {box["species"] for box in truth[image["file"]]["boxes"]}
        for image in results["images"]
        for best in image["detections"][:1]
        if best["category"] == "1" and best["conf"] >= 0.5
    ]
    assert len(right) >= 5
    assert sum(right) >= 0.8 * len(right)


def test_the_report_and_the_table_tell_the_same(first_run: FirstRun) -> None:
    report = first_run.answer.json
    assert (report["photos"], report["uploaded"], report["failed"]) == (12, 12, 0)
    rows = list(csv.DictReader(io.StringIO(first_run.table.decode("utf-8"), newline="")))
    assert sorted({row["file"] for row in rows}) == first_run.files
    for told, kind in (("animals", "animal"), ("humans", "human"), ("vehicles", "vehicle"), ("blank", "blank")):
        assert len({row["file"] for row in rows if row["observation_type"] == kind}) == report[told]


def test_events_are_counted_from_the_gaps_of_each_camera(first_run: FirstRun) -> None:
    rows = csv.DictReader(io.StringIO(first_run.table.decode("utf-8"), newline=""))
    times = {(row["deployment"], row["file"]): datetime.fromisoformat(row["captured_at"]) for row in rows}
    events = 0
    for deployment in {name for name, _ in times}:
        of_camera = sorted(at for (name, _), at in times.items() if name == deployment)
        events += 1 + sum(later - earlier > timedelta(seconds=120) for earlier, later in pairwise(of_camera))
    assert first_run.answer.json["events"] == events > 1


def test_a_second_run_gives_the_same_bytes_and_does_nothing_twice(stack: Trapper, first_run: FirstRun) -> None:
    before = stack.inferred()
    again = stack.place / "again.json"
    report = stack.run(first_run.photos, *DEMO, "--out", again).json
    assert again.read_bytes() == first_run.results
    assert report["uploaded"] == 0
    assert stack.inferred() == before


def test_one_new_photo_is_all_that_is_looked_at(stack: Trapper, first_run: FirstRun, folder: Any) -> None:
    photos = folder / "card"
    copy_anew([first_run.photos / file for file in first_run.files[:2]], photos, "")
    stack.run(photos, *DEMO)
    before = len(stack.inferred())
    copy_anew([first_run.photos / first_run.files[0]], photos / "new", "one more")
    out = folder / "results.json"
    report = stack.run(photos, *DEMO, "--out", out).json
    assert (report["photos"], report["uploaded"]) == (3, 1)
    assert len(stack.inferred()) == before + 2  # one batch in one job
    images = json.loads(out.read_text())["images"]
    assert len(images) == 3
    assert all(image["detections"] is not None for image in images)
    assert len({json.dumps(image["detections"]) for image in images}) == 2  # the copy shows what its source shows


def test_photos_become_jobs_while_others_are_uploaded(stack: Trapper, folder: Path) -> None:
    """A large folder is no single job that begins when all of it is there."""
    picture = next(SAMPLE.rglob("*.JPG")).read_bytes()
    for number in range(600):
        comment = f"{folder} {number:04}".encode()
        marker = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
        (folder / f"IMG_{number:04}.JPG").write_bytes(picture[:2] + marker + picture[2:])
    report = stack.run(folder, *DEMO).json
    assert report["looked_at"] == 600
    jobs = stack.expert_rows(
        "select total, created_at < (select max(created_at) from resources) from ai_classification_jobs"
        " where linked_collection_id = (select id from classification_project_collections order by id desc limit 1)"
        " order by id"
    )
    assert sum(int(total) for total, _ in jobs) == 600
    assert 2 <= len(jobs) <= 12
    assert jobs[0][1] == "t"
