"""The end of a lease: renewal, silence, giving back, and what becomes of a batch that kills its workers."""

import asyncio
from pathlib import Path
from uuid import UUID

import pytest

from ai_manager.access.state import Scope
from ai_manager.batches.expire import expire_leases
from ai_manager.jobs.cancel import cancel_job
from ai_manager.results.close_exhausted import close_exhausted
from ai_manager.workers.revoke import revoke_worker
from tests.support.make.ai_manager import Manager, job_request, manager_settings, opened_manager
from tests.support.make.results import failed
from tests.support.workers import eventually
from trapper_schemas.read_results import read_results
from trapper_schemas.v1.jobs import JobState
from trapper_schemas.v1.results import Failed, FailureCode

SILENCE = "update batches set lease_expires_at = clock_timestamp() - interval '1 second' where state = 'leased'"


async def _expire(manager: Manager) -> int:
    await manager.answered_long()
    await manager.execute(SILENCE)
    return await expire_leases(manager.work)


async def test_a_heartbeat_renews_and_a_silent_worker_loses_its_batch(manager: Manager, expert: dict[str, str]) -> None:
    await manager.planned(expert)
    machine = await manager.worker()
    (lease,) = await machine.claim()
    await manager.execute(SILENCE)
    reply = await machine.beat(lease)
    (renewed,) = reply.leases
    assert renewed.batch_id == lease.batch_id
    assert 29 < renewed.expires_in_seconds <= 30
    await manager.answered_long()
    assert await expire_leases(manager.work) == 0
    assert await _expire(manager) == 1
    reply = await machine.beat(lease)
    assert (reply.leases, reply.lost, reply.cancelled) == ([], [lease.batch_id], [])


async def test_the_former_holder_cannot_finish_the_batch(manager: Manager, expert: dict[str, str]) -> None:
    job_id = await manager.planned(expert)
    first, second = await manager.worker(), await manager.worker()
    (old,) = await first.claim()
    await _expire(manager)
    late = await first.finish(old)
    assert (late.status_code, late.json()["type"]) == (409, "lease-lost")
    (new,) = await second.claim()
    assert (new.batch_id, new.attempt) == (old.batch_id, 2)
    again = await first.finish(old)
    assert (again.status_code, again.json()["type"]) == (409, "lease-lost")
    stolen = await first.save(new, b"whatever", token=new.token)
    assert stolen.status_code in {409, 422}
    assert (await first.release(old)).status_code == 409
    assert (await second.finish(new)).status_code == 200
    assert len(await manager.rows("select * from late_results")) == 1
    assert (await manager.job(expert, job_id)).state is JobState.FINISHED
    assert await manager.broken() == {}


async def test_the_holder_by_another_workers_token_is_nobody(manager: Manager, expert: dict[str, str]) -> None:
    await manager.planned(expert)
    first, second = await manager.worker(), await manager.worker()
    (lease,) = await first.claim()
    refused = await second.finish(lease)
    assert refused.status_code == 409
    assert (await second.beat(lease)).lost == [lease.batch_id]
    assert (await second.release(lease)).status_code == 409
    assert (await first.finish(lease)).status_code == 200


async def test_nothing_expires_in_the_first_lease_length_of_a_process(manager: Manager, expert: dict[str, str]) -> None:
    await manager.planned(expert)
    machine = await manager.worker()
    (lease,) = await machine.claim()
    await manager.execute(SILENCE)
    assert await expire_leases(manager.work) == 0
    assert (await machine.finish(lease)).status_code == 200


