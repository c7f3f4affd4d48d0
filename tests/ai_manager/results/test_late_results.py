"""Results that come too late: remembered as a hash, some per worker and day, and never as bytes."""

import asyncio
from pathlib import Path

import pytest

from ai_manager.access.state import Scope
from ai_manager.batches.expire import expire_leases
from ai_manager.results.delete_blobs import delete_late_notes
from tests.support.make.ai_manager import Manager, job_request, manager_settings, opened_manager


@pytest.mark.parametrize("allowed", [2])
async def test_only_so_many_are_noted_per_worker_and_day(
    ai_manager_database_url: str, tmp_path: Path, allowed: int
) -> None:
    settings = manager_settings(ai_manager_database_url, tmp_path, late_results_per_day=allowed)
    async with opened_manager(settings) as manager:
        await manager.publish()
        await manager.planned(await manager.token(Scope.JOBS), job_request(12))
        machine = await manager.worker()
        leases = await machine.claim(limit=4)
        await manager.answered_long()
        await manager.execute("update batches set lease_expires_at = clock_timestamp() where state = 'leased'")
        assert await expire_leases(manager.work) == 4
        for late in await asyncio.gather(*(machine.finish(lease) for lease in leases)):
            assert (late.status_code, late.json()["type"]) == (409, "lease-lost")
        noted = await manager.rows("select batch_id, sha256 from late_results where worker_id = :w", w=machine.id)
        assert len(noted) == allowed
        assert {row["batch_id"] for row in noted} <= {lease.batch_id for lease in leases}
        assert not [page async for page in manager.work.blobs.list_older("results", manager.work.clock.now())]
        await manager.execute("update late_results set day = day - 1")
        await machine.finish(leases[3])
        assert len(await manager.rows("select * from late_results")) == allowed + 1


async def test_what_came_too_late_is_forgotten_after_its_days(manager: Manager, expert: dict[str, str]) -> None:
    await manager.planned(expert, job_request(6))
    machine = await manager.worker()
    for lease in await machine.claim(limit=2):
        await machine.release(lease, "draining")
        assert (await machine.finish(lease)).status_code == 409
    rows = await manager.rows("select batch_id from late_results order by batch_id")
    assert len(rows) == 2
    await manager.execute("update late_results set day = day - 89")
    await manager.execute("update late_results set day = day - 2 where batch_id = :b", b=rows[0]["batch_id"])
    assert await delete_late_notes(manager.work) == 1
    assert await delete_late_notes(manager.work) == 0
    assert await manager.rows("select batch_id from late_results") == rows[1:]
