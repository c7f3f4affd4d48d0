"""Small files that come as one body are kept or refused each alone, and are on the disk before the answer."""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text

from expert.uploads.receive_pack import LARGEST_FILE_BYTES, MOST_FILES
from expert.uploads.tasks import expire
from tests.support.make.expert import Backend, Project
from tests.support.power_cut import LossyFiles
from tests.support.system_calls import system_calls
from trapper_kit.objects import ObjectStore
from trapper_schemas.ids import uuid7

PHOTOS = [b"first" * 1000, b"second" * 1000, b"third" * 1000]


def packed(files: Sequence[tuple[UUID, bytes]], *, sizes: Sequence[int] | None = None) -> bytes:
    lengths = sizes or [len(data) for _, data in files]
    table = b"".join(struct.pack(">16sQ", id_.bytes, size) for (id_, _), size in zip(files, lengths, strict=True))
    return struct.pack(">I", len(files)) + table + b"".join(data for _, data in files)


async def announced(project: Project, photos: Sequence[bytes]) -> list[UUID]:
    ids: list[UUID] = []
    for number, data in enumerate(photos):
        body = project.announced(data, f"{number}.jpg", path=f"cam/{number}.jpg")
        answer = await project.owner.client.post("/api/uploads/", json=body)
        ids.append(UUID(answer.json()["items"][0]["upload_id"]))
    return ids


async def send(project: Project, body: bytes) -> list[dict[str, Any]]:
    answer = await project.owner.client.post("/api/uploads/pack/", content=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def stored(backend: Backend) -> list[bytes]:
    folder = backend.work.settings.media_dir
    assert folder is not None
    return sorted(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_a_pack_becomes_resources_in_their_collection(backend: Backend) -> None:
    project = await backend.project(await backend.person())
    ids = await announced(project, PHOTOS)
    items = await send(project, packed(list(zip(ids, PHOTOS, strict=True))))
    assert [(item["upload_id"], item["problem"]) for item in items] == [(str(id_), None) for id_ in ids]
    assert stored(backend) == sorted(PHOTOS)
    paths = (await project.owner.client.get(f"/api/collections/{project.collection_id}/paths/")).json()["items"]
    assert {path["path"]: path["resource_id"] for path in paths} == {
        f"cam/{number}.jpg": item["resource_id"] for number, item in enumerate(items)
    }
    assert len(backend.messages.of("resources.describe")) == 1
    again = await send(project, packed(list(zip(ids, PHOTOS, strict=True))))  # the first reply was lost
    assert [item["resource_id"] for item in again] == [item["resource_id"] for item in items]
    assert len(stored(backend)) == len(PHOTOS)


async def test_each_file_is_refused_alone(backend: Backend) -> None:
    project = await backend.project(await backend.person())
    (old,) = await announced(project, [b"too late"])
    async with backend.work.db() as db:
        await db.execute(text("update uploads set created_at = now() - interval '1 year'"))
    await expire(backend.work)
    good, changed, longer = await announced(project, PHOTOS)
    files = [(good, PHOTOS[0]), (uuid7(), b"?"), (old, b"too late"), (changed, b"x" * 6000), (longer, PHOTOS[2] + b"!")]
    items = await send(project, packed(files))
    assert [(item["problem"] or {}).get("type") for item in items] == [
        None,
        "upload-unknown",
        "upload-expired",
        "sha256-mismatch",
        "size-mismatch",
    ]
    assert [item["resource_id"] is None for item in items] == [False, True, True, True, True]
    assert stored(backend) == [PHOTOS[0]]
    assert (await send(project, packed([(changed, PHOTOS[1])])))[0]["problem"] is None


async def test_the_same_bytes_twice_in_a_pack_are_one_resource(backend: Backend) -> None:
    project = await backend.project(await backend.person())
    ids = await announced(project, [b"same", b"same"])
    items = await send(project, packed([(id_, b"same") for id_ in ids]))
    assert len({item["resource_id"] for item in items}) == 1
    assert stored(backend) == [b"same"]
    counts = (await project.owner.client.get(f"/api/collections/{project.collection_id}/counts/")).json()
    assert (counts["resources"], counts["paths"]) == (1, 2)


async def test_another_persons_upload_is_unknown(backend: Backend) -> None:
    project = await backend.project(await backend.person())
    other = await backend.project(await backend.person())
    (id_,) = await announced(project, [b"mine"])
    (item,) = await send(other, packed([(id_, b"mine")]))
    assert item["problem"]["type"] == "upload-unknown"
    assert stored(backend) == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "ends before"),
        (struct.pack(">I", 0), "1 to 100 files"),
        (struct.pack(">I", MOST_FILES + 1), "1 to 100 files"),
        (packed([(UUID(int=1), b"abc")])[:-1], "ends before"),
        (packed([(UUID(int=1), b"abc")]) + b"x", "goes on"),
        (packed([(UUID(int=1), b"a"), (UUID(int=1), b"a")]), "twice"),
        (packed([(UUID(int=1), b"")], sizes=[LARGEST_FILE_BYTES + 1]), "send larger ones alone"),
        (packed([(UUID(int=1), b"")], sizes=[2**64 - 1]), "send larger ones alone"),
    ],
)
async def test_a_pack_that_cannot_be_read_is_refused_whole(backend: Backend, body: bytes, problem: str) -> None:
    project = await backend.project(await backend.person())
    answer = await project.owner.client.post("/api/uploads/pack/", content=body)
    assert (answer.status_code, answer.json()["type"]) == (422, "pack-malformed")
    assert problem in answer.json()["detail"]
    assert stored(backend) == []


