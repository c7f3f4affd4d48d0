"""Asking for work: a poll under way ends when nothing shall be claimed any more, and nothing is leased to nobody."""

import pytest

from ai_worker.batches import queries
from ai_worker.leases.events import StopRequested, SwitchesSet
from ai_worker.leases.state import Drain
from tests.support.make.inference import stage_spec
from tests.support.managers import running_manager
from tests.support.workers import eventually


@pytest.fixture
async def manager(ai_manager_database_url, tmp_path):
    """Its polls last longer than any test: one that ended was ended."""
    async with running_manager(ai_manager_database_url, tmp_path, batch_size=4, intervals={"poll": 30.0}) as one:
        yield one


@pytest.fixture
async def stage(manager, detector_file, detector_bytes):
    chosen = stage_spec(detector_file)
    await manager.publish(chosen, detector_bytes)
    return chosen


async def in_hand(work):
    async with work.db() as db:
        return await queries.counts(db)


async def not_claiming(work):
    return not work.state.claiming


async def beaten(manager, times=2):
    """The worker's loops went on for a while."""
    there = manager.faults.count("/heartbeat/")
    await eventually(lambda: manager.faults.count("/heartbeat/") >= there + times)


async def test_a_worker_that_drains_finishes_and_claims_nothing(manager, pictures, stage, worker):
    pictures.open.clear()
    first = await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
    async with worker(slots=2) as working:
        await eventually(lambda: pictures.asked)
        await eventually(lambda: manager.faults.count("/claim/") >= 2)
        working.work.handle(SwitchesSet(paused=False, draining=True))
        await eventually(lambda: not_claiming(working.work))
        claims = manager.faults.count("/claim/")
        second = await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
        pictures.open.set()
        assert (await manager.closed(first)).counts.done == 1
        await beaten(manager)
        assert manager.faults.count("/claim/") == claims
        assert (await manager.job(second)).counts.done == 0
        working.work.handle(SwitchesSet(paused=False, draining=False))
        working.work.wakeups.wake("batches.claim")
        assert (await manager.closed(second)).counts.done == 1
    assert {row["losses"] for row in await manager.batches()} == {0}


async def test_what_was_handed_out_while_claiming_was_closed_is_given_back_at_once(manager, pictures, stage, worker):
    job_id = await manager.submit([stage], pictures.photos([1] * 8), origins=[pictures.url])
    async with worker(slots=2) as working:
        claim = working.work.manager.claim

        async def drained_meanwhile(ask):
            reply = await claim(ask)
            if reply.batches:
                working.work.handle(SwitchesSet(paused=False, draining=True))
            return reply

        working.work.manager.claim = drained_meanwhile
        await eventually(lambda: working.work.state.draining)
        await eventually(lambda: manager.rows("select 1 from batches where attempt = 1 and state = 'waiting'"))
        assert await in_hand(working.work) == {}
        working.work.manager.claim = claim
        working.work.handle(SwitchesSet(paused=False, draining=False))
        assert (await manager.closed(job_id)).counts.done == 8
    assert {row["losses"] for row in await manager.batches()} == {0}


SWITCHES = [SwitchesSet(paused=True, draining=False), SwitchesSet(paused=False, draining=True), StopRequested()]


@pytest.mark.parametrize("switch", SWITCHES)
async def test_whichever_switch_is_turned_here_the_poll_under_way_ends(manager, stage, worker, switch):
    async with worker() as working:
        await eventually(lambda: manager.faults.count("/claim/"))
        working.work.handle(switch)
        await eventually(lambda: not_claiming(working.work))


WISHES = [
    "update workers set paused = true",
    "update workers set drain = true",
    "update workers set revoked_at = now()",
]


@pytest.mark.parametrize("wish", WISHES)
async def test_whatever_the_manager_wants_the_poll_under_way_ends(manager, stage, worker, wish):
    async with worker() as working:
        await eventually(lambda: manager.faults.count("/claim/"))
        async with manager.work.database.engine.begin() as connection:
            await connection.exec_driver_sql(wish)
        await eventually(working.work.closed)
        await eventually(lambda: not_claiming(working.work))


async def test_a_claim_that_was_never_answered_is_settled_before_the_next_one(manager, pictures, stage, worker):
    """What the Manager leased to us and we do not know of is named in no complete heartbeat."""
    manager.faults.reply_lost |= {"/claim/"}
    job_id = await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
    async with worker():
        await eventually(lambda: handed_out(manager))
        manager.faults.reply_lost.clear()
        assert (await manager.closed(job_id)).counts.done == 1
    (batch,) = await manager.batches()
    assert (batch["attempt"] > 1, batch["losses"]) == (True, 0)


async def handed_out(manager):
    return any(batch["attempt"] > 0 for batch in await manager.batches())


LEAVE = "update workers set drain = true"
STAY = "update workers set drain = false"


async def order(manager, words):
    async with manager.work.database.engine.begin() as connection:
        await connection.exec_driver_sql(words)


async def test_a_worker_that_the_manager_sends_away_finishes_delivers_and_leaves(manager, pictures, stage, worker):
    pictures.open.clear()
    job_id = await manager.submit([stage], pictures.photos([1] * 4), origins=[pictures.url])
    async with worker(slots=1) as working:
        await eventually(lambda: pictures.asked)
        await eventually(lambda: working.work.state.drain is Drain.NONE)
        await order(manager, LEAVE)
        await eventually(lambda: working.work.state.drain is Drain.LEAVING)
        assert not working.task.done(), "it still holds a batch"
        pictures.open.set()
        assert await working.task is True
        assert (await manager.job(job_id)).counts.done == 4
    async with worker() as again:
        await eventually(lambda: again.work.state.drain is Drain.STANDING)
        await beaten(manager)
        assert not again.task.done(), "who starts under the order waits for it to be taken back"
        await order(manager, STAY)
        other = await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
        assert (await manager.closed(other)).counts.done == 1


async def test_an_order_to_leave_that_is_taken_back_in_time_is_forgotten(manager, pictures, stage, worker):
    pictures.open.clear()
    job_id = await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
    async with worker() as working:
        await eventually(lambda: pictures.asked)
        await eventually(lambda: working.work.state.drain is Drain.NONE)
        await order(manager, LEAVE)
        await eventually(lambda: working.work.state.drain is Drain.LEAVING)
        await order(manager, STAY)
        await eventually(lambda: working.work.state.drain is not Drain.LEAVING)
        pictures.open.set()
        assert (await manager.closed(job_id)).counts.done == 1
        await beaten(manager)
        assert not working.task.done()
