"""Which folder is which deployment, which card is which visit, and runs side by side."""

import csv
import io
import json
import shutil
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.main_job.trapper import DEMO, MARKS, SAMPLE, Trapper, copy_anew
from tests.support.make.bad_pictures import encoded, scene, with_exif
from tests.support.make.maker_notes import hyperfire_2
from tests.support.make.spoiled_jpegs import DAMAGED
from tests.support.networks import colour_detector
from trapper_cli.runs.visits import collections_named
from trapper_client.client import TrapperClient
from trapper_client.stack import connect

pytestmark = MARKS

OVERFLOW = (
    "CAM01/100RECNX", "CAM01/101RECNX", "CAM02/100EK113", "CAM02/101EK113",
    "CAM03/100_BTCF", "CAM03/101_BTCF", "CAM04/DCIM/100MEDIA", "CAM04/DCIM/101MEDIA",
)  # fmt: skip


@pytest.fixture
def expert(stack: Trapper, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrapperClient]:
    monkeypatch.setenv("TRAPPER_STATE_DIR", str(stack.state_dir))
    with connect() as client:
        yield client


@cache
def small(number: int) -> bytes:
    """One of the sample's photos at the size that the demo detector looks at, with its EXIF."""
    image = Image.open(SAMPLE / "meadow" / f"IMG_{number:04}.JPG")
    content, exif = io.BytesIO(), image.getexif()
    image.resize((320, 240)).save(content, "JPEG", quality=90, exif=exif)
    return content.getvalue()


def photo(number: int, target: Path, mark: str) -> Path:
    """One of the sample's photos with bytes of its own."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(small(number) + mark.encode())
    return target


def deployments(expert: TrapperClient, collection: str) -> dict[str, str]:
    """The name of each file's deployment in the service."""
    project = next(iter(expert.research_projects())).id
    (found,) = collections_named(expert, project, collection)
    names = {each.id: each.deployment_id for each in expert.deployments(research_project_id=project)}
    return {each.file_path: names[each.deployment_id or ""] for each in expert.resources(collection_id=found.id)}


def test_overflow_folders_are_one_deployment_and_the_plan_comes_first(
    stack: Trapper, folder: Path, expert: TrapperClient
) -> None:
    for number, name in enumerate(OVERFLOW, start=1):
        photo(number, folder / "cards" / name / "IMG_0001.JPG", str(folder))
    jobs = stack.inferred()
    plan = stack("run", folder / "cards", "--dry-run", "--json").json
    assert stack.inferred() == jobs
    assert [(each["deployment"], each["photos"]) for each in plan["deployments"]] == [
        (f"CAM0{number}", 2) for number in range(1, 5)
    ]
    assert all(each["first"] <= each["last"] for each in plan["deployments"])
    report = stack.run(folder / "cards", *DEMO).json
    assert report["deployments"] == plan["deployments"]
    kept = deployments(expert, report["collection"])
    assert len(set(kept.values())) == 4
    assert all(name.startswith(path[:5]) for path, name in kept.items())


def test_the_plan_says_the_times_that_the_service_reads(stack: Trapper, folder: Path, expert: TrapperClient) -> None:
    note = with_exif({}, sub={0x927C: hyperfire_2(datetime.fromisoformat("2023-06-03T10:00:00"))})
    photos = {
        "A/maker.jpg": note,
        "A/modified.jpg": with_exif({0x0132: "2023:06:05 10:00:00"}),
        "A/230602100000.jpg": encoded(scene(64, 48)),
        "A/none.jpg": encoded(scene(48, 64)),
        "B/230601100000.jpg": encoded(scene(64, 64)),
        "B/230601100099.jpg": encoded(scene(80, 64)),
    }
    for name, content in photos.items():
        (folder / "cards" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "cards" / name).write_bytes(content + str(folder).encode())
    out = folder / "r.csv"
    plan = stack("run", folder / "cards", "--dry-run", "--json").json["deployments"]
    report = stack.run(folder / "cards", *DEMO, "--out", out).json
    assert report["deployments"] == plan
    assert [(each["first"], each["last"], each["time_sources"], each["without_time"]) for each in plan] == [
        ("2023-06-02T10:00:00", "2023-06-05T10:00:00", {"maker_note": 1, "exif_modified": 1, "filename": 1}, 1),
        (None, None, {}, 2),
    ]
    assert report["time_sources"] == {"maker_note": 1, "exif_modified": 1, "filename": 1}
    project = next(iter(expert.research_projects())).id
    (collection,) = collections_named(expert, project, report["collection"])
    described = {each.file_path: each for each in expert.resources(collection_id=collection.id)}
    times = sorted(str(each.recorded_at) for path, each in described.items() if path.startswith("A/"))
    assert times == ["2023-06-02 10:00:00", "2023-06-03 10:00:00", "2023-06-05 10:00:00", "None"]
    rows = list(csv.DictReader(io.StringIO(out.read_text("utf-8"))))
    assert {row["file"]: row["time_source"] for row in rows} == {
        path: each.time_source for path, each in described.items()
    }


