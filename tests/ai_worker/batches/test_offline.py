"""A field laptop: batches are taken along with what they need, computed without a link, delivered when it is back."""

import pytest

from ai_worker.batches import queries
from ai_worker.leases.events import OfflineRequested
from tests.support.make.ai_worker import worker_settings
from tests.support.workers import enrol, eventually
from trapper_schemas.v1.jobs import JobState

HOURS = 72


@pytest.fixture
async def laptop(manager, worker, tmp_path):
    """Enrolled for journeys; it computes nothing while the pictures are kept back."""
    await enrol(manager, worker_settings(tmp_path / "worker"), offline=True)
    return worker


async def in_hand(work):
    async with work.db() as db:
        return await queries.unfinished(db)


async def all_here(work, count):
    runs = await in_hand(work)
    return len(runs) == count and all(work.runs.is_prepared(run.id) for run in runs)


async def taken_along(manager, pictures, stage, laptop, *, batches):
    """What was taken and fetched, by a worker that was switched off before it had computed anything."""
    job_id = await manager.submit([stage], pictures.photos([1, 0, 1, 1] * batches), origins=[pictures.url])
    await eventually(lambda: planned(manager, batches))
    async with laptop() as working:
        work = working.work
        work.runs.on_device = Everything()
        work.handle(OfflineRequested(HOURS * 3600, batches))
        await eventually(lambda: all_here(work, batches))
        assert work.state.offline_request.over == "everything that was asked for is taken"
        leases = [work.state.leases[run.id].deadline - work.monotonic() for run in await in_hand(work)]
        assert min(leases) > (HOURS - 1) * 3600
    return job_id


async def planned(manager, count):
    return len(await manager.batches()) == count


class Everything(set):
    """A set of runs that a device was given, which has all of them, so that none is begun."""

    def __contains__(self, _):
        return True


async def test_what_was_taken_along_is_computed_in_the_field_and_delivered_at_home(manager, pictures, stage, laptop):
    job_id = await taken_along(manager, pictures, stage, laptop, batches=3)
    manager.faults.unavailable |= {"/api/"}
    pictures.files.clear()
    asked = len(pictures.asked)
    async with laptop() as working:
        await eventually(lambda: kept(working.work, 3))
        assert await working.stop() is False, "results wait for the link"
    async with laptop() as working:
        assert len(pictures.asked) == asked
        manager.faults.unavailable.clear()
        job = await manager.closed(job_id)
        await eventually(lambda: not list(working.work.settings.spool_dir.iterdir()))
    assert (job.state, job.counts.done, job.counts.blank, job.counts.failed) == (JobState.FINISHED, 9, 3, 0)
    assert {(batch["attempt"], batch["losses"]) for batch in await manager.batches()} == {(1, 0)}


async def test_nothing_else_is_claimed_until_what_was_taken_along_is_computed(manager, pictures, stage, laptop):
    job_id = await manager.submit([stage], pictures.photos([1] * 16), origins=[pictures.url])
    await eventually(lambda: planned(manager, 4))
    async with laptop() as working:
        work = working.work
        work.runs.on_device = Everything()
        work.handle(OfflineRequested(HOURS * 3600, 1))
        await eventually(lambda: all_here(work, 1))
        for _ in range(2):  # when a turn begins, the one before it has ended
            began = work.turned["batches.claim"]
            work.wakeups.wake("batches.claim")
            await eventually(lambda began=began: work.turned["batches.claim"] > began)
        assert len(await in_hand(work)) == 1
        work.runs.on_device = set()
        work.wakeups.wake("batches.run")
        assert (await manager.closed(job_id)).counts.done == 16


async def kept(work, count):
    async with work.db() as db:
        return (await queries.counts(db)).get("kept") == count


async def test_switching_the_laptop_off_at_home_gives_nothing_back(manager, pictures, stage, laptop):
    job_id = await taken_along(manager, pictures, stage, laptop, batches=2)
    assert {batch["state"] for batch in await manager.batches()} == {"leased"}
    async with laptop():
        assert (await manager.closed(job_id)).counts.done == 6
    assert {(batch["attempt"], batch["losses"]) for batch in await manager.batches()} == {(1, 0)}


async def test_who_was_not_enrolled_for_journeys_gets_ordinary_leases(manager, pictures, stage, worker):
    pictures.open.clear()
    await manager.submit([stage], pictures.photos([1] * 4), origins=[pictures.url])
    async with worker(offline_hours=HOURS) as working:
        (run,) = await eventually(lambda: in_hand(working.work))
        assert working.work.state.leases[run.id].deadline - working.work.monotonic() <= manager.work.intervals.lease
        pictures.open.set()


async def test_a_journey_ends_when_nothing_more_waits(manager, pictures, stage, laptop):
    await manager.submit([stage], pictures.photos([1] * 4), origins=[pictures.url])
    async with laptop() as working:
        working.work.runs.on_device = Everything()
        working.work.handle(OfflineRequested(HOURS * 3600, 50))
        await eventually(lambda: working.work.state.offline_request.over)
        assert working.work.state.offline_request.over == "no more batches wait at the Manager"
        assert working.work.state.offline_request.taken <= 1


async def test_so_many_media_are_fetched_ahead_as_the_cache_may_hold(manager, pictures, stage, worker):
    photos = pictures.photos([1] * 12)
    pictures.open.clear()
    job_id = await manager.submit([stage], photos, origins=[pictures.url])
    limit = 6 * photos[0].size_bytes
    async with worker(slots=3, cache_limit_bytes=limit) as working:
        work = working.work
        await eventually(lambda: two_in_hand(work))
        await eventually(lambda: len(set(pictures.asked)) == 4)
        assert work.runs.media_bytes == 4 * photos[0].size_bytes
        pictures.open.set()
        assert (await manager.closed(job_id)).counts.done == 12
        await eventually(lambda: not work.runs.media_bytes)


async def two_in_hand(work):
    return len(await in_hand(work)) >= 2
