"""Objects without a row are deleted, and an original that the store lost is asked for again."""

import os
from pathlib import Path
from uuid import UUID

from sqlalchemy import text

from expert.commands import examine
from expert.media_store import original_key
from expert.resources.tasks import describe_all
from expert.uploads.sweep_objects import delete_orphans, find_missing
from tests.support.make.bad_pictures import encoded
from tests.support.make.expert import Backend, Project

LONG_AGO = 1_000_000_000


async def _rows(backend: Backend, statement: str) -> list[tuple[object, ...]]:
    async with backend.work.db() as db:
        return [tuple(row) for row in await db.execute(text(statement))]


def _file(backend: Backend, key: str) -> Path:
    assert backend.work.settings.media_dir is not None
    return backend.work.settings.media_dir / key


async def _store(backend: Backend, key: str, *, old: bool = True) -> Path:
    await backend.work.media.put(key, b"bytes")
    if old:
        os.utime(_file(backend, key), (LONG_AGO, LONG_AGO))
    return _file(backend, key)


async def _missing(backend: Backend) -> list[tuple[object, ...]]:
    assert await find_missing(backend.work, None) is None
    return await _rows(backend, "select id from resources where object_missing_at is not null")


async def _announced_status(project: Project, data: bytes) -> str:
    reply = await project.owner.client.post("/api/uploads/", json=project.announced(data))
    return str(reply.json()["items"][0]["status"])


async def test_old_objects_without_a_row_are_deleted_and_no_others(backend: Backend) -> None:
    project = await backend.project(await backend.person())
    resource_id = await project.upload(b"kept")
    ((key,),) = await _rows(backend, "select object_key from resources")
    os.utime(_file(backend, str(key)), (LONG_AGO, LONG_AGO))
    await project.owner.client.post("/api/uploads/", json=project.announced(b"still to come"))
    ((coming,),) = await _rows(backend, "select sha256 from uploads where state = 'open'")
    kept = [
        _file(backend, str(key)),
        await _store(backend, original_key(project.id, str(coming), 0)),
        await _store(backend, original_key(project.id, "a" * 64, 0), old=False),
    ]
    orphans = [
        await _store(backend, original_key(project.id, "b" * 64, 0)),
        await _store(backend, f"thumbnails/{project.id}/cc/{'c' * 64}.0.jpg"),
    ]
    assert await delete_orphans(backend.work) == 2
    assert [path.exists() for path in (*kept, *orphans)] == [True, True, True, False, False]
    assert await _missing(backend) == []
    assert resource_id


async def test_lost_original_is_found_and_asked_for_at_the_next_upload(backend: Backend) -> None:
    project = await backend.project(await backend.person())
    data = encoded()
    resource_id = await project.upload(data)
    ((key,),) = await _rows(backend, "select object_key from resources")
    _file(backend, str(key)).unlink()
    await describe_all(backend.work)
    assert await _rows(backend, "select state, failure_code from resources") == [("unreadable", "media-unreachable")]
    assert await _announced_status(project, data) == "exists"
    assert await _missing(backend) == [(resource_id,)]
    broken = [check for check in await examine(backend.work) if not check["ok"]]
    assert [check["name"] for check in broken] == ["every original is in the store"]
    assert await _announced_status(project, data) != "exists"

    assert await project.upload(data) == resource_id
    assert _file(backend, str(key)).read_bytes() == data
    assert await _missing(backend) == []
    assert len(backend.messages.of("resources.describe")) == 2
    await describe_all(backend.work)
    assert await _rows(backend, "select state from resources") == [("described",)]


async def test_store_that_has_the_original_again_clears_the_mark(backend: Backend) -> None:
    project = await backend.project(await backend.person())
    resource_id: UUID = await project.upload(b"there and back")
    ((key,),) = await _rows(backend, "select object_key from resources")
    aside = _file(backend, str(key)).rename(_file(backend, "aside"))
    assert await _missing(backend) == [(resource_id,)]
    aside.rename(_file(backend, str(key)))
    assert await _missing(backend) == []