def test_a_deployment_can_be_named_and_a_level_can_be_chosen(
    stack: Trapper, folder: Path, expert: TrapperClient
) -> None:
    for number, name in enumerate(("a/x", "a/y", "b/x"), start=1):
        photo(number, folder / "cards" / name / "1.jpg", str(folder))
    levels = stack("run", folder / "cards", "--deployments-from", "1", "--dry-run", "--json").json["deployments"]
    assert [each["deployment"] for each in levels] == ["a", "b"]
    report = stack.run(folder / "cards", *DEMO, "--deployment", "North ridge").json
    assert set(deployments(expert, report["collection"]).values()) == {"North ridge"}
    assert stack("run", folder / "cards", "--deployment", "x", "--deployments-from", "1").code == 2


def test_another_card_at_the_same_path_is_another_visit(stack: Trapper, folder: Path, expert: TrapperClient) -> None:
    card = folder / "card"
    for number in (1, 2, 3):
        photo(number, card / f"IMG_{number}.JPG", f"first {folder}")
    first = stack.run(card, *DEMO).json
    shutil.rmtree(card)
    for number in (1, 2, 3):
        photo(number + 3, card / f"IMG_{number}.JPG", f"second {folder}")
    answer = stack.run(card, *DEMO)
    second = answer.json
    assert (first["visit"], second["visit"], second["photos"]) == (1, 2, 3)
    assert "This folder held other photos before" in answer.text
    kept = [deployments(expert, report["collection"]) for report in (first, second)]
    assert [sorted(each) for each in kept] == [["IMG_1.JPG", "IMG_2.JPG", "IMG_3.JPG"]] * 2
    assert not set(kept[0].values()) & set(kept[1].values())
    assert stack.run(card, *DEMO).json["visit"] == 2


def test_the_same_bytes_at_two_places_are_one_photo(stack: Trapper, folder: Path) -> None:
    one = photo(1, folder / "cards" / "A" / "1.jpg", str(folder))
    (folder / "cards" / "B").mkdir()
    shutil.copy(one, folder / "cards" / "B" / "2.jpg")
    out = folder / "r.json"
    report = stack.run(folder / "cards", *DEMO, "--out", out).json
    assert (report["files"], report["photos"], report["uploaded"]) == (2, 1, 1)
    assert [each["files"] for each in report["duplicates"]] == [["A/1.jpg", "B/2.jpg"]]
    assert report["duplicates"][0]["counted_at"]["path"] == "A/1.jpg"
    assert [image["file"] for image in json.loads(out.read_bytes())["images"]] == ["A/1.jpg", "B/2.jpg"]


