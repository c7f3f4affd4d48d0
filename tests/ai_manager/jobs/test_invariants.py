"""Each invariant that `doctor` looks at finds what breaks it."""

import pytest
from sqlalchemy import text

from ai_manager.jobs.compact import compact_job
from ai_manager.jobs.queries_invariants import INVARIANTS, offenders
from tests.support.make.ai_manager import Manager, job_request
from tests.support.make.results import failed, seen

BREAKS: dict[str, list[str]] = {
    "leases": [
        """alter table batches drop constraint batches_lease_expiry_check;
        update batches set lease_expires_at = null where state = 'leased'"""
    ],
    "expiry": [
        "update batches set lease_expires_at = clock_timestamp() - interval '2 hours' where state = 'leased'",
    ],
    "credentials": [
        """update tokens set revoked_at = now() where worker_id is not null;
        update batches set lease_expires_at = clock_timestamp() + interval '2 hours' where state = 'leased'""",
        """update tokens set expires_at = now() where worker_id is not null;
        update batches set lease_expires_at = clock_timestamp() + interval '2 hours' where state = 'leased'""",
    ],
    "split trees": [
        "delete from batches where id = (select id from batches where parent_id is not null limit 1)",
        "update batches set size = size + 1 where parent_id is not null",
    ],
    "leaves": [
        "update batches set first = first + 1 where state = 'waiting'",
        "update jobs set planned_through = planned_through - 1 where closed_at is null",
        "update finished_batches set state = 'split', result_sha256 = null",
    ],
    "outcomes": [
        """alter table batches drop constraint batches_one_outcome_each_check;
        update batches set done = done + 1 where state = 'done'""",
    ],
    "failures": [
        "delete from resource_failures",
        "update batches set done = done + 1, failed = failed - 1 where state = 'done'",
        "update finished_batches set blank = blank - 1, failed = failed + 1 where blank > 0",
        "insert into resource_failures select id, gen_random_uuid(), job_id, 'x', 'y' from finished_batches",
        "insert into resource_failures select gen_random_uuid(), id, job_id, 'x', 'y' from finished_batches",
    ],
    "results": [
        "delete from saved_results where acknowledged_at is null",
        "update saved_results set sha256 = repeat('0', 64)",
        "update saved_results set acknowledged_at = now()",
        "update finished_batches set fetched = not fetched",
        "update batches set fetched = not fetched where state = 'done'",
        """insert into saved_results (batch_id, job_id, sha256, size_bytes, exhausted, closed_at)
        select id, job_id, 'x', 1, false, now() from batches where state = 'waiting'""",
    ],
    "results of nothing": ["update saved_results set batch_id = gen_random_uuid() where acknowledged_at is null"],
    "closed too early": [
        """alter table jobs drop constraint jobs_closed_is_whole_check;
        update jobs set state = 'finished', closed_at = now() where closed_at is null""",
        """alter table jobs drop constraint jobs_closed_is_whole_check;
        update jobs set sealed = false where closed_at is not null""",
        "update batches set job_id = (select id from jobs where compacted) where state = 'waiting'",
    ],
    "closed too late": [
        """update jobs set state = 'planned', closed_at = null, compacted = false,
            created_at = clock_timestamp() - interval '2 hours' where closed_at is not null;
        update saved_results set closed_at = clock_timestamp() - interval '2 hours'"""
    ],
    "counts": ["update jobs set done = done + 1, blank = blank - 1 where closed_at is not null"],
    "put away": [
        "update finished_batches set id = (select id from batches where state = 'done')",
        "update jobs set reduced_at = now() where compacted",
        "update batches set job_id = (select id from jobs where compacted) where state = 'done'",
        """update jobs set compacted = false;
        update jobs set state = 'planned', closed_at = null where closed_at is not null""",
    ],
    "given up without a blob": [
        """update batches set state = 'exhausted' where state = 'waiting';
        update batches set job_id = (select id from jobs where compacted) where state = 'exhausted'"""
    ],
    "chunks": ["delete from resource_chunks", "update resource_chunks set first = first + 50, size = size - 50"],
}


@pytest.fixture
async def busy(manager: Manager, expert: dict[str, str]) -> Manager:
    """A job that is under way, of which a batch was split, and one that is closed and put away."""
    closed = await manager.planned(expert, job_request(3))
    machine = await manager.worker()
    (lease,) = await machine.claim()
    assert (await machine.finish(lease)).status_code == 200
    await manager.http.post(f"/api/resource_batches/{lease.batch_id}/fetched/", headers=expert)
    await manager.job(expert, closed)
    assert await compact_job(manager.work, closed) == 1
    await manager.planned(expert, job_request(60))
    first, second, _ = await machine.claim(limit=3)
    outcomes = (seen(media_sha256=first.resources[0].sha256), failed(), failed())
    assert (await machine.finish(first, outcomes=outcomes)).status_code == 200
    assert (await machine.release(second, "inference_died")).status_code == 204
    return manager


async def test_each_finds_what_breaks_it(busy: Manager) -> None:
    assert await busy.broken() == {}
    assert set(BREAKS) == set(INVARIANTS)
    for name, ways in BREAKS.items():
        for way in ways:
            async with busy.work.db() as db:
                for statement in way.split(";"):
                    await db.execute(text(statement))
                assert await offenders(db, INVARIANTS[name], grace_seconds=3600), f"{name}: {way}"
                await db.rollback()
    assert await busy.broken() == {}
