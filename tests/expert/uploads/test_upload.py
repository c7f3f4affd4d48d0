"""Bytes come in whole, once, and as announced; or nothing of them stays."""

import asyncio
import resource
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from expert.classification_projects.models import LinkedCollectionResource
from expert.collections.models import CollectionResource
from expert.commands import examine
from expert.resources.models import Resource
from expert.uploads.models import Upload
from expert.uploads.tasks import expire
from tests.support.make.expert import Backend, Project
from trapper_schemas.ids import uuid7


def stored(backend: Backend) -> list[Path]:
    folder = backend.work.settings.media_dir
    assert folder is not None
    return [path for path in folder.rglob("*") if path.is_file()]


async def begun(project: Project, data: bytes, name: str = "a.jpg", **changes: object) -> str:
    answer = await project.owner.client.post("/api/uploads/", json=project.announced(data, name, **changes))
    assert answer.status_code == 200, answer.text
    return answer.json()["items"][0]["upload_id"]


@pytest.mark.parametrize("size", [0, 1, 100_000, 17 << 20])
async def test_an_original_is_one_plain_file_with_its_own_bytes_once(backend: Backend, size: int):
    project = await backend.project(await backend.person())
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    resource_id = await project.upload(data)
    assert [path.read_bytes() for path in stored(backend)] == [data]
    assert await project.upload(data, "again.jpg") == resource_id
    assert len(stored(backend)) == 1


async def test_the_same_bytes_under_two_paths_are_one_resource_with_two_paths(backend: Backend):
    project = await backend.project(await backend.person())
    first = await project.upload(b"same", "a/1.jpg")
    second = await project.upload(b"same", "b/2.jpg")
    assert await project.upload(b"same", "b/2.jpg") == first == second
    paths = (await project.owner.client.get(f"/api/collections/{project.collection_id}/paths/")).json()["items"]
    assert [(one["path"], one["resource_id"]) for one in paths] == [("a/1.jpg", str(first)), ("b/2.jpg", str(first))]
    counts = (await project.owner.client.get(f"/api/collections/{project.collection_id}/counts/")).json()
    assert (counts["resources"], counts["paths"]) == (1, 2)


async def test_the_same_bytes_in_two_projects_are_two_resources(backend: Backend):
    ann = await backend.person()
    one, two = await backend.project(ann), await backend.project(ann)
    assert await one.upload(b"same") != await two.upload(b"same")


async def test_a_body_with_another_hash_leaves_nothing_and_may_be_sent_again(backend: Backend):
    project = await backend.project(await backend.person())
    upload_id = await begun(project, b"right")
    refused = await project.owner.client.put(f"/api/uploads/{upload_id}/content", content=b"wrong")
    assert (refused.status_code, refused.json()["type"]) == (422, "sha256-mismatch")
    assert sha256(b"wrong").hexdigest() in refused.json()["detail"]
    assert stored(backend) == []
    async with backend.work.db() as db:
        assert (await db.scalars(select(Resource))).all() == []
    answer = await project.owner.client.put(f"/api/uploads/{upload_id}/content", content=b"right")
    assert answer.status_code == 200


@pytest.mark.parametrize("body", [b"shor", b"longer than announced"])
async def test_a_body_of_another_length_leaves_nothing(backend: Backend, body: bytes):
    project = await backend.project(await backend.person())
    upload_id = await begun(project, b"right")
    refused = await project.owner.client.put(f"/api/uploads/{upload_id}/content", content=body)
    assert (refused.status_code, refused.json()["type"]) == (422, "size-mismatch")
    assert stored(backend) == []


async def test_a_body_that_is_too_long_is_not_read_to_its_end(backend: Backend):
    project = await backend.project(await backend.person())
    upload_id = await begun(project, b"x" * 1000)
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1
            yield b"x" * 1000

    refused = await project.owner.client.put(f"/api/uploads/{upload_id}/content", content=endless())
    assert refused.json()["type"] == "size-mismatch"
    assert sent < 10


