"""Several Managers side by side on one database are one: whatever two of them do at the same moment is done once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from ai_manager.access.state import Scope
from ai_manager.batches.expire import expire_leases
from ai_manager.jobs.compact import compact_job
from ai_manager.jobs.plan import plan_job
from ai_manager.jobs.settle import settle_job
from ai_manager.results.close_exhausted import close_exhausted
from ai_manager.results.delete_blobs import delete_blobs
from tests.support.make.ai_manager import Manager, job_request, manager_settings, opened_manager


@pytest.fixture
async def pair(ai_manager_database_url: str, tmp_path: Path) -> AsyncIterator[tuple[Manager, Manager]]:
    settings = manager_settings(ai_manager_database_url, tmp_path)
    async with opened_manager(settings) as first, opened_manager(settings) as second:
        await first.publish()
        yield first, second


async def test_a_job_is_cut_once_whoever_cuts_it(pair: tuple[Manager, Manager]) -> None:
    first, second = pair
    headers = await first.token(Scope.JOBS)
    job_id = UUID((await first.submit(headers, job_request(100))).json()["id"])
    cut = await asyncio.gather(*(plan_job(manager.work, job_id) for manager in (first, second, first, second)))
    assert sum(cut) == 8
    assert await first.broken() == {}


async def test_a_job_is_closed_and_compacted_once(pair: tuple[Manager, Manager]) -> None:
    first, second = pair
    headers = await first.token(Scope.JOBS)
    job_id = await first.planned(headers, job_request(6))
    machine = await first.worker()
    one, other = await machine.claim(limit=2)
    saved = await asyncio.gather(machine.finish(one), machine.finish(other))
    assert [answer.status_code for answer in saved] == [200, 200]
    closed = await asyncio.gather(*(settle_job(manager.work, job_id) for manager in (first, second, first, second)))
    assert sorted(closed) == [False, False, False, True]
    moved = await asyncio.gather(*(compact_job(manager.work, job_id) for manager in (first, second)))
    assert sum(moved) == 2
    assert await first.broken() == {}


async def test_what_both_sweep_is_taken_back_once(pair: tuple[Manager, Manager]) -> None:
    first, second = pair
    headers = await first.token(Scope.JOBS)
    await first.planned(headers, job_request(24))
    machine = await first.worker()
    await machine.claim(limit=8)
    for manager in pair:
        await manager.answered_long()
    await first.execute("update batches set lease_expires_at = clock_timestamp() where state = 'leased'")
    taken = await asyncio.gather(*(expire_leases(manager.work) for manager in (first, second, first, second)))
    assert sum(taken) == 8
    assert await first.rows("select sum(losses) as n, count(*) as batches from batches") == [{"n": 8, "batches": 8}]
    assert await first.rows("select sum(count) as n from worker_losses") == [{"n": 8}]


async def test_what_both_write_down_or_forget_is_written_and_forgotten_once(pair: tuple[Manager, Manager]) -> None:
    first, _ = pair
    headers = await first.token(Scope.JOBS)
    job_id = await first.planned(headers, job_request(1))
    machine = await first.worker()
    (lease,) = await machine.claim()
    await machine.release(lease, "cannot_run")
    for _ in range(4):
        (again,) = await machine.claim()
        await machine.release(again, "cannot_run")
    written = await asyncio.gather(*(close_exhausted(manager.work) for manager in pair))
    assert sorted(written) == [[], [job_id]]
    await first.job(headers, job_id)
    await first.http.post(f"/api/resource_batches/{lease.batch_id}/fetched/", headers=headers)
    await first.execute("update saved_results set acknowledged_at = acknowledged_at - interval '30 days'")
    forgotten = await asyncio.gather(*(delete_blobs(manager.work) for manager in pair))
    assert sum(forgotten) == 1
    assert await first.broken() == {}


async def test_a_worker_may_speak_to_either_at_any_moment(pair: tuple[Manager, Manager]) -> None:
    first, second = pair
    headers = await first.token(Scope.JOBS)
    job_id = await first.planned(headers, job_request(9))
    machine = await first.worker()
    leases = await machine.claim(limit=3)
    machine.manager = second
    assert len((await machine.beat(*leases)).leases) == 3
    answers = await asyncio.gather(*(machine.finish(lease) for lease in leases))
    assert [answer.json()["duplicate"] for answer in answers] == [False] * 3
    machine.manager = first
    assert [(await machine.finish(lease)).json()["duplicate"] for lease in leases] == [True] * 3
    assert (await second.job(headers, job_id)).state.value == "finished"
