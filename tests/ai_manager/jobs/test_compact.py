"""A closed job leaves the queue, and nobody who asks afterwards notices."""

import asyncio
from uuid import UUID

import pytest

from ai_manager.jobs.compact import compact_job
from ai_manager.jobs.tasks import compact_due, settle_due
from ai_manager.results.close_exhausted import close_exhausted
from tests.support.make.ai_manager import Manager, job_request, results_of
from tests.support.make.results import failed, seen
from trapper_schemas.v1.jobs import JobState


async def _both(manager: Manager) -> tuple[int, int]:
    rows = await manager.rows(
        "select (select count(*) from batches) as queue, (select count(*) from finished_batches) as away"
    )
    return rows[0]["queue"], rows[0]["away"]


async def test_after_the_move_every_answer_is_the_same(manager: Manager, expert: dict[str, str]) -> None:
    job_id = await manager.planned(expert, job_request(6))
    machine = await manager.worker()
    first, second = await machine.claim(limit=2)
    blob = results_of(first, machine.id, found=[0], outcomes=(seen(), seen(), failed())).to_blob()
    assert (await machine.save(first, blob)).status_code == 200
    assert (await machine.finish(second)).status_code == 200
    before = await manager.job(expert, job_id)
    assert await _both(manager) == (2, 0)
    assert await compact_job(manager.work, job_id) == 2
    assert await compact_job(manager.work, job_id) == 0
    assert await _both(manager) == (0, 2)

    assert await manager.job(expert, job_id) == before
    assert (before.counts.done, before.counts.blank, before.counts.failed, before.unacknowledged) == (1, 4, 1, 2)
    again = await machine.save(first, blob)
    assert (again.status_code, again.json()["duplicate"]) == (200, True)
    other = await machine.finish(first, found=[2])
    assert (other.status_code, other.json()["type"]) == (409, "lease-lost")
    assert (await machine.release(first)).json()["type"] == "lease-lost"
    assert (await machine.beat(first)).lost == [first.batch_id]
    listing = f"/api/prediction_jobs/{job_id}/results/"
    listed = (await manager.http.get(listing, headers=expert)).json()["items"]
    assert {item["batch_id"] for item in listed} == {str(first.batch_id), str(second.batch_id)}
    path = f"/api/resource_batches/{first.batch_id}"
    assert (await manager.http.get(f"{path}/results/", headers=expert)).content == blob
    failures = (await manager.http.get(f"/api/prediction_jobs/{job_id}/failures/", headers=expert)).json()["items"]
    assert [one["batch_id"] for one in failures] == [str(first.batch_id)]
    for _ in range(2):
        assert (await manager.http.post(f"{path}/fetched/", headers=expert)).status_code == 204
    assert (await manager.job(expert, job_id)).unacknowledged == 1
    assert await manager.broken() == {}


async def test_a_cancelled_job_leaves_too_and_its_workers_still_hear_of_it(
    manager: Manager, expert: dict[str, str]
) -> None:
    job_id = await manager.planned(expert, job_request(9))
    machine = await manager.worker()
    done, held = await machine.claim(limit=2)
    await machine.finish(done)
    await manager.http.post(f"/api/prediction_jobs/{job_id}/cancel/", headers=expert)
    await compact_due(manager.work)
    assert await _both(manager) == (0, 3)
    assert (await machine.beat(held)).cancelled == [held.batch_id]
    gone = await machine.finish(held)
    assert (gone.status_code, gone.json()["type"]) == (410, "job-cancelled")
    assert (await machine.release(held)).status_code == 410
    assert (await machine.finish(done)).json()["duplicate"] is True
    job = await manager.job(expert, job_id)
    assert (job.state, job.counts.blank, job.counts.cancelled) == (JobState.CANCELLED, 3, 6)
    assert await manager.broken() == {}


async def test_what_was_given_up_when_a_job_is_cancelled_stays_unwritten(
    manager: Manager, expert: dict[str, str]
) -> None:
    job_id = await manager.planned(expert, job_request(1))
    machine = await manager.worker()
    for _ in range(5):
        (lease,) = await machine.claim()
        await machine.release(lease, "cannot_run")
    await manager.http.post(f"/api/prediction_jobs/{job_id}/cancel/", headers=expert)
    assert await close_exhausted(manager.work) == []
    await compact_due(manager.work)
    assert (await manager.job(expert, job_id)).counts.cancelled == 1
    assert await manager.broken() == {}


async def test_an_open_job_stays_in_the_queue(manager: Manager, expert: dict[str, str]) -> None:
    job_id = await manager.planned(expert, job_request(6))
    machine = await manager.worker()
    (lease,) = await machine.claim()
    await machine.finish(lease)
    assert await compact_job(manager.work, job_id) == 0
    assert await compact_job(manager.work, UUID(int=1)) == 0
    assert await _both(manager) == (2, 0)


async def test_the_tree_of_what_was_split_is_whole_in_its_new_place(manager: Manager, expert: dict[str, str]) -> None:
    body = job_request(3)
    job_id = await manager.planned(expert, body)
    machine = await manager.worker()
    poison = UUID(body["resources"][1]["id"])
    while leases := await machine.claim():
        if poison in {one.id for one in leases[0].resources}:
            await machine.release(leases[0], "inference_died")
        else:
            await machine.finish(leases[0])
    await close_exhausted(manager.work)
    await settle_due(manager.work)
    await compact_due(manager.work)
    rows = await manager.rows("select state, count(*) as n from finished_batches group by state order by state")
    assert {row["state"]: row["n"] for row in rows} == {"done": 2, "exhausted": 1, "split": 2}
    assert (await manager.job(expert, job_id)).state is JobState.PARTIAL
    assert await manager.broken() == {}


@pytest.mark.parametrize("movers", [4])
async def test_many_movers_and_an_expert_that_fetches_meanwhile_lose_nothing(
    manager: Manager, expert: dict[str, str], movers: int
) -> None:
    job_id = await manager.planned(expert, job_request(24))
    machine = await manager.worker()
    leases = await machine.claim(limit=8)
    for lease in leases:
        await machine.finish(lease)
    await manager.job(expert, job_id)

    async def fetch(batch_id: UUID) -> int:
        answer = await manager.http.post(f"/api/resource_batches/{batch_id}/fetched/", headers=expert)
        return answer.status_code

    ended = await asyncio.gather(
        *(compact_job(manager.work, job_id) for _ in range(movers)), *(fetch(lease.batch_id) for lease in leases)
    )
    assert sum(ended[:movers]) == 8
    assert ended[movers:] == [204] * 8
    rows = await manager.rows("select count(*) as n, bool_and(fetched) as all_fetched from finished_batches")
    assert rows == [{"n": 8, "all_fetched": True}]
    assert await manager.broken() == {}