async def test_a_large_body_with_another_hash_leaves_nothing(backend: Backend):
    project = await backend.project(await backend.person())
    data = b"x" * (17 << 20)
    upload_id = await begun(project, data)
    refused = await project.owner.client.put(f"/api/uploads/{upload_id}/content", content=data[:-1] + b"y")
    assert refused.json()["type"] == "sha256-mismatch"
    assert stored(backend) == []


@pytest.mark.parametrize("size", [2 << 20, 20 << 20])
async def test_a_full_disk_is_said_and_nothing_is_half_written(backend: Backend, size: int):
    project = await backend.project(await backend.person())
    data = b"z" * size
    upload_id = await begun(project, data)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    try:
        answer = await project.owner.client.put(f"/api/uploads/{upload_id}/content", content=data)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (answer.status_code, answer.json()["type"]) == (507, "storage-full")
    assert stored(backend) == []
    async with backend.work.db() as db:
        assert (await db.scalars(select(Resource))).all() == []
    again = await project.owner.client.put(f"/api/uploads/{upload_id}/content", content=data)
    assert again.status_code == 200


async def test_sending_again_after_the_answer_was_lost_answers_the_same(backend: Backend):
    project = await backend.project(await backend.person())
    upload_id = await begun(project, b"data")
    first = await project.owner.client.put(f"/api/uploads/{upload_id}/content", content=b"data")
    second = await project.owner.client.put(f"/api/uploads/{upload_id}/content", content=b"data")
    assert first.json() == second.json()
    assert len(backend.messages.of("resources.describe")) == 1


async def test_many_senders_of_the_same_bytes_make_one_resource(backend: Backend):
    project = await backend.project(await backend.person())
    ids = await asyncio.gather(*(project.upload(b"same", f"{number}.jpg") for number in range(6)))
    assert len(set(ids)) == 1
    assert len(stored(backend)) == 1
    counts = (await project.owner.client.get(f"/api/collections/{project.collection_id}/counts/")).json()
    assert (counts["resources"], counts["paths"]) == (1, 6)


async def test_announcing_many_answers_in_their_order_what_is_there_and_what_is_missing(backend: Backend):
    project = await backend.project(await backend.person())
    there = await project.upload(b"there", "t.jpg")
    body = project.announced(b"new", "n.jpg")
    body["items"] += project.announced(b"there", "other/t.jpg")["items"]
    body["items"] += project.announced(b"new", "n.jpg")["items"]
    items = (await project.owner.client.post("/api/uploads/", json=body)).json()["items"]
    assert [one["status"] for one in items] == ["upload", "exists", "upload"]
    assert items[1]["resource_id"] == str(there)
    assert items[0]["upload_id"] == items[2]["upload_id"]
    again = (await project.owner.client.post("/api/uploads/", json=body)).json()["items"]
    assert again == items


async def test_a_promise_that_was_wrong_is_put_right_by_the_next_one(backend: Backend):
    project = await backend.project(await backend.person())
    first = await begun(project, b"data", size_bytes=9)
    second = await begun(project, b"data")
    assert first == second
    answer = await project.owner.client.put(f"/api/uploads/{second}/content", content=b"data")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "a\x00b.jpg", "new\nline.jpg", "x" * 240 + ".jpg", "\u202egpj.exe", "🦌 jeleń.jpg", "C:\\x"],
)
async def test_hostile_names_are_data_and_never_a_path(backend: Backend, name: str):
    project = await backend.project(await backend.person())
    resource_id = await project.upload(name.encode(), name)
    told = (await project.owner.client.get(f"/api/resources/{resource_id}/")).json()
    assert told["file_name"] == told["file_path"] == name.replace("\x00", "\ufffd")
    media = backend.work.settings.media_dir
    assert media is not None
    assert all(path.is_relative_to(media / "originals") for path in stored(backend))
    answer = await project.owner.client.get(f"/api/media/{resource_id}/original")
    assert answer.content == name.encode()


async def test_an_upload_into_a_linked_collection_is_known_to_the_link(backend: Backend):
    project = await backend.project(await backend.person())
    before = await project.upload(b"before")
    looking = await project.classification_project()
    link = await project.link(looking["id"])
    after = await project.upload(b"after")
    await project.upload(b"before", "again.jpg")
    async with backend.work.db() as db:
        rows = (await db.scalars(select(LinkedCollectionResource))).all()
    assert {(row.linked_collection_id, row.resource_id) for row in rows} == {
        (UUID(link["id"]), before),
        (UUID(link["id"]), after),
    }
    assert all(row.taken_at is None and row.ai_ended_at is None for row in rows)


