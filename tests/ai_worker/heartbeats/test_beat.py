"""The pulse renews what we hold, drops what is lost, and waits for a Manager that is away."""

import asyncio

import pytest

from ai_worker.batches import queries
from ai_worker.batches.active_runs import Dropped
from ai_worker.batches.models import Run
from ai_worker.batches.recover import recover_runs
from ai_worker.batches.run import run_batches
from ai_worker.heartbeats.beat import beat
from ai_worker.leases.runs import RunState
from ai_worker.tasks import opened
from tests.support.make.ai_worker import open_worker, worker_settings
from tests.support.make.inference import stage_spec
from tests.support.workers import enrol
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.batches import BatchLease
from trapper_schemas.v1.jobs import JobConfig


def run_of(**changes):
    batch_id = changes.pop("batch_id", uuid7())
    spec = stage_spec()
    lease = BatchLease(
        batch_id=batch_id,
        job_id=uuid7(),
        attempt=changes.get("attempt", 1),
        token="made-up",
        expires_in_seconds=60,
        job_config=JobConfig(stages=(spec.stage,)),
        models=[spec.model],
        resources=[],
        media_grant="",
        media_origins=[],
    )
    values = {"attempt": 1, "total": 0, "state": RunState.LEASED, **changes}
    return Run(id=uuid7(), batch_id=batch_id, job_id=lease.job_id, lease=lease.model_dump(mode="json"), **values)


async def note(work, *runs):
    async with work.db() as db:
        db.add_all(runs)
    await recover_runs(work)


async def state_of(work, run):
    async with work.db() as db:
        return (await db.get(Run, run.id)).state


@pytest.fixture
async def work(manager, tmp_path):
    settings = worker_settings(tmp_path / "worker")
    await enrol(manager, settings)
    async with opened(settings) as one:
        yield one


async def test_leases_that_the_manager_does_not_know_are_dropped(work):
    lost, kept = run_of(), run_of(state=RunState.KEPT)
    await note(work, lost, kept)
    await beat(work)
    assert await state_of(work, lost) is RunState.RELEASED
    assert await state_of(work, kept) is RunState.KEPT, "the delivery finds out, since the Manager may even have it"


async def test_what_the_manager_wants_is_obeyed(manager, work):
    async with manager.work.database.engine.begin() as connection:
        await connection.exec_driver_sql("update workers set paused = true")
    await beat(work)
    assert work.closed() == "paused"
    assert work.rhythm.manager == manager.work.worker_intervals


async def test_a_manager_that_is_away_costs_no_lease(tmp_path):
    async with open_worker(tmp_path) as work:
        run = run_of()
        await note(work, run)
        await beat(work)
        assert work.rhythm.away
        assert work.rhythm.renew == work.rhythm.retry
        assert await state_of(work, run) is RunState.LEASED


async def test_what_was_interrupted_waits_until_a_heartbeat_confirms_it(tmp_path):
    async with open_worker(tmp_path) as work:
        run = run_of(state=RunState.RUNNING, starts=1)
        await note(work, run)
        await recover_runs(work)
        assert await state_of(work, run) is RunState.LEASED
        assert await run_batches(work) is False


async def test_a_batch_under_which_the_worker_keeps_dying_is_given_back_as_a_crash(tmp_path):
    async with open_worker(tmp_path, process_starts=3) as work:
        run = run_of(state=RunState.RUNNING, starts=3)
        await note(work, run)
        await recover_runs(work)
        async with work.db() as db:
            found = await db.get(Run, run.id)
            assert await queries.unfinished(db) == []
        assert found.state is RunState.RELEASED
        assert found.because.startswith("inference_died")


async def test_dropping_a_run_ends_what_is_done_for_it(tmp_path):
    async with open_worker(tmp_path) as work:
        run_id = uuid7()

        async def for_ever():
            work.runs.drop(run_id)
            await asyncio.Event().wait()

        with pytest.raises(Dropped):
            await work.runs.within(run_id, for_ever())
