"""An upload is on the disk before its row is committed and before its sender is answered."""

from pathlib import Path

import pytest
from sqlalchemy import text

from tests.support.make.expert import Backend
from tests.support.power_cut import LossyFiles
from tests.support.system_calls import system_calls
from trapper_kit.objects import ObjectStore

SMALL, LARGE = b"s" * 1000, b"L" * (3 << 20)


@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["written at once", "streamed"])
async def test_original_is_synced_before_the_commit_and_the_answer(
    backend: Backend, tmp_path: Path, data: bytes
) -> None:
    project = await backend.project(await backend.person())
    with system_calls(tmp_path) as calls:
        resource_id = await project.upload(data)
        calls.mark("answered")
    async with backend.work.db() as db:
        key = await db.scalar(text("select object_key from resources where id = :id"), {"id": resource_id})
    calls.assert_durable(key, "answered")


async def test_power_cut_leaves_no_committed_resource_without_its_bytes(backend: Backend, tmp_path: Path) -> None:
    files = LossyFiles()
    backend.work.media = ObjectStore.open(tmp_path / "media", None, files)
    project = await backend.project(await backend.person())
    sent = {await project.upload(data, f"{number}.jpg"): data for number, data in enumerate((SMALL, LARGE, b"third"))}
    files.cut()
    store = ObjectStore.open(tmp_path / "media", None)
    async with backend.work.db() as db:
        rows = (await db.execute(text("select id, object_key from resources"))).all()
    assert len(rows) == len(sent)
    for resource_id, key in rows:
        assert await store.read(key) == sent[resource_id]