async def test_linking_while_files_come_in_misses_none(backend: Backend):
    project = await backend.project(await backend.person())
    looking = await project.classification_project()
    results = await asyncio.gather(
        *(project.upload(f"file {number}".encode(), f"{number}.jpg") for number in range(4)),
        project.link(looking["id"]),
        *(project.upload(f"file {number}".encode(), f"{number}.jpg") for number in range(4, 8)),
    )
    assert len(results) == 9
    link = (await project.link(looking["id"]))["id"]
    counts = await project.owner.client.get(f"/api/classification-projects/{looking['id']}/collections/{link}/counts/")
    assert counts.json() == {"resources": 8, "taken": 0, "ai_ended": 0, "unreadable": 0}
    assert all(check["ok"] for check in await examine(backend.work))


async def test_a_deployment_of_another_project_is_refused_naming_the_item(backend: Backend):
    ann = await backend.person()
    project, other = await backend.project(ann), await backend.project(ann)
    elsewhere = (await other.deployment())["id"]
    answer = await ann.client.post("/api/uploads/", json=project.announced(b"x", deployment_id=elsewhere))
    assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (422, ["body", "items", 0, "deployment_id"])


async def test_a_deployment_that_was_unknown_is_learnt_from_a_later_upload(backend: Backend):
    project = await backend.project(await backend.person())
    deployment = (await project.deployment())["id"]
    resource_id = await project.upload(b"x")
    await project.upload(b"x", deployment_id=deployment)
    async with backend.work.db() as db:
        assert (await db.get_one(Resource, resource_id)).deployment_id == UUID(deployment)


async def test_a_collection_of_another_project_does_not_take_it(backend: Backend):
    ann = await backend.person()
    project, other = await backend.project(ann), await backend.project(ann)
    body = {**project.announced(b"x"), "collection_id": str(other.collection_id)}
    assert (await ann.client.post("/api/uploads/", json=body)).status_code == 404


async def test_an_upload_of_somebody_else_does_not_exist(backend: Backend):
    project = await backend.project(await backend.person())
    upload_id = await begun(project, b"x")
    other = await backend.person("other")
    assert (await other.client.put(f"/api/uploads/{upload_id}/content", content=b"x")).status_code == 404
    assert (await other.client.put(f"/api/uploads/{uuid7()}/content", content=b"x")).status_code == 404


async def test_a_promise_ends_and_can_be_made_again(backend: Backend):
    project = await backend.project(await backend.person())
    upload_id = await begun(project, b"x")
    backend.work.settings = backend.work.settings.model_copy(
        update={"intervals": backend.work.settings.intervals.model_copy(update={"upload_expiry": 0.001})}
    )
    await expire(backend.work)
    answer = await project.owner.client.put(f"/api/uploads/{upload_id}/content", content=b"x")
    assert (answer.status_code, answer.json()["type"]) == (410, "upload-expired")
    assert await begun(project, b"x") != upload_id


async def test_a_file_above_the_limit_is_refused_when_it_is_announced(backend: Backend):
    project = await backend.project(await backend.person())
    answer = await project.owner.client.post("/api/uploads/", json=project.announced(b"x", size_bytes=10**13))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "too-large")


async def test_a_thousand_files_are_announced_in_a_few_statements(backend: Backend):
    project = await backend.project(await backend.person())
    body = project.announced(b"0", "0.jpg")
    for number in range(1, 1000):
        body["items"] += project.announced(str(number).encode(), f"{number}.jpg")["items"]
    answer = await project.owner.client.post("/api/uploads/", json=body)
    assert len({one["upload_id"] for one in answer.json()["items"]}) == 1000
    async with backend.work.db() as db:
        assert len((await db.scalars(select(Upload.id))).all()) == 1000
        assert (await db.scalars(select(CollectionResource.id))).all() == []
