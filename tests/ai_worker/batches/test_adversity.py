"""What befalls a worker in the field ends as a failed resource or a clear pause, and never as a dead process."""

import asyncio
import os
import signal
import time
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from sqlalchemy import select

from ai_manager.workers.revoke import revoke_worker
from ai_worker.batches import claim, queries
from ai_worker.batches.models import Run
from ai_worker.batches.recover import recover_runs
from ai_worker.batches.run import _give_back
from ai_worker.devices.run_child import InferenceChild
from ai_worker.devices.work import CannotRun
from ai_worker.leases.events import LeaseTaken
from ai_worker.leases.runs import Lease, RunState
from tests.support.http_servers import serving
from tests.support.make.ai_worker import open_worker, worker_settings
from tests.support.workers import enrol, eventually, worker_process
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.jobs import JobState

HOUR = 3600.0


async def states(work):
    async with work.db() as db:
        return await queries.counts(db)


async def runs(work):
    return (await states(work)).get("running")


async def test_a_manager_that_is_away_at_the_start_is_waited_for(manager, pictures, stage, tmp_path):
    settings = worker_settings(tmp_path / "worker")
    await enrol(manager, settings)
    job_id = await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
    manager.faults.unavailable |= {"/api/"}
    async with worker_process(settings) as process:
        await eventually(lambda: manager.faults.count("/heartbeat/"))
        assert process.process.returncode is None
        assert process.states() == {}
        manager.faults.unavailable.clear()
        assert (await manager.closed(job_id)).state is JobState.FINISHED
        process.process.terminate()
        assert await process.process.wait() == 0


async def test_a_credential_that_is_revoked_in_the_middle_of_a_batch_ends_the_claims_and_not_the_process(
    manager, pictures, stage, worker, tmp_path
):
    pictures.open.clear()
    job_id = await manager.submit([stage], pictures.photos([1, 1]), origins=[pictures.url])
    async with worker() as working:
        await eventually(lambda: pictures.asked)
        async with manager.work.db() as db:
            await revoke_worker(db, working.work.worker_id, now=manager.work.clock.now())
        await eventually(lambda: working.work.state.revoked)
        pictures.open.set()
        await eventually(lambda: kept_or_over(working.work))
        assert working.work.closed() == "credential not valid"
        assert working.work.standstill() is None
        other = worker_settings(tmp_path / "another")
        await enrol(manager, other)
        async with worker_process(other):
            assert (await manager.closed(job_id)).counts.done == 2
        assert not working.task.done()


async def kept_or_over(work):
    return not (await states(work)).keys() - {"kept", "released", "delivered"}


async def test_a_full_disk_among_the_weights_gives_the_batch_back_and_the_worker_goes_on(
    manager, pictures, stage, worker, tmp_path
):
    settings = worker_settings(tmp_path / "worker")
    settings.make_folders()
    (settings.store_dir / f".{stage.stage.model.sha256}.part").symlink_to("/dev/full")
    job_id = await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
    async with worker() as working:
        assert (await manager.closed(job_id)).state is JobState.FINISHED
        assert await given_back(working.work) == ["disk_full"]


async def given_back(work):
    """Why, of each batch that was."""
    async with work.db() as db:
        found = await db.scalars(select(Run.because).where(Run.state == RunState.RELEASED))
        return [because.partition(":")[0] for because in found]


async def test_a_device_that_died_is_no_crash_of_its_batch(manager, pictures, stage, worker, monkeypatch):
    async def broken(_child):
        raise CannotRun("device-differs", "CUDA failure 999: unknown error")

    pictures.open.clear()
    job_id = await manager.submit([stage], pictures.photos([1, 1]), origins=[pictures.url])
    async with worker() as working:
        await eventually(lambda: pictures.asked)
        child = working.work.devices.children.each[0]
        os.kill(child.pid, signal.SIGSTOP)  # so that it dies in the middle of its batch
        monkeypatch.setattr(InferenceChild, "test_device", broken)
        pictures.open.set()
        await eventually(lambda: runs(working.work))
        os.kill(child.pid, signal.SIGKILL)
        assert (await manager.closed(job_id)).counts.done == 2
        async with working.work.db() as db:
            because = await db.scalar(select(Run.because).where(Run.state == RunState.RELEASED))
    assert because.startswith("cannot_run: device-broken: the inference process was ended by SIGKILL")
    assert "CUDA failure 999" in because
    (batch,) = await manager.batches()
    assert (batch["losses"], batch["crashes"]) == (1, 0), "a device that kills splits no batch down to its pictures"


async def test_what_cannot_run_here_is_tried_again_after_longer_and_longer(tmp_path, monkeypatch):
    async with open_worker(tmp_path, intervals={"refused": 10.0}) as work:
        monkeypatch.setattr(type(work), "monotonic", lambda _: 1000.0)
        pauses = []
        for _ in range(9):
            await _give_back(
                work, SimpleNamespace(id=uuid7(), batch_id=uuid7(), attempt=1, lease=None), "cannot_run", ""
            )
            pauses.append(work.state.held_until - 1000.0)
        assert pauses == [10, 20, 40, 80, 160, 320, 600, 600, 600]
        assert work.state.closed(1599.0) == "cannot_run"
        assert work.state.closed(1601.0) is None


