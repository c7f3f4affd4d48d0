"""A whole worker with two devices, both of them the processor here."""

import os
import signal

import pytest

from tests.support.workers import eventually
from trapper_schemas.read_results import read_results
from trapper_schemas.v1.jobs import JobState

TWO = {"devices": ["cpu:0", "cpu:1"], "threads": 2}


async def test_two_batches_are_looked_at_at_once_each_on_its_device(manager, pictures, stage, worker):
    job_id = await manager.submit([stage], pictures.photos([1] * 8), origins=[pictures.url])
    pictures.open.clear()
    async with worker(**TWO) as working:
        await eventually(lambda: working.work.devices.ready and pictures.asked)
        pids = [child.pid for child in working.work.devices.children.each]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        pictures.open.set()
        await eventually(lambda: all(child.aboard for child in working.work.devices.children.each))
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        job = await manager.closed(job_id)
    assert (job.state, job.counts.done) == (JobState.FINISHED, 8)
    blobs = [read_results(blob) for blob in await manager.blobs(job_id)]
    assert sorted(blob.stages[0].device for blob in blobs) == ["cpu:0", "cpu:1"]


async def test_a_device_that_dies_costs_its_own_batch_only(manager, pictures, stage, worker):
    job_id = await manager.submit([stage], pictures.photos([1] * 8), origins=[pictures.url])
    pictures.open.clear()
    async with worker(**TWO) as working:
        await eventually(lambda: working.work.devices.ready and pictures.asked)
        first = working.work.devices.children.each[0]
        os.kill(first.pid, signal.SIGSTOP)
        pictures.open.set()
        await eventually(lambda: first.aboard)
        await eventually(lambda: manager.rows("select 1 from batches where state = 'done'"))
        os.kill(first.pid, signal.SIGKILL)
        job = await manager.closed(job_id)
    assert (job.state, job.counts.done) == (JobState.FINISHED, 8)
    assert len(await manager.blobs(job_id)) == 3  # two halves of the one that died, and the other, which never noticed


@pytest.mark.parametrize(
    ("devices", "said"), [(["cuda:0", "cpu:0"], "asked for cuda:0, cpu:0"), (["cpu:0", "cpu:0"], "named twice")]
)
async def test_devices_that_cannot_be_are_refused_at_the_start(worker, devices, said):
    with pytest.raises(Exception, match=said):
        async with worker(devices=devices):
            pass