async def test_a_manager_with_a_wrong_clock_expires_nobody(
    manager: Manager, expert: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await manager.planned(expert)
    machine = await manager.worker()
    await machine.claim()
    later = manager.work.clock.now().replace(year=2099)
    monkeypatch.setattr(manager.work.clock, "now", lambda: later)
    await manager.answered_long()
    assert await expire_leases(manager.work) == 0


async def test_a_drained_batch_waits_again_and_loses_nothing(manager: Manager, expert: dict[str, str]) -> None:
    await manager.planned(expert)
    machine = await manager.worker()
    for _ in range(7):
        (lease,) = await machine.claim()
        assert (await machine.release(lease, "draining")).status_code == 204
    assert await manager.rows("select state, attempt, losses, crashes from batches") == [
        {"state": "waiting", "attempt": 7, "losses": 0, "crashes": 0}
    ]


async def test_a_poison_file_fails_alone(manager: Manager, expert: dict[str, str]) -> None:
    body = job_request(3)
    poison = UUID(body["resources"][1]["id"])
    job_id = await manager.planned(expert, body)
    machine = await manager.worker()
    for _ in range(20):
        leases = await machine.claim()
        if not leases:
            break
        if poison in {one.id for one in leases[0].resources}:
            await machine.release(leases[0], "inference_died", "SIGSEGV in the child")
        else:
            assert (await machine.finish(leases[0], found=[0])).status_code == 200
    assert await close_exhausted(manager.work) == [job_id]
    assert await close_exhausted(manager.work) == []
    job = await manager.job(expert, job_id)
    assert job.state is JobState.PARTIAL
    assert (job.counts.done + job.counts.blank, job.counts.failed) == (2, 1)
    failures = await manager.http.get(f"/api/prediction_jobs/{job_id}/failures/", headers=expert)
    (failure,) = failures.json()["items"]
    assert (failure["resource_id"], failure["code"]) == (str(poison), "killed-worker")
    assert "SIGSEGV" in failure["message"]
    assert await manager.broken() == {}


async def test_after_five_losses_the_resources_fail_with_the_last_error(
    manager: Manager, expert: dict[str, str]
) -> None:
    body = job_request(2)
    job_id = await manager.planned(expert, body)
    machine = await manager.worker()
    for number in range(5):
        (lease,) = await machine.claim()
        await machine.release(lease, "disk_full", f"no space left, time {number}")
    assert await machine.claim() == []
    assert (await manager.job(expert, job_id)).closed_at is None, "not before the failures are written down"
    await close_exhausted(manager.work)
    job = await manager.job(expert, job_id)
    assert (job.state, job.counts.failed, job.unacknowledged) == (JobState.FAILED, 2, 1)
    listed = await manager.http.get(f"/api/prediction_jobs/{job_id}/results/", headers=expert)
    (item,) = listed.json()["items"]
    assert item["state"] == "exhausted"
    blob = await manager.http.get(f"/api/resource_batches/{item['batch_id']}/results/", headers=expert)
    results = read_results(blob.content)
    assert [str(one) for one in results.ids] == [one["id"] for one in body["resources"]]
    for outcome in results.outcomes:
        assert isinstance(outcome, Failed)
        assert outcome.code is FailureCode.EXHAUSTED
        assert "time 4" in outcome.message
    assert await manager.broken() == {}


async def test_a_message_that_no_database_takes_is_taken_all_the_same(manager: Manager, expert: dict[str, str]) -> None:
    await manager.planned(expert, job_request(3))
    machine = await manager.worker()
    (lease,) = await machine.claim(memory_bytes=2**70)
    assert (await machine.release(lease, "cannot_run", "bytes: \x00\x01")).status_code == 204
    assert await manager.rows("select last_error from batches") == [{"last_error": "bytes: \ufffd\x01"}]
    await machine.beat(devices=[{"name": "a\x00b", "busy": 0}], images_per_second={"\x00": 1.0})
    answer = await manager.http.post(
        "/api/resource_batches/claim/", json={"runtime": "onnx-cpu", "loaded": ["\x00"]}, headers=machine.headers
    )
    assert (answer.status_code, answer.json()["type"]) == (422, "invalid")
    (lease,) = await machine.claim()
    broken = tuple(failed(message="not \x00 a picture") for _ in lease.resources)
    assert (await machine.finish(lease, outcomes=broken)).status_code == 200
    assert await manager.broken() == {}


async def test_two_silences_in_a_row_halve_the_batch(manager: Manager, expert: dict[str, str]) -> None:
    body = job_request(3)
    await manager.planned(expert, body)
    machine = await manager.worker()
    for _ in range(2):
        await machine.claim()
        await _expire(manager)
    leases = await machine.claim(limit=5)
    assert sorted(len(lease.resources) for lease in leases) == [1, 2]
    held = [str(one.id) for lease in leases for one in lease.resources]
    assert sorted(held) == sorted(one["id"] for one in body["resources"])
    assert await manager.broken() == {}


async def test_a_cancelled_job_is_heard_of_and_its_results_are_gone(manager: Manager, expert: dict[str, str]) -> None:
    job_id = await manager.planned(expert, job_request(9))
    machine = await manager.worker()
    (done, held) = await machine.claim(limit=2)
    await machine.finish(done)
    cancelled = await manager.http.post(f"/api/prediction_jobs/{job_id}/cancel/", headers=expert)
    assert cancelled.json()["state"] == "cancelled"
    assert cancelled.json()["counts"]["cancelled"] == 6
    assert (await machine.beat(held)).cancelled == [held.batch_id]
    gone = await machine.finish(held)
    assert (gone.status_code, gone.json()["type"]) == (410, "job-cancelled")
    assert (await machine.release(held)).status_code == 410
    assert await machine.claim() == []
    assert len((await manager.http.get(f"/api/prediction_jobs/{job_id}/results/", headers=expert)).json()["items"]) == 1
    again = await manager.http.post(f"/api/prediction_jobs/{job_id}/cancel/", headers=expert)
    assert again.status_code == 200
    assert await manager.broken() == {}


async def test_cancelling_while_batches_are_lost_leaves_none_open(manager: Manager, expert: dict[str, str]) -> None:
    machine = await manager.worker()
    for _ in range(8):
        job_id = await manager.planned(expert, job_request(9))
        leases = await machine.claim(limit=3)

        async def cancel(job_id: UUID = job_id) -> None:
            async with manager.work.db() as db:
                await cancel_job(db, job_id, caller="expert", now=manager.work.clock.now())

        await asyncio.gather(*(machine.release(lease, "inference_died") for lease in leases), cancel())
    states = await manager.rows("select distinct state from batches")
    assert {row["state"] for row in states} <= {"cancelled", "split"}
    assert await manager.broken() == {}


async def test_a_revoked_worker_is_nobody_and_its_batches_wait_again(manager: Manager, expert: dict[str, str]) -> None:
    await manager.planned(expert)
    machine, other = await manager.worker(), await manager.worker()
    (lease,) = await machine.claim()
    async with manager.work.db() as db:
        await revoke_worker(db, machine.id, now=manager.work.clock.now())
    assert (await machine.finish(lease)).status_code == 401
    assert await expire_leases(manager.work) == 1
    (again,) = await other.claim()
    assert (again.batch_id, again.attempt) == (lease.batch_id, 2)
    assert (await manager.rows("select losses from batches")) == [{"losses": 0}]


async def test_a_short_lease_ends_by_itself_and_the_sweep_hands_it_on(
    ai_manager_database_url: str, tmp_path: Path
) -> None:
    settings = manager_settings(
        ai_manager_database_url, tmp_path, intervals={"lease": 0.3, "renew": 0.1, "poll": 1, "sweep": 0.1}
    )
    async with opened_manager(settings) as manager:
        await manager.publish()
        await manager.planned(await manager.token(Scope.JOBS))
        first, second = await manager.worker(), await manager.worker()
        (lease,) = await first.claim()
        waiting = asyncio.create_task(second.claim(wait_seconds=25))
        await eventually(lambda: expire_leases(manager.work))
        (handed_on,) = await waiting
        assert (handed_on.batch_id, handed_on.attempt) == (lease.batch_id, 2)
