"""A notification ends the present wait before the next claim, and nothing else depends on it."""

import asyncio

import pytest

from tests.support.make.inference import stage_spec
from tests.support.managers import running_manager
from tests.support.workers import eventually

SLOW = 1000.0
"""No test waits so long: what was claimed was claimed because of a notification."""


@pytest.fixture
async def manager(ai_manager_database_url, tmp_path, valkey):
    notifier = {"notifications_redis_url": valkey.notifications_url}
    async with running_manager(ai_manager_database_url, tmp_path, intervals={"poll": 0.01}, **notifier) as one:
        yield one


@pytest.fixture
async def spec(manager, detector_file, detector_bytes):
    chosen = stage_spec(detector_file)
    await manager.publish(chosen, detector_bytes)
    return chosen


async def resting(manager):
    """The worker has asked in vain and pauses."""
    await eventually(lambda: manager.faults.count("/claim/"))
    await asyncio.sleep(0.3)
    return manager.faults.count("/claim/")


async def test_a_notification_wakes_a_worker_that_would_have_slept_on(manager, spec, pictures, worker, valkey):
    async with worker(intervals={"claim": SLOW}, redis_url=valkey.notifications_url):
        await resting(manager)
        job_id = await manager.submit([spec], pictures.photos([1]), origins=[pictures.url])
        assert (await manager.closed(job_id)).counts.done == 1


async def test_a_redis_that_is_away_changes_nothing_but_the_wait(manager, spec, pictures, worker):
    async with worker(intervals={"claim": 0.5}, redis_url="redis://127.0.0.1:9/0"):
        job_id = await manager.submit([spec], pictures.photos([1]), origins=[pictures.url])
        assert (await manager.closed(job_id)).counts.done == 1
