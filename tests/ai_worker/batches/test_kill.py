"""The worker is killed in every state of a batch and started again: nothing is lost, nothing is done twice."""

import os
import signal
from pathlib import Path

import httpx
import pytest

from tests.support.make.ai_worker import worker_settings
from tests.support.make.inference import stage_spec
from tests.support.managers import running_manager
from tests.support.workers import enrol, eventually, worker_process
from trapper_schemas.read_results import read_results
from trapper_schemas.v1.jobs import JobState


@pytest.fixture
async def manager(ai_manager_database_url, tmp_path):
    async with running_manager(ai_manager_database_url, tmp_path, intervals={"lease": 30.0}) as one:
        yield one


@pytest.fixture
async def settings(manager, tmp_path):
    chosen = worker_settings(tmp_path / "worker", intervals={"grace": 1000.0})
    await enrol(manager, chosen)
    return chosen


@pytest.fixture
async def job_id(manager, detector_file, detector_bytes, pictures):
    stage = stage_spec(detector_file)
    await manager.publish(stage, detector_bytes)
    return await manager.submit([stage], pictures.photos([0, 1, 2]), origins=[pictures.url])


async def leased(_process, _manager, pictures):
    await eventually(lambda: pictures.asked)


async def running(process, _manager, pictures):
    await eventually(lambda: pictures.asked)
    os.kill(process.child_pid, signal.SIGSTOP)
    pictures.open.set()
    await eventually(lambda: process.states().get("running"))


async def kept(process, manager, pictures):
    manager.faults.unavailable |= {"/save_results/"}
    pictures.open.set()
    await eventually(lambda: process.states().get("kept") and manager.faults.count("/save_results/"))


async def done(manager):
    return any(batch["state"] == "done" for batch in await manager.batches())


async def delivered_unheard(process, manager, pictures):
    manager.faults.reply_lost |= {"/save_results/"}
    pictures.open.set()
    await eventually(lambda: done(manager))
    assert process.states() == {"kept": 1}


@pytest.mark.parametrize("until", [leased, running, kept, delivered_unheard])
async def test_a_kill_loses_nothing_and_doubles_nothing(manager, settings, pictures, job_id, until):
    pictures.open.clear()
    async with worker_process(settings) as process:
        await until(process, manager, pictures)
        child = process.child_pid
        await process.kill()
    await eventually(lambda: not Path(f"/proc/{child}").exists())
    pictures.open.set()
    manager.faults.unavailable.clear()
    manager.faults.reply_lost.clear()
    async with worker_process(settings) as process:
        job = await manager.closed(job_id)
        await eventually(lambda: process.states() == {"delivered": 1})
        await eventually(lambda: not list(settings.spool_dir.iterdir()) and not list(settings.cache_dir.iterdir()))
    assert (job.state, job.counts.done, job.counts.blank, job.counts.failed) == (JobState.FINISHED, 2, 1, 0)
    (blob,) = await manager.blobs(job_id)
    assert read_results(blob).attempt == 1
    (batch,) = await manager.batches()
    assert (batch["losses"], batch["crashes"]) == (0, 0)


async def test_a_signal_stops_in_order_and_a_second_one_at_once(manager, settings, pictures, job_id):
    pictures.open.clear()
    async with worker_process(settings) as process:
        await eventually(lambda: pictures.asked)
        os.kill(process.child_pid, signal.SIGSTOP)
        pictures.open.set()
        await eventually(lambda: process.states().get("running"))
        process.process.terminate()
        await eventually(lambda: stopping(process))
        process.process.terminate()
        assert await process.process.wait() == 143
    async with worker_process(settings) as process:
        assert (await manager.closed(job_id)).state is JobState.FINISHED
        process.process.terminate()
        assert await process.process.wait() == 0


async def stopping(process):
    """It has heard the signal, and goes on with what it computes."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{process.port}") as page:
        return (await page.get("/info")).json()["closed_because"] == "stopping"


async def test_what_nobody_heard_us_give_back_is_taken_up_at_the_next_start(manager, settings, pictures, job_id):
    """As when a whole machine goes down, and the Manager with it: the batch does not wait for its lease to end."""
    pictures.open.clear()
    async with worker_process(settings) as process:
        await eventually(lambda: pictures.asked)
        manager.faults.unavailable |= {"/release/", "/heartbeat/"}
        process.process.terminate()
        assert await process.process.wait() == 0  # its grace is longer than this test may last
        assert process.states() == {"leased": 1}
    manager.faults.unavailable.clear()
    pictures.open.set()
    async with worker_process(settings):
        assert (await manager.closed(job_id)).state is JobState.FINISHED
    (batch,) = await manager.batches()
    assert (batch["attempt"], batch["losses"]) == (1, 0)


async def test_what_cannot_be_delivered_is_left_with_a_code_of_its_own_and_delivered_at_the_next_start(
    manager, tmp_path, job_id
):
    settings = worker_settings(tmp_path / "hurried", intervals={"grace": 0.2})
    await enrol(manager, settings)
    manager.faults.unavailable |= {"/save_results/"}
    async with worker_process(settings) as process:
        await eventually(lambda: process.states().get("kept"))
        process.process.terminate()
        assert await process.process.wait() == 75
    manager.faults.unavailable.clear()
    async with worker_process(settings) as process:
        assert (await manager.closed(job_id)).state is JobState.FINISHED
        await eventually(lambda: process.states() == {"delivered": 1})  # it has heard so itself
        process.process.terminate()
        assert await process.process.wait() == 0


async def test_what_is_computed_when_the_signal_comes_is_finished_and_delivered(manager, settings, pictures, job_id):
    pictures.open.clear()
    async with worker_process(settings) as process:
        await eventually(lambda: pictures.asked)
        child = process.child_pid
        os.kill(child, signal.SIGSTOP)
        pictures.open.set()
        await eventually(lambda: process.states().get("running"))
        process.process.terminate()
        await eventually(lambda: stopping(process))
        beats = manager.faults.count("/heartbeat/")
        await eventually(lambda: manager.faults.count("/heartbeat/") > beats + 1)
        os.kill(child, signal.SIGCONT)
        assert await process.process.wait() == 0
        assert process.states() == {"delivered": 1}
    assert (await manager.closed(job_id)).state is JobState.FINISHED