async def test_a_batch_that_runs_makes_the_pauses_short_again(manager, pictures, stage, worker):
    job_id = await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
    async with worker() as working:
        working.work.state.failures = 7
        await manager.closed(job_id)
        assert working.work.state.failures == 0


@pytest.mark.parametrize("jump", [-10 * 365 * 24 * HOUR, -600.0, 600.0, 10 * 365 * 24 * HOUR])
async def test_a_clock_that_is_set_moves_no_lease(tmp_path, monkeypatch, jump):
    async with open_worker(tmp_path) as work:
        lease = Lease(uuid7(), uuid7(), 1, "token", 4, work.monotonic() + 60.0)
        work.handle(LeaseTaken(lease))
        now = time.time
        monkeypatch.setattr(time, "time", lambda: now() + jump)
        assert work.state.holds(lease.run_id, work.monotonic())
        assert not work.state.holds(lease.run_id, work.monotonic() + 61.0)


@pytest.mark.parametrize(("jump", "goes_on"), [(-10 * 24 * HOUR, True), (24 * HOUR, True), (4 * 24 * HOUR, False)])
async def test_a_laptop_whose_clock_was_set_goes_on_or_asks_first(tmp_path, monkeypatch, jump, goes_on):
    """After a restart there is no other clock: what seems over waits for the Manager, which has the one that counts."""
    lease = {"token": "t"}
    run = Run(id=uuid7(), batch_id=uuid7(), job_id=uuid7(), attempt=1, total=1, lease=lease)
    run_id, run.offline_until = run.id, time.time() + 3 * 24 * HOUR
    async with open_worker(tmp_path) as work:
        async with work.db() as db:
            db.add(run)
        now = time.time
        monkeypatch.setattr(time, "time", lambda: now() + jump)
        await recover_runs(work)
        assert work.state.holds(run_id, work.monotonic()) is goes_on
        async with work.db() as db:
            assert [one.id for one in await queries.unfinished(db)] == [run_id]


async def test_without_room_on_the_disk_nothing_is_claimed_until_there_is(
    manager, pictures, stage, worker, monkeypatch
):
    full = SimpleNamespace(total=100, used=100, free=0)
    job_id = await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
    with monkeypatch.context() as patched:
        patched.setattr(claim.shutil, "disk_usage", lambda _: full)
        async with worker(min_free_bytes=1) as working:
            await eventually(lambda: working.work.closed() == "disk full")
            assert manager.faults.count("/claim/") == 0
            patched.undo()
            assert (await manager.closed(job_id)).counts.done == 1
    assert {batch["losses"] for batch in await manager.batches()} == {0}


async def test_a_spool_that_is_full_stops_claims_and_empties_when_the_manager_takes_results_again(
    manager, pictures, stage, worker
):
    manager.faults.unavailable |= {"/save_results/"}
    first = await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
    async with worker(slots=1, spool_limit_bytes=1) as working:
        await eventually(lambda: working.work.closed() == "spool full")
        claims = manager.faults.count("/claim/")
        second = await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
        await eventually(lambda: manager.faults.count("/save_results/") > 3)
        assert manager.faults.count("/claim/") == claims
        manager.faults.unavailable.clear()
        assert [(await manager.closed(job)).counts.done for job in (first, second)] == [1, 1]


async def test_an_answer_that_nobody_understands_ends_no_loop(manager, pictures, stage, worker):
    """As of a Manager that is much newer, or of something else that answers at its address."""
    job_id = await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
    async with worker() as working:
        ask = working.work.manager.http.request
        strange = 0

        async def answer(method, path, **more):
            nonlocal strange
            reply = await ask(method, path, **more)
            if strange < 4 and ("/claim/" in path or "/heartbeat/" in path):
                strange += 1
                reply._content = b"<html>Welcome to the hotel's network</html>"
            return reply

        working.work.manager.http.request = answer
        await eventually(lambda: strange == 4)
        assert (await manager.closed(job_id)).counts.done == 1
        assert working.work.standstill() is None


class Dripping:
    """A mirror that begins to send and never ends."""

    def __init__(self):
        self.app = FastAPI()
        self.reached = asyncio.Event()
        self.app.add_api_route("/{_:path}", self.answer)

    async def answer(self) -> StreamingResponse:
        return StreamingResponse(self.drip(), headers={"content-length": "100000"})

    async def drip(self):
        yield b"x" * 1000
        self.reached.set()
        await asyncio.Event().wait()


@pytest.mark.parametrize(("signals", "code"), [([signal.SIGTERM], 0), ([signal.SIGTERM, signal.SIGINT], 143)])
async def test_signals_while_weights_are_on_their_way(manager, ordered, tmp_path, signals, code):
    """The Manager runs in this process: between two signals the worker cannot have given its batch back."""
    settings = worker_settings(tmp_path / "worker")
    await enrol(manager, settings)
    mirror = Dripping()
    async with (
        serving(mirror.app) as url,
        worker_process(settings, AI_WORKER_WEIGHTS_MIRRORS=f'["{url}"]') as process,
    ):
        await mirror.reached.wait()
        for one in signals:
            process.process.send_signal(one)
        assert await process.process.wait() == code
    async with worker_process(settings):
        assert (await manager.closed(ordered)).counts.done == 1
    assert {batch["losses"] for batch in await manager.batches()} == {0}


@pytest.fixture
async def ordered(manager, pictures, stage):
    """A job of one photo."""
    return await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
