"""Times of resources follow their file, their folder, their deployment and its location."""

from datetime import datetime
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import event

from expert.commands import examine
from expert.resources import describe
from expert.resources.describe import describe_stored
from expert.resources.models import Resource
from expert.resources.read_picture import read_picture
from expert.resources.tasks import describe_all
from tests.support.make import bad_pictures as make
from tests.support.make.expert import Backend, Project, changed, made
from tests.support.make.maker_notes import hyperfire_2


async def listed(project: Project, **filters: Any) -> dict[str, dict[str, Any]]:
    answer = await project.owner.client.get("/api/resources/", params=filters)
    assert answer.status_code == 200, answer.text
    return {item["file_name"]: item for item in answer.json()["items"]}


def photo(number: int, taken: str | None = None, **tags: Any) -> bytes:
    sub = {0x9003: taken} if taken else {}
    return make.with_exif({0x010F: f"camera {number}"}, sub={**sub, **tags.pop("sub", {})})


async def location(project: Project, **fields: Any) -> dict[str, Any]:
    return await made(project.owner.client, "/api/locations/", {"research_project_id": str(project.id), **fields})


async def test_a_photo_dated_9999_is_described_without_a_time_beside_good_ones(backend: Backend):
    project = await backend.project(await backend.person())
    bad = photo(0, "9999:12:31 23:59:59", sub={0x9011: "-05:00"})
    await project.upload(bad, "bad.jpg")
    for number in range(1, 6):
        await project.upload(photo(number, f"2023:06:0{number} 10:00:00"), f"{number}.jpg")
    await describe_all(backend.work)
    found = await listed(project)
    assert {item["state"] for item in found.values()} == {"described"}
    assert (found["bad.jpg"]["captured_at"], found["bad.jpg"]["time_issue"]) == (None, "out_of_range")
    assert "9999-12-31" in found["bad.jpg"]["time_issue_message"]
    assert list(await listed(project, time_issue="out_of_range")) == ["bad.jpg"]
    assert list(await listed(project, has_time=False)) == ["bad.jpg"]
    counts = (await project.owner.client.get(f"/api/collections/{project.collection_id}/counts/")).json()
    assert (counts["resources"], counts["without_time"], counts["time_issues"]) == (6, 1, 1)