def test_a_damaged_photo_without_an_object_is_not_blank(stack: Trapper, folder: Path, expert: TrapperClient) -> None:
    card = folder / "card"
    blank = photo(20, card / "blank.jpg", str(folder))
    damaged = card / "damaged.jpg"
    damaged.write_bytes(
        DAMAGED["20 kB zeroed"]((SAMPLE / "meadow" / "IMG_0021.JPG").read_bytes()) + str(folder).encode()
    )
    out = [folder / "r.json", folder / "r.csv"]
    report = stack.run(card, *DEMO, "--out", out[0], "--out", out[1]).json
    assert {name: report[name] for name in ("photos", "blank", "animals", "damaged", "failed")} == {
        "photos": 2, "blank": 1, "animals": 0, "damaged": 1, "failed": 0,
    }  # fmt: skip
    document = json.loads(out[0].read_bytes())
    assert document["info"]["photos_damaged"] == 1
    assert [(image["file"], image.get("damaged")) for image in document["images"]] == [
        (blank.name, None),
        (damaged.name, True),
    ]
    rows = list(csv.DictReader(io.StringIO(out[1].read_text("utf-8"))))
    assert {row["file"]: (row["status"], row["damaged"], row["observation_type"]) for row in rows} == {
        blank.name: ("blank", "", "blank"),
        damaged.name: ("damaged", "yes", "unclassified"),
    }
    table = [" ".join(line.split()) for line in stack("run", card, *DEMO).text.splitlines()]
    assert {"Photos 2", "Blank 1", "Damaged, so not known to be blank 1"} <= set(table)
    project = next(iter(expert.research_projects())).id
    (collection,) = collections_named(expert, project, report["collection"])
    assert expert.collection_counts(collection.id).damaged == 1
    kept = {each.id: each.file_path for each in expert.resources(collection_id=collection.id)}
    seen = expert.observations(resource_id=list(kept), type=["ai"], current=True)
    assert {kept[each.resource_id]: each.observation_type for each in seen} == {
        blank.name: "blank",
        damaged.name: "unclassified",
    }


def test_a_run_over_no_photos_fails_and_leaves_the_results_as_they_are(stack: Trapper, folder: Path) -> None:
    out = folder / "r.json"
    card = folder / "card"
    photo(1, card / "1.jpg", str(folder))
    stack.run(card, *DEMO, "--out", out)
    before = out.read_bytes()
    (card / "1.jpg").unlink()
    answer = stack("run", card, *DEMO, "--out", out, "--json")
    assert answer.code == 1
    assert "There are no photos in" in answer.json["error"]
    (card / "1.jpg").write_bytes(b"")
    report = stack("run", card, *DEMO, "--out", out, "--json")
    assert (report.code, report.json["ok"]) == (1, False)
    assert out.read_bytes() == before


def settings(expert: TrapperClient) -> list[Any]:
    return [(each.object_detection_ai_model, each.species_ai_model) for each in expert.classification_projects()]


def test_two_runs_at_once_with_different_detectors_have_their_own_models(
    stack: Trapper, folder: Path, expert: TrapperClient
) -> None:
    weights = colour_detector(folder / "colours.onnx", size=96)
    added = stack("models", "add", weights, "--name", "colours", "--predictor", "yolov8", "--labels",
                  _labels(folder), "--map", "megadetector", "--json")  # fmt: skip
    assert added.code == 0, added.text
    before = settings(expert)
    sources = [SAMPLE / "meadow" / f"IMG_{number:04}.JPG" for number in range(1, 5)]
    runs = {}
    for detector in ("demo-detector", "colours"):
        copy_anew(sources, folder / detector, str(folder))
        runs[detector] = stack.start(
            "run", folder / detector, "--detector", detector, "--species", "none", "--json",
            "--out", folder / f"{detector}.json",
        )  # fmt: skip
    for detector, process in runs.items():
        answer = stack.finish(process)
        assert (answer.code, answer.json["ok"], answer.json["detector"]) == (0, True, detector), answer.text
    documents = {detector: json.loads((folder / f"{detector}.json").read_bytes()) for detector in runs}
    assert {detector: document["info"]["detector"] for detector, document in documents.items()} == {
        detector: detector for detector in runs
    }
    detections = {
        detector: [image["detections"] for image in document["images"]] for detector, document in documents.items()
    }
    assert all(each is not None for images in detections.values() for each in images)
    assert detections["demo-detector"] != detections["colours"]  # the same photos, each as its own detector saw them
    assert settings(expert) == before
    stack.assert_sound()


def _labels(folder: Path) -> Path:
    path = folder / "labels.txt"
    path.write_text("animal\nperson\nvehicle\n")
    return path
