"""kill -9 at every step of the Manager's own sweeps; then two processes sweep what is left: all is done once."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest

from ai_manager.access.state import Scope
from ai_manager.jobs.settle import settle_job
from ai_manager.tasks import BOOK
from tests.chaos.dying import BROKEN
from tests.flow.stack import ROOT
from tests.support.make.ai_manager import (
    Machine,
    Manager,
    job_request,
    manager_settings,
    opened_manager,
    put_results,
    results_of,
)

pytestmark = pytest.mark.timeout(600)
KILLED = -9
_LONG_AGO = 1_000_000_000


class Scene:
    """A Manager, a worker, and the work that a sweep will find; `run_out` counts the leases that were let end."""

    def __init__(self, manager: Manager, expert: dict[str, str], machine: Machine) -> None:
        self.manager, self.expert, self.machine = manager, expert, machine
        self.run_out = 0
        self.kept: set[str] = set()

    async def submitted(self) -> None:
        answer = await self.manager.submit(self.expert, job_request(7))
        assert answer.status_code == 201, answer.text

    async def looked_at(self, resources: int = 6) -> UUID:
        """A job of two batches that are done, and nobody has settled it."""
        job_id = await self.manager.planned(self.expert, job_request(resources))
        for lease in await self.machine.claim(limit=2):
            assert (await self.machine.finish(lease)).status_code == 200
        return job_id

    async def settled(self, resources: int = 6) -> UUID:
        job_id = await self.looked_at(resources)
        assert await settle_job(self.manager.work, job_id)
        return job_id

    async def given_up(self) -> None:
        await self.manager.planned(self.expert, job_request(2))
        for _ in range(5):
            (lease,) = await self.machine.claim()
            await self.machine.release(lease, "cannot_run")

    async def fetched_long_ago(self) -> None:
        """Two jobs: of one the blobs may go, of the other everything."""
        for days in (10, 40):
            job_id = await self.settled(resources=1)
            await BOOK.tasks["jobs.compact_due"].run(self.manager.work)
            listed = await self.manager.http.get(f"/api/prediction_jobs/{job_id}/results/", headers=self.expert)
            for one in listed.json()["items"]:
                path = f"/api/resource_batches/{one['batch_id']}/fetched/"
                assert (await self.manager.http.post(path, headers=self.expert)).status_code == 204
            past = f"interval '{days} days'"
            await self.manager.execute(
                f"update saved_results set acknowledged_at = acknowledged_at - {past} where job_id = :j",  # noqa: S608
                j=job_id,
            )
            await self.manager.execute(f"update jobs set closed_at = closed_at - {past} where id = :j", j=job_id)  # noqa: S608

    async def orphaned(self) -> None:
        """Bytes of a batch that was given back, and of one that is leased, both old."""
        await self.manager.planned(self.expert, job_request(6))
        lost, held = await self.machine.claim(limit=2)
        await put_results(self.manager.work, results_of(lost, self.machine.id).to_blob())
        await self.machine.release(lost, "draining")
        self.kept.add(await put_results(self.manager.work, results_of(held, self.machine.id).to_blob()))
        self.age()

    async def silent(self) -> None:
        """Leases that ran out while the Manager answered; said each time, since it is true for some seconds only."""
        await self.manager.answered_long()
        for lease in await self.machine.claim(limit=8):  # what an earlier round gave back
            await self.machine.finish(lease)
        await self.manager.planned(self.expert, job_request(6))
        self.run_out += len(await self.machine.claim(limit=2))
        await self.manager.execute("update batches set lease_expires_at = clock_timestamp() where state = 'leased'")

    def age(self) -> None:
        for path in self.blobs():
            os.utime(path, (_LONG_AGO, _LONG_AGO))

    def blobs(self) -> list[Path]:
        folder = self.manager.work.settings.blobs_dir
        assert folder is not None
        return [path for path in (folder / "results").rglob("*") if path.is_file()]

    async def none(self, statement: str) -> bool:
        return await self.manager.rows(statement) == []

    async def is_planned(self) -> bool:
        return await self.none("select id from jobs where planned_through < total")

    async def is_settled(self) -> bool:
        return await self.none("select id from jobs where closed_at is null")

    async def is_compacted(self) -> bool:
        return await self.none("select id from batches union all select id from jobs where not compacted")

    async def is_written_down(self) -> bool:
        """The job that a killed process did not come to close is found by another sweep."""
        await BOOK.tasks["jobs.settle_due"].run(self.manager.work)
        return await self.none(
            "select id from batches where result_sha256 is null union all select id from jobs where state <> 'failed'"
        )

    async def is_forgotten(self) -> bool:
        """What a killed process left in the store goes with the orphans."""
        self.age()
        await BOOK.tasks["results.sweep_orphans"].run(self.manager.work)
        half = await self.manager.rows("select count(*) = count(reduced_at) * 2 as half from jobs")
        return half == [{"half": True}] and not self.blobs()

    async def is_swept(self) -> bool:
        return {path.name for path in self.blobs()} == self.kept

    async def is_given_back_once(self) -> bool:
        (sums,) = await self.manager.rows(
            "select (select coalesce(sum(losses), 0) from batches) as losses,"
            " (select coalesce(sum(count), 0) from worker_losses where loss = 'expired') as counted,"
            " (select count(*) from batches where state = 'leased') as leased"
        )
        return (sums["losses"], sums["counted"], sums["leased"]) == (self.run_out, self.run_out, 0)


Step = Callable[[Scene], Awaitable[object]]
SWEEPS: dict[str, tuple[Step, Callable[[Scene], Awaitable[bool]]]] = {
    "jobs.plan_due": (Scene.submitted, Scene.is_planned),
    "jobs.settle_due": (Scene.looked_at, Scene.is_settled),
    "jobs.compact_due": (Scene.settled, Scene.is_compacted),
    "results.close_exhausted": (Scene.given_up, Scene.is_written_down),
    "results.retain": (Scene.fetched_long_ago, Scene.is_forgotten),
    "results.sweep_orphans": (Scene.orphaned, Scene.is_swept),
    "batches.expire": (Scene.silent, Scene.is_given_back_once),
}

QUICK = ("jobs.plan_due", "jobs.compact_due", "batches.expire")


@pytest.fixture
async def scene(ai_manager_database_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    settings = manager_settings(ai_manager_database_url, tmp_path, results_in_rows_bytes=0)
    async with opened_manager(settings) as manager:
        await manager.publish()
        yield Scene(manager, await manager.token(Scope.JOBS), await manager.worker())


@asynccontextmanager
async def dying(manager: Manager, *words: str) -> AsyncGenerator[Callable[[str, int], Awaitable[int]]]:
    """How a process ended that was to die at this step."""
    settings = manager.work.settings
    environment = {
        **os.environ,
        "AI_MANAGER_TASKS_ADDRESS": "127.0.0.1:0",
        "AI_MANAGER_DATABASE_URL": settings.database_url.get_secret_value(),
        "AI_MANAGER_SECRET_KEY": settings.secret_key.get_secret_value(),
        "AI_MANAGER_BLOBS_DIR": str(settings.blobs_dir),
        "AI_MANAGER_RESULTS_IN_ROWS_BYTES": "0",
        "AI_MANAGER_BATCH_SIZE": str(settings.batch_size),
        **{f"AI_MANAGER_INTERVALS__{name.upper()}": str(value) for name, value in settings.intervals},
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.chaos.dying", *words, env=environment, cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    said, heard = process.stdin, process.stdout

    async def run(sweep: str, step: int) -> int:
        said.write(f"{sweep} {step}\n".encode())
        return int(await heard.readline())

    try:
        yield run
    finally:
        said.close()
        await process.wait()


async def killed_at_every_step(scene: Scene, sweep: str, *words: str) -> int:
    """How many steps it has."""
    prepare, is_done = SWEEPS[sweep]
    async with dying(scene.manager, *words) as run:
        await prepare(scene)
        steps = await run(sweep, 0)
        for step in range(1, steps + 1):
            where = f"{sweep}, step {step} of {steps}"
            await prepare(scene)
            assert await run(sweep, step) == KILLED, where
            other, _ = await asyncio.gather(run(sweep, 0), BOOK.tasks[sweep].run(scene.manager.work))
            assert other != BROKEN, where
            assert await is_done(scene), where
            assert await scene.manager.broken() == {}, where
    return steps


@pytest.mark.parametrize(
    "sweep", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in SWEEPS]
)
async def test_a_sweep_that_is_killed_between_two_steps_is_done_once_all_the_same(scene: Scene, sweep: str) -> None:
    assert await killed_at_every_step(scene, sweep) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("sweep", SWEEPS)
async def test_a_sweep_that_is_killed_before_any_statement_is_done_once_all_the_same(scene: Scene, sweep: str) -> None:
    assert await killed_at_every_step(scene, sweep, "statements") > 4
