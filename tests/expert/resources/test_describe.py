"""A stored resource becomes described or unreadable, whatever is killed in between."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from PIL import Image

from expert.audit.queries import offenders
from expert.commands import INVARIANTS, examine
from expert.resources import queries_descriptions as queries
from expert.resources.describe import describe_stored
from expert.resources.models import Resource
from expert.resources.read_picture import PictureFacts, read_picture
from expert.resources.record_descriptions import Description, record_descriptions
from expert.resources.state import ResourceKind, ResourceState
from expert.resources.tasks import describe, describe_all
from tests.support.make import bad_pictures as make
from tests.support.make.expert import Backend
from trapper_kit.objects import StorageFull, StorageUnavailable
from trapper_kit.pictures.read_time import TimeSource
from trapper_schemas.v1.results import FailureCode


async def read(backend: Backend, resource_id: UUID) -> Resource:
    async with backend.work.db() as db:
        return await db.get_one(Resource, resource_id)


async def test_a_picture_is_described_with_time_sides_and_thumbnail(backend: Backend):
    project = await backend.project(await backend.person())
    data = make.with_exif({0x010F: "RECONYX", 0x0112: 6}, sub={0x9003: "2023:06:01 10:11:12", 0x9011: "+02:00"})
    resource_id = await project.upload(data, "RCNX0001.JPG")
    assert len(backend.messages.of("resources.describe")) == 1
    await describe(backend.work)
    told = (await project.owner.client.get(f"/api/resources/{resource_id}/")).json()
    assert (told["state"], told["media_type"], told["kind"]) == ("described", "image/jpeg", "image")
    assert (told["width"], told["height"]) == (480, 640)
    assert (told["recorded_at"], told["recorded_offset_seconds"]) == ("2023-06-01T10:11:12", 7200)
    assert (told["captured_at"], told["time_source"]) == ("2023-06-01T08:11:12Z", "exif")
    assert told["exif"]["Make"] == "RECONYX"
    assert backend.messages.of("jobs.cover")
    small = await project.owner.client.get(f"/api/media/{resource_id}/thumbnail")
    assert (small.status_code, small.headers["content-type"]) == (200, "image/jpeg")


async def test_a_place_gives_its_time_zone_to_a_camera_without_one(backend: Backend):
    project = await backend.project(await backend.person())
    place = await project.owner.client.post(
        "/api/locations/",
        json={"research_project_id": str(project.id), "location_id": "L1", "time_zone": "Europe/Warsaw"},
        headers={"Idempotency-Key": "1"},
    )
    deployment = await project.deployment(location_id=place.json()["id"])
    resource_id = await project.upload(make.encoded(), "20230701_120000.jpg", deployment_id=deployment["id"])
    await describe_all(backend.work)
    row = await read(backend, resource_id)
    assert row.captured_at is not None
    assert (row.captured_at.hour, row.recorded_offset_seconds, row.time_source) == (10, 7200, TimeSource.FILENAME)


async def test_a_picture_without_a_time_gets_none(backend: Backend):
    project = await backend.project(await backend.person())
    resource_id = await project.upload(make.encoded(), "IMG_0001.JPG")
    await describe_all(backend.work)
    row = await read(backend, resource_id)
    assert (row.state, row.time_source) == (ResourceState.DESCRIBED, TimeSource.NONE)
    assert (row.recorded_at, row.captured_at) == (None, None)


async def test_bad_files_end_as_unreadable_each_for_itself_and_the_rest_goes_on(backend: Backend):
    project = await backend.project(await backend.person())
    wanted = {
        (b"", "empty.jpg"): FailureCode.EMPTY_FILE,
        (b"just text", "text.jpg"): FailureCode.UNDECODABLE,
        (make.png_bomb(), "bomb.png"): FailureCode.TOO_MANY_PIXELS,
        (make.mp4(), "clip.jpg"): FailureCode.UNSUPPORTED_MEDIA,
        (bytes(range(256)), "noise.webp"): FailureCode.UNDECODABLE,
    }
    bad = {await project.upload(data, name): code for (data, name), code in wanted.items()}
    damaged = await project.upload(make.truncated(), "cut.jpg")
    misnamed = await project.upload(make.encoded(kind="PNG"), "really-a-png.jpg")
    await describe_all(backend.work)
    for resource_id, code in bad.items():
        row = await read(backend, resource_id)
        assert (row.state, row.failure_code) == (ResourceState.UNREADABLE, code)
        assert row.failure_message
        assert (await project.owner.client.get(f"/api/media/{resource_id}/thumbnail")).status_code == 404
    assert (await read(backend, damaged)).is_damaged
    assert (await read(backend, misnamed)).media_type == "image/png"
    counts = (await project.owner.client.get(f"/api/collections/{project.collection_id}/counts/")).json()
    assert (counts["resources"], counts["stored"], counts["described"], counts["unreadable"]) == (7, 0, 2, 5)
    assert (counts["paths"], counts["unreadable_paths"], counts["damaged"]) == (7, 5, 1)
    assert all(check["ok"] for check in await examine(backend.work))


async def test_a_clip_is_kept_as_a_video_that_is_not_supported_yet(backend: Backend):
    project = await backend.project(await backend.person())
    resource_id = await project.upload(make.mp4(), "clip.mp4")
    await describe_all(backend.work)
    row = await read(backend, resource_id)
    assert (row.kind, row.media_type) == (ResourceKind.VIDEO, "video/mp4")
    assert row.failure_message == "video is not supported yet"


async def test_describing_twice_at_once_writes_once(backend: Backend):
    project = await backend.project(await backend.person())
    resource_id = await project.upload(make.encoded())
    await asyncio.gather(*(describe_all(backend.work) for _ in range(4)))
    row = await read(backend, resource_id)
    assert (row.state, row.describe_attempts) == (ResourceState.DESCRIBED, 1)
    await describe_all(backend.work)
    assert (await read(backend, resource_id)).described_at == row.described_at


async def test_slow_file_keeps_its_claim_while_it_is_read(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    project = await backend.project(await backend.person())
    resource_id = await project.upload(make.encoded())
    intervals = backend.work.settings.intervals.model_copy(update={"describe_claim": 0.4})
    work = replace(backend.work, settings=backend.work.settings.model_copy(update={"intervals": intervals}))
    read_quickly, may_go_on = work.media.read, asyncio.Event()

    async def read_slowly(key: str) -> bytes:
        await may_go_on.wait()
        return await read_quickly(key)

    monkeypatch.setattr(work.media, "read", read_slowly)
    slow = asyncio.create_task(describe_stored(work, limit=10))
    for _ in range(6):  # three claims long
        await asyncio.sleep(0.2)
        assert await claim(backend, is_first_attempt=False, holds=timedelta(minutes=1)) == []
    may_go_on.set()
    assert await slow == 1
    row = await read(backend, resource_id)
    assert (row.state, row.describe_attempts) == (ResourceState.DESCRIBED, 1)


async def claim(backend: Backend, *, is_first_attempt: bool, holds: timedelta) -> list[Resource]:
    async with backend.work.db() as db:
        return list(await queries.claim_descriptions(db, limit=10, is_first_attempt=is_first_attempt, holds=holds))


async def test_a_file_that_kills_its_process_is_given_up_and_its_batch_is_not(backend: Backend):
    project = await backend.project(await backend.person())
    deadly, *others = [await project.upload(make.with_exif({0x010F: f"camera {number}"})) for number in range(4)]
    claimed = await claim(backend, is_first_attempt=True, holds=timedelta(0))  # and the process is killed
    assert {resource.describe_attempts for resource in claimed} == {1}
    for _ in others:
        async with backend.work.db() as db:
            (await db.get_one(Resource, deadly)).describe_claimed_until = datetime.now(UTC) + timedelta(hours=1)
        assert await describe_stored(backend.work, limit=10) == 1
    assert {(await read(backend, id_)).state for id_ in others} == {ResourceState.DESCRIBED}
    async with backend.work.db() as db:
        (await db.get_one(Resource, deadly)).describe_claimed_until = None
    for attempt in (2, 3):
        (alone,) = await claim(backend, is_first_attempt=False, holds=timedelta(0))
        assert alone.describe_attempts == attempt
    assert await describe_stored(backend.work, limit=10) == 1
    row = await read(backend, deadly)
    assert (row.state, row.failure_code) == (ResourceState.UNREADABLE, FailureCode.UNDECODABLE)
    assert row.failure_message == "reading this file failed 3 times, or ended the reading process"


async def test_a_claim_holds_until_it_is_over_and_its_former_holder_records_nothing(backend: Backend):
    project = await backend.project(await backend.person())
    resource_id = await project.upload(make.encoded())
    (first,) = await claim(backend, is_first_attempt=True, holds=timedelta(minutes=1))
    assert await claim(backend, is_first_attempt=False, holds=timedelta(minutes=1)) == []
    async with backend.work.db() as db:
        (await db.get_one(Resource, resource_id)).describe_claimed_until = first.created_at
    await describe_all(backend.work)
    await record_descriptions(backend.work, [Description(first, {"state": ResourceState.UNREADABLE})])
    assert (await read(backend, resource_id)).state is ResourceState.DESCRIBED


async def test_what_the_database_refuses_of_one_file_does_not_keep_the_others_waiting(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
):
    project = await backend.project(await backend.person())
    ids = {
        await project.upload(make.encoded(Image.new("RGB", (640, 480 + number))), f"{number}.jpg"): number
        for number in range(3)
    }

    def read_wide(data: bytes, **options: Any) -> Any:
        facts = read_picture(data, **options)
        return replace(facts, width=-1) if isinstance(facts, PictureFacts) and facts.height == 481 else facts

    with monkeypatch.context() as patched:
        patched.setattr("expert.resources.describe.read_picture", read_wide)
        assert await describe_stored(backend.work, limit=10) == 2
    states = {number: (await read(backend, id_)).state for id_, number in ids.items()}
    assert states == {0: ResourceState.DESCRIBED, 1: ResourceState.STORED, 2: ResourceState.DESCRIBED}
    await describe_all(backend.work)
    assert {(await read(backend, id_)).state for id_ in ids} == {ResourceState.DESCRIBED}


async def test_a_store_that_is_away_costs_no_attempt(backend: Backend, monkeypatch: pytest.MonkeyPatch):
    project = await backend.project(await backend.person())
    resource_id = await project.upload(make.encoded())

    async def away(*_: object) -> bytes:
        raise StorageUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(backend.work.media, "read", away)
        with pytest.raises(StorageUnavailable):  # the actor hears of it, to try again
            await describe_all(backend.work)
    row = await read(backend, resource_id)
    assert (row.state, row.describe_attempts, row.describe_claimed_until) == (ResourceState.STORED, 0, None)
    await describe_all(backend.work)
    assert (await read(backend, resource_id)).state is ResourceState.DESCRIBED


async def test_no_room_for_a_thumbnail_leaves_the_resource_for_the_sweep(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
):
    project = await backend.project(await backend.person())
    resource_id = await project.upload(make.encoded())

    async def full(*_: object) -> None:
        raise StorageFull

    with monkeypatch.context() as patched:
        patched.setattr(backend.work.media, "put_all", full)
        with pytest.raises(StorageFull):
            await describe_all(backend.work)
    assert (await read(backend, resource_id)).state is ResourceState.STORED
    await describe_all(backend.work)
    assert (await read(backend, resource_id)).state is ResourceState.DESCRIBED


async def test_a_missing_object_is_told_and_not_searched_for_ever(backend: Backend):
    project = await backend.project(await backend.person())
    resource_id = await project.upload(make.encoded())
    await backend.work.media.delete((await read(backend, resource_id)).object_key)
    await describe_all(backend.work)
    row = await read(backend, resource_id)
    assert (row.state, row.failure_code) == (ResourceState.UNREADABLE, FailureCode.MEDIA_UNREACHABLE)


async def test_every_invariant_is_a_statement_that_runs(backend: Backend):
    assert len(INVARIANTS) > 10
    async with backend.work.db() as db:
        for statement in INVARIANTS.values():
            assert await offenders(db, statement) == []