async def test_what_came_before_a_broken_end_is_not_kept(backend: Backend) -> None:
    project = await backend.project(await backend.person())
    ids = await announced(project, PHOTOS)
    body = packed(list(zip(ids, PHOTOS, strict=True)))
    answer = await project.owner.client.post("/api/uploads/pack/", content=body[:-10])
    assert answer.status_code == 422
    assert stored(backend) == []
    async with backend.work.db() as db:
        assert (await db.execute(text("select count(*) from resources"))).scalar_one() == 0
    assert all(item["problem"] is None for item in await send(project, body))


async def test_a_pack_is_synced_before_the_commit_and_the_answer(backend: Backend, tmp_path: Path) -> None:
    project = await backend.project(await backend.person())
    ids = await announced(project, PHOTOS)
    with system_calls(tmp_path) as calls:
        await send(project, packed(list(zip(ids, PHOTOS, strict=True))))
        calls.mark("answered")
    async with backend.work.db() as db:
        keys = (await db.scalars(text("select object_key from resources"))).all()
    assert len(keys) == len(PHOTOS)
    for key in keys:
        calls.assert_durable(key, "answered")


async def test_power_cut_leaves_no_file_of_a_pack_without_its_bytes(backend: Backend, tmp_path: Path) -> None:
    files = LossyFiles()
    backend.work.media = ObjectStore.open(tmp_path / "media", None, files)
    project = await backend.project(await backend.person())
    ids = await announced(project, PHOTOS)
    items = await send(project, packed(list(zip(ids, PHOTOS, strict=True))))
    files.cut()
    store = ObjectStore.open(tmp_path / "media", None)
    async with backend.work.db() as db:
        rows = (await db.execute(text("select id::text, object_key from resources"))).all()
    keys = {row[0]: row[1] for row in rows}
    assert [await store.read(keys[item["resource_id"]]) for item in items] == PHOTOS


async def test_announcing_what_is_there_takes_the_same_number_of_statements_for_any_number_of_files(
    backend: Backend,
) -> None:
    project = await backend.project(await backend.person())
    await send(project, packed(list(zip(await announced(project, PHOTOS), PHOTOS, strict=True))))
    deployment = await project.deployment()
    bodies = [project.announced(data, f"{number}.jpg") for number, data in enumerate(PHOTOS)]
    items = [{**body["items"][0], "deployment_id": deployment["id"]} for body in bodies]
    counted: list[int] = []
    for number in (1, 1, len(items)):  # the first also gives a file its deployment
        statements: list[str] = []

        def note(*arguments: Any, statements: list[str] = statements) -> None:
            statements.append(arguments[2])

        engine = backend.work.database.engine.sync_engine
        event.listen(engine, "before_cursor_execute", note)
        reply = await project.owner.client.post("/api/uploads/", json={**bodies[0], "items": items[:number]})
        event.remove(engine, "before_cursor_execute", note)
        assert {each["status"] for each in reply.json()["items"]} == {"exists"}
        assert {each["resource_deployment_id"] for each in reply.json()["items"]} == {deployment["id"]}
        counted.append(len(statements))
    assert counted[2] <= counted[0]
    assert counted[1] < counted[0]