async def test_a_file_whose_description_raises_does_not_keep_the_others_waiting(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = await backend.project(await backend.person())
    bad = await project.upload(photo(0), "bad.jpg")
    await project.upload(photo(1), "good.jpg")
    digest = (await project.owner.client.get(f"/api/resources/{bad}/")).json()["sha256"]

    def read(data: bytes, **options: Any) -> Any:
        if sha256(data).hexdigest() == digest:
            raise OverflowError("date value out of range")
        return read_picture(data, **options)

    monkeypatch.setattr(describe, "read_picture", read)
    for _ in range(5):
        await describe_stored(backend.work, limit=10)
    states = {name: item["state"] for name, item in (await listed(project)).items()}
    assert states == {"bad.jpg": "unreadable", "good.jpg": "described"}


@pytest.mark.parametrize("body", [{"start_at": "9999-12-31T23:59:59-05:00"}, {"end_at": "1850-01-01T00:00:00Z"}])
async def test_a_deployment_with_a_time_out_of_range_is_refused(backend: Backend, body: dict[str, str]):
    project = await backend.project(await backend.person())
    given = {"research_project_id": str(project.id), "deployment_id": "D", **body}
    answer = await project.owner.client.post("/api/deployments/", json=given, headers={"Idempotency-Key": "1"})
    assert answer.status_code == 422
    deployment = await project.deployment()
    answer = await changed(project.owner.client, f"/api/deployments/{deployment['id']}/", body)
    assert answer.status_code == 422
    assert "1900" in answer.text


async def test_the_source_of_the_time_is_kept(backend: Backend):
    project = await backend.project(await backend.person())
    note = hyperfire_2(datetime(2023, 6, 3, 10))
    xmp = b'<x:xmpmeta><rdf:Description exif:DateTimeOriginal="2023-06-04T10:00:00+02:00"/></x:xmpmeta>'
    files = {
        "maker.jpg": make.with_exif({}, sub={0x927C: note}),
        "xmp.jpg": make.encoded(xmp=xmp),
        "modified.jpg": make.with_exif({0x0132: "2023:06:05 10:00:00"}),
        "20230606_100000.jpg": make.encoded(make.scene(320, 240)),
    }
    for name, data in files.items():
        await project.upload(data, name)
    await describe_all(backend.work)
    sources = {
        name: (item["time_source"], (item["recorded_at"] or "")[8:10]) for name, item in (await listed(project)).items()
    }
    assert sources == {
        "maker.jpg": ("maker_note", "03"),
        "xmp.jpg": ("xmp", "04"),
        "modified.jpg": ("exif_modified", "05"),
        "20230606_100000.jpg": ("filename", "06"),
    }


async def test_a_name_that_makes_no_sense_takes_back_the_times_of_its_folder(backend: Backend):
    project = await backend.project(await backend.person())
    first = await project.upload(photo(1), "cam/230615143000.jpg", path="cam/230615143000.jpg")
    await project.upload(photo(2), "other/230615143000.jpg", path="other/230615143000.jpg")
    await describe_all(backend.work)
    assert {item["time_source"] for item in (await listed(project)).values()} == {"filename"}
    await project.upload(photo(3), "cam/230615143099.jpg", path="cam/230615143099.jpg")
    await describe_all(backend.work)
    found = await listed(project)
    assert found["cam/230615143000.jpg"]["captured_at"] is None
    assert found["other/230615143000.jpg"]["captured_at"] == "2023-06-15T14:30:00Z"
    row = (await project.owner.client.get(f"/api/resources/{first}/")).json()
    assert (row["recorded_at"], row["time_source"]) == (None, "none")
    assert all(check["ok"] for check in await examine(backend.work))


async def test_two_cards_with_the_same_folder_are_two_folders(backend: Backend):
    project = await backend.project(await backend.person())
    for number, (card, name) in enumerate((("A", "230615143000.jpg"), ("B", "230615143099.jpg"))):
        deployment = await project.deployment(deployment_id=card)
        await project.upload(photo(number), name, path=name, deployment_id=deployment["id"])
    await describe_all(backend.work)
    sources = {name: item["time_source"] for name, item in (await listed(project)).items()}
    assert sources == {"230615143000.jpg": "filename", "230615143099.jpg": "none"}


async def test_names_of_a_folder_are_read_once_however_many_files_it_has(backend: Backend):
    project = await backend.project(await backend.person())
    for number in range(12):
        await project.upload(photo(number), f"20230601_1000{number:02}.jpg")
    await project.upload(photo(99, "2023:06:02 10:00:00"), "IMG_0001.jpg")
    readings: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "FOR UPDATE" in statement and "resources.folder_print = " in statement:
            readings.append(statement)

    async with backend.work.db() as db:
        engine = (await db.connection()).engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    await describe_all(backend.work)
    event.remove(engine, "before_cursor_execute", note)
    found = await listed(project)
    assert len(readings) == 1
    assert [item["time_source"] for item in found.values()].count("filename") == 12
    assert found["20230601_100011.jpg"]["recorded_at"] == "2023-06-01T10:00:11"


async def test_an_hour_that_came_twice_is_told_apart_whatever_the_order_of_reading(backend: Backend):
    project = await backend.project(await backend.person())
    place = await location(project, location_id="L", time_zone="Europe/Warsaw")
    camera = (await project.deployment(location_id=place["id"]))["id"]
    times = {"IMG_9.JPG": "02:55", "IMG_10.JPG": "02:05", "IMG_11.JPG": "03:01"}
    for number, name in enumerate(("IMG_10.JPG", "IMG_11.JPG", "IMG_9.JPG")):
        await project.upload(photo(number, f"2023:10:29 {times[name]}:00"), name, deployment_id=camera)
        await describe_all(backend.work)
        if name == "IMG_10.JPG":
            assert list(await listed(project, time_issue="ambiguous")) == [name]
    found = await listed(project)
    moments = [found[name]["captured_at"] for name in times]
    assert moments == ["2023-10-29T00:55:00Z", "2023-10-29T01:05:00Z", "2023-10-29T02:01:00Z"]
    assert {item["time_issue"] for item in found.values()} == {None}
    await project.upload(photo(9, "2023:03:26 02:30:00"), "gap.jpg", deployment_id=camera)
    await describe_all(backend.work)
    assert list(await listed(project, time_issue="nonexistent")) == ["gap.jpg"]


async def test_times_follow_a_deployment_that_gets_a_location_and_a_location_that_changes(backend: Backend):
    project = await backend.project(await backend.person())
    client = project.owner.client
    camera = await project.deployment(start_at="2023-07-01T00:00:00+02:00")
    path = f"/api/deployments/{camera['id']}/"
    await project.upload(photo(1, "2023:07:01 12:00:00"), "a.jpg", deployment_id=camera["id"])
    await project.upload(photo(2, "2023:07:01 12:00:00", sub={0x9011: "+05:00"}), "b.jpg", deployment_id=camera["id"])
    await describe_all(backend.work)
    assert (await listed(project))["a.jpg"]["captured_at"] == "2023-07-01T12:00:00Z"
    place = await location(project, location_id="L", time_zone="Europe/Warsaw")
    answer = (await changed(client, path, {"location_id": place["id"]})).json()
    assert (answer["resources_changed"], answer["observations_changed"]) == (1, 0)
    found = await listed(project)
    assert (found["a.jpg"]["captured_at"], found["a.jpg"]["offset_source"]) == ("2023-07-01T10:00:00Z", "place")
    assert (found["b.jpg"]["captured_at"], found["b.jpg"]["offset_source"]) == ("2023-07-01T07:00:00Z", "file")
    answer = (await changed(client, f"/api/locations/{place['id']}/", {"ignore_dst": True})).json()
    assert answer["resources_changed"] == 1
    assert (await listed(project))["a.jpg"]["captured_at"] == "2023-07-01T11:00:00Z"
    answer = (await changed(client, f"/api/locations/{place['id']}/", {"name": "hill"})).json()
    assert answer["resources_changed"] == 0
    answer = (await changed(client, path, {"start_at": "2023-07-01T12:00:00+02:00"})).json()
    assert answer["resources_changed"] == 1
    assert list(await listed(project, outside_deployment=True)) == ["b.jpg"]
    assert (await changed(client, path, {"start_at": None, "location_id": None})).json()["resources_changed"] == 2
    assert await listed(project, outside_deployment=True) == {}


async def test_a_deployment_learnt_at_a_second_upload_gives_its_clock_and_the_reply_says_so(backend: Backend):
    project = await backend.project(await backend.person())
    place = await location(project, location_id="L", time_zone="Europe/Warsaw")
    camera = (await project.deployment(location_id=place["id"]))["id"]
    data = photo(1, "2023:07:01 12:00:00")
    await project.upload(data, "a.jpg")
    await describe_all(backend.work)
    again = project.announced(data, "card/a.jpg", deployment_id=camera)
    begun = (await project.owner.client.post("/api/uploads/", json=again)).json()
    assert (begun["resources_changed"], begun["items"][0]["resource_deployment_id"]) == (1, camera)
    assert (await listed(project))["a.jpg"]["captured_at"] == "2023-07-01T10:00:00Z"
    begun = (await project.owner.client.post("/api/uploads/", json=again)).json()
    assert begun["resources_changed"] == 0


async def test_a_persons_time_counts_before_the_cameras_and_can_be_taken_back(backend: Backend):
    project = await backend.project(await backend.person())
    resource_id = await project.upload(photo(1, "2023:07:01 12:00:00"), "a.jpg")
    await describe_all(backend.work)
    path = f"/api/resources/{resource_id}/"
    answer = (await changed(project.owner.client, path, {"time_override": "2024-01-01T00:00:00+01:00"})).json()
    assert (answer["captured_at"], answer["recorded_at"]) == ("2023-12-31T23:00:00Z", "2023-07-01T12:00:00")
    answer = (await changed(project.owner.client, path, {"time_override": None})).json()
    assert answer["captured_at"] == "2023-07-01T12:00:00Z"
    assert (await changed(project.owner.client, path, {"time_override": "9999-01-01T00:00:00Z"})).status_code == 422
    async with backend.work.db() as db:
        row = await db.get_one(Resource, resource_id)
    assert row.version == answer["version"]
