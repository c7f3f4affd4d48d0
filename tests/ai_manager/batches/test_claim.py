"""Handing out: never twice, in turn, by scope, and without holding a connection while waiting."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy.pool import AsyncAdaptedQueuePool

from ai_manager.access.state import Scope
from ai_manager.batches.claim import Ask, claim_batches
from ai_manager.jobs.plan import plan_job
from ai_manager.waiters import More
from tests.support.make.ai_manager import (
    Manager,
    job_request,
    manager_settings,
    model_entry,
    opened_manager,
    species_entry,
    stage,
)
from tests.support.workers import eventually


async def test_two_workers_never_get_the_same_batch(manager: Manager, expert: dict[str, str]) -> None:
    for _ in range(3):
        await manager.planned(expert, job_request(30))
    machines = [await manager.worker() for _ in range(8)]

    async def claim_all(machine: int) -> list[UUID]:
        mine: list[UUID] = []
        while leases := await machines[machine].claim(limit=2):
            mine += [lease.batch_id for lease in leases]
        return mine

    claimed = await asyncio.gather(*(claim_all(number) for number in range(8)))
    everything = [batch_id for mine in claimed for batch_id in mine]
    waiting = await manager.rows("select count(*) as n from batches where state = 'waiting'")
    assert len(everything) == len(set(everything)) == 24
    assert waiting == [{"n": 0}]
    assert await manager.broken() == {}


async def test_a_lease_says_everything_that_the_work_takes(manager: Manager, expert: dict[str, str]) -> None:
    body = job_request(2)
    job_id = await manager.planned(expert, body)
    machine = await manager.worker()
    (lease,) = await machine.claim()
    assert (lease.job_id, lease.attempt, lease.expires_in_seconds) == (job_id, 1, 30.0)
    assert [str(one.id) for one in lease.resources] == [one["id"] for one in body["resources"]]
    assert (lease.media_grant, lease.media_origins) == ("a grant", ["https://media.example.org"])
    assert lease.stages[0].model.spec is not None
    assert len(lease.token) <= 100
    rows = await manager.rows("select worker_id, state, extract(epoch from lease_expires_at - now()) as s from batches")
    assert rows[0]["worker_id"] == machine.id
    assert 25 < rows[0]["s"] <= 30


async def test_a_small_job_is_not_stuck_behind_a_large_one(manager: Manager, expert: dict[str, str]) -> None:
    large = await manager.planned(expert, job_request(300))
    machine = await manager.worker()
    for lease in await machine.claim(limit=5):
        assert lease.job_id == large
    small = await manager.planned(expert, job_request(6))
    jobs = [lease.job_id for lease in await machine.claim(limit=4)]
    assert jobs.count(small) == 2


async def test_interactive_work_comes_before_bulk(manager: Manager, expert: dict[str, str]) -> None:
    await manager.planned(expert, job_request(30))
    urgent = await manager.planned(expert, job_request(3, interactive=True))
    machine = await manager.worker()
    (lease,) = await machine.claim()
    assert lease.job_id == urgent


async def test_models_in_memory_come_first_for_a_while_and_not_for_ever(
    manager: Manager, expert: dict[str, str]
) -> None:
    await manager.publish(model_entry(name="other-detector", sha256="c" * 64))
    asked = {"name": "other-detector", "version": "1", "sha256": "c" * 64}
    plain = await manager.planned(expert, job_request(3))
    at_hand = await manager.planned(expert, job_request(6, stages=[stage(model=asked)]))
    machine = await manager.worker()
    (lease,) = await machine.claim(loaded=["c" * 64])
    assert lease.job_id == at_hand
    head_start = manager.work.settings.affinity_turns
    await manager.execute("update batches set turn = :t where state = 'waiting' and job_id = :j", t=1, j=plain)
    await manager.execute(
        "update batches set turn = :t where state = 'waiting' and job_id = :j", t=head_start + 5, j=at_hand
    )
    (lease,) = await machine.claim(loaded=["c" * 64])
    assert lease.job_id == plain


async def test_a_batch_waits_for_a_runtime_that_all_its_models_have(manager: Manager, expert: dict[str, str]) -> None:
    await manager.publish(species_entry())
    species = {"kind": "classification", "model": {"name": "test-species", "version": "1", "sha256": "b" * 64}}
    both = await manager.planned(expert, job_request(3, stages=[stage(), species]))
    detection = await manager.planned(expert, job_request(3))
    cuda = await manager.worker(runtimes=["onnx-cuda"])
    assert [lease.job_id for lease in await cuda.claim(limit=5)] == [detection]
    cpu = await manager.worker()
    assert [lease.job_id for lease in await cpu.claim(limit=5)] == [both]


async def test_a_worker_sees_only_its_project(manager: Manager, expert: dict[str, str]) -> None:
    await manager.planned(expert, job_request(3, project="lynx"))
    mine = await manager.planned(expert, job_request(3, project="wolf"))
    machine = await manager.worker(project="wolf")
    assert [lease.job_id for lease in await machine.claim(limit=5)] == [mine]


async def test_a_worker_cannot_claim_for_a_runtime_it_was_not_enrolled_for(manager: Manager) -> None:
    machine = await manager.worker()
    answer = await manager.http.post(
        "/api/resource_batches/claim/", json={"runtime": "onnx-cuda"}, headers=machine.headers
    )
    assert (answer.status_code, answer.json()["type"]) == (403, "runtime-not-yours")


async def test_a_waiting_claim_is_woken_by_new_batches_and_holds_no_connection(
    manager: Manager, expert: dict[str, str]
) -> None:
    machines = [await manager.worker() for _ in range(30)]
    waiting = [asyncio.create_task(machine.claim(wait_seconds=30)) for machine in machines]
    pool = manager.work.database.engine.pool
    assert isinstance(pool, AsyncAdaptedQueuePool)
    async with asyncio.timeout(20):
        while len(manager.work.waiters._waiting["batches.onnx-cpu"]) < 30 or pool.checkedout() > 0:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    began = time.monotonic()
    await manager.planned(expert, job_request(3))
    done, pending = await asyncio.wait(waiting, timeout=20, return_when=asyncio.FIRST_COMPLETED)
    assert time.monotonic() - began < 20
    assert [len(task.result()) for task in done] == [1]
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)


async def test_who_may_not_have_a_batch_leaves_it_to_who_waits_after_them(
    manager: Manager, expert: dict[str, str]
) -> None:
    scoped, small, paused, able = [
        await manager.worker(project="elsewhere"),
        *[await manager.worker() for _ in range(3)],
    ]
    await manager.execute("update workers set paused = true where id = :w", w=paused.id)
    await manager.execute("update models set held_bytes = 1000")
    waiting = [
        asyncio.create_task(scoped.claim(wait_seconds=30)),
        asyncio.create_task(small.claim(wait_seconds=30, memory_bytes=1)),
        asyncio.create_task(paused.claim(wait_seconds=30)),
    ]
    await eventually(lambda: len(manager.work.waiters._waiting["batches.onnx-cpu"]) == len(waiting))
    last = asyncio.create_task(able.claim(wait_seconds=30))
    await eventually(lambda: len(manager.work.waiters._waiting["batches.onnx-cpu"]) == len(waiting) + 1)
    await manager.planned(expert, job_request(3))
    assert len(await last) == 1
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_claim_that_finds_nothing_ends_with_its_wait(manager: Manager) -> None:
    machine = await manager.worker()
    began = time.monotonic()
    assert await machine.claim(wait_seconds=0.3) == []
    assert time.monotonic() - began > 0.25


async def test_no_lease_outlives_the_credential(manager: Manager, expert: dict[str, str]) -> None:
    await manager.planned(expert)
    machine = await manager.worker()
    await manager.execute("update tokens set expires_at = now() + interval '20 seconds' where worker_id is not null")
    (lease,) = await machine.claim()
    assert lease.expires_in_seconds < 20.1  # an ordinary one is longer


async def test_two_managers_on_one_database_hand_out_as_one(ai_manager_database_url: str, tmp_path: Path) -> None:
    settings = manager_settings(ai_manager_database_url, tmp_path)
    async with opened_manager(settings) as first, opened_manager(settings) as second:
        await first.publish()
        headers = await first.token(Scope.JOBS)
        machine, other = await first.worker(), await first.worker()
        other.manager = second
        waiting = asyncio.create_task(other.claim(wait_seconds=30))
        await asyncio.sleep(0.3)
        answer = await first.submit(headers)
        await plan_job(first.work, UUID(answer.json()["id"]))
        (lease,) = await waiting
        assert lease.attempt == 1
        assert await machine.claim() == []


async def test_a_worker_that_hung_up_while_waiting_gets_nothing(manager: Manager, expert: dict[str, str]) -> None:
    machine = await manager.worker()
    ask = Ask(machine.id, "onnx-cpu", 1, (), ())

    async def gone() -> bool:
        return True

    looked, waiter = asyncio.Event(), manager.work.waiter

    @asynccontextmanager
    async def noted(channel: str, *, at_most: float) -> AsyncGenerator[More]:
        async with waiter(channel, at_most=at_most) as more:

            async def again(*, pass_on: bool = False) -> bool:
                looked.set()
                return await more(pass_on=pass_on)

            yield again

    manager.work.waiter = noted  # type: ignore[method-assign]  # says when it has looked in vain and waits
    waiting = claim_batches(manager.work, ask, wait=timedelta(seconds=60), lease=timedelta(seconds=30), gone=gone)
    claiming = asyncio.create_task(waiting)
    await looked.wait()
    await manager.planned(expert, job_request(3))
    assert (await claiming).batches == []
    assert await manager.rows("select state, attempt from batches") == [{"state": "waiting", "attempt": 0}]
