"""Cutting: little by little, in sizes that were measured, every resource once."""

from datetime import timedelta
from uuid import UUID

from ai_manager.jobs.plan import plan_job
from ai_manager.jobs.state import BatchSizes, ResourceCounts, closing_state
from ai_manager.jobs.tasks import plan_due, settle_due
from tests.support.make.ai_manager import DETECTOR_SHA256, Manager, job_request
from trapper_schemas.v1.jobs import JobState


def test_a_batch_is_at_most_the_target_seconds_of_measured_work() -> None:
    sizes = [
        BatchSizes.of_speed(speed, target_seconds=90, smallest=32, limit=512) for speed in (None, 0.001, 1.0, 100.0)
    ]
    assert sizes == [BatchSizes(32, 32), BatchSizes(1, 1), BatchSizes(32, 90), BatchSizes(32, 512)]


def test_a_job_begins_and_ends_with_small_batches() -> None:
    sizes = BatchSizes(32, 512).next_sizes(planned=0, total=2_000, sealed=True, alive=2, count=100)
    assert sizes == [32, 32, 64, 128, 256, 372, 279, 210, 157, 118, 88, 66, 50, 37, 32, 32, 32, 15]


def test_a_job_that_still_grows_does_not_end_with_small_batches() -> None:
    sizes = BatchSizes(32, 512).next_sizes(planned=1_000, total=2_000, sealed=False, alive=2, count=100)
    assert sizes == [512, 488]
    assert BatchSizes(32, 512).next_sizes(planned=0, total=2_000, sealed=False, alive=2, count=3) == [32, 32, 64]


def test_how_a_job_ends_follows_from_its_counts() -> None:
    assert closing_state(ResourceCounts(3, done=1, blank=2)) is JobState.FINISHED
    assert closing_state(ResourceCounts(3, done=1, failed=2)) is JobState.PARTIAL
    assert closing_state(ResourceCounts(3, failed=3)) is JobState.FAILED
    assert closing_state(ResourceCounts(0)) is JobState.FINISHED


async def test_only_as_much_waits_as_the_fleet_can_take(manager: Manager, expert: dict[str, str]) -> None:
    job_id = await manager.planned(expert, job_request(100))
    assert await manager.rows("select count(*) as n from batches") == [{"n": 8}]
    for _ in range(2):
        await manager.worker()
    assert await plan_job(manager.work, job_id) == 4
    assert await plan_job(manager.work, job_id) == 0
    assert await manager.broken() == {}


async def test_every_resource_is_in_one_batch_in_the_order_it_came(manager: Manager, expert: dict[str, str]) -> None:
    body = job_request(100)
    job_id = await manager.planned(expert, body)
    machine = await manager.worker()
    got: list[str] = []
    while leases := await machine.claim(limit=3):
        for lease in leases:
            got += [str(one.id) for one in lease.resources]
            assert (await machine.finish(lease)).status_code == 200
        await plan_job(manager.work, job_id)
    assert got == [one["id"] for one in body["resources"]]
    assert await manager.rows("select * from resource_chunks") == []
    assert (await manager.job(expert, job_id)).state is JobState.FINISHED
    assert await manager.broken() == {}


async def test_batches_follow_the_measured_speed_and_the_end_is_foretold(
    manager: Manager, expert: dict[str, str]
) -> None:
    machine = await manager.worker()
    await machine.beat(images_per_second={DETECTOR_SHA256: 0.1})
    job_id = await manager.planned(expert, job_request(18))
    leases = await machine.claim(limit=10)
    assert [len(lease.resources) for lease in leases] == [3, 3, 6, 3, 3]
    for lease in leases[1:3]:
        await machine.finish(lease)
    job = await manager.job(expert, job_id)
    assert (job.state, job.progress) == (JobState.RUNNING, 0.5)
    assert (job.images_per_second, job.eta_seconds) == (0.1, 90.0)


async def test_with_every_message_lost_the_sweeps_bring_the_job_to_its_end(
    manager: Manager, expert: dict[str, str]
) -> None:
    job_id = UUID((await manager.submit(expert, job_request(40))).json()["id"])
    machine = await manager.worker()
    for _ in range(10):
        await plan_due(manager.work)
        for lease in await machine.claim(limit=20):
            await machine.finish(lease)
        await settle_due(manager.work)
    answer = await manager.http.get(f"/api/prediction_jobs/{job_id}/", headers=expert)
    assert answer.json()["state"] == "finished"
    assert await manager.broken(grace_seconds=0) == {}


async def test_a_worker_that_fell_silent_is_not_planned_for(manager: Manager, expert: dict[str, str]) -> None:
    await manager.worker()
    long_ago = manager.work.clock.now() - timedelta(seconds=500)
    await manager.execute("update workers set seen_at = :at", at=long_ago)
    await manager.planned(expert, job_request(100))
    assert await manager.rows("select count(*) as n from batches") == [{"n": 8}]
