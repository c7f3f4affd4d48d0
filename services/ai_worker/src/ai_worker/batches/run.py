"""Computes leased batches, oldest first: waits for media and weights, runs a device, stores the results."""

import asyncio
import logging
from dataclasses import replace

from prometheus_client import Counter, Gauge, Histogram

from ai_worker.base import DiskFull, writing
from ai_worker.batches import queries
from ai_worker.batches.active_runs import Dropped
from ai_worker.batches.models import Run
from ai_worker.batches.prepare import begin_preparing
from ai_worker.batches.release import Reason, clear_media, end_run, release_batch
from ai_worker.batches.self_test import self_test
from ai_worker.batches.worker import Worker
from ai_worker.devices.run_child import InferenceChild
from ai_worker.devices.work import BatchWork, CannotRun, InferenceDied, Ran
from ai_worker.leases.events import RunFailed, RunKept, RunStarted
from ai_worker.leases.runs import RunState
from ai_worker.model_store.fetch import WeightsUnusable
from ai_worker.results.keep import note_kept, write_down
from trapper_kit.logs import bound, log
from trapper_schemas.v1.batches import BatchLease

PICTURES = Counter("trapper_pictures_total", "Images computed, by outcome", ["outcome"])
STAGE_SECONDS = Counter("trapper_stage_seconds_total", "Seconds that devices spent on each model", ["sha256"])
SPEED = Gauge("trapper_images_per_second", "Images per second of the last batch, by its first model", ["sha256"])
BATCH_SECONDS = Histogram(
    "trapper_batch_seconds", "Seconds of computing one batch", buckets=(0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 900)
)


async def run_batches(work: Worker) -> bool:
    """Compute leased batches on all devices at once, until none is left; always False."""
    wakeup = work.wakeups.event("batches.run")
    under_way: set[asyncio.Task[None]] = set()
    try:
        while True:
            wakeup.clear()
            while work.devices.children.has_lane() and (run := await _next_run(work)) is not None:
                work.runs.on_device.add(run.id)
                under_way.add(asyncio.create_task(_run_on_device(work, run)))
                await asyncio.sleep(0)  # so that it takes its lane before the next run is chosen
            if not under_way:
                return False
            await _wait_for_run_or_wakeup(under_way, wakeup)
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _wait_for_run_or_wakeup(under_way: set[asyncio.Task[None]], wakeup: asyncio.Event) -> None:
    """Wait for the end of a run or for a wake-up; runs that have ended leave the set."""
    waking = asyncio.create_task(wakeup.wait())
    try:
        await asyncio.wait({*under_way, waking}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waking.cancel()
    for task in [task for task in under_way if task.done()]:
        under_way.remove(task)
        task.result()


async def _next_run(work: Worker) -> Run | None:
    """The oldest run that no device was given, whose lease lasts and for which everything is here.

    A run whose media are out of reach delays no other: the others are prepared meanwhile, and computed first.
    """
    if work.state.stopping:
        return None
    async with work.db() as db:
        unfinished = await queries.unfinished(db)  # a turn that failed may have left a run marked running
    for run in unfinished:
        if run.id in work.runs.on_device or run.lease is None or not work.state.holds(run.id, work.monotonic()):
            continue
        preparation = work.runs.preparation(run.id)
        if preparation is None:
            begin_preparing(work, run.id, BatchLease.model_validate(run.lease))
        elif preparation.done():
            return run
    return None


async def _run_on_device(work: Worker, run: Run) -> None:
    try:
        with work.devices.children.least_busy() as child, bound(batch=str(run.batch_id), attempt=run.attempt):
            await _run(work, child, run, BatchLease.model_validate(run.lease))
    finally:
        work.runs.on_device.discard(run.id)


async def _run(work: Worker, child: InferenceChild, run: Run, lease: BatchLease) -> None:
    """Computes one run; whatever happens, it ends in a final state and affects no other run."""
    try:
        ran = await work.runs.within(run.id, _compute(work, child, run, lease))
        await _keep(work, run, lease, ran)
    except Dropped:
        if not work.state.stopping:  # a process that leaves has released or parked it
            await end_run(work, run.id, "lost")
    except DiskFull as problem:
        await _give_back(work, run, "disk_full", str(problem))
    except WeightsUnusable as problem:
        await _give_back(work, run, "cannot_run", f"{problem.reason}: {problem}")
    except CannotRun as problem:
        await _give_back(work, run, "cannot_run", f"{problem.reason}: {problem}")
    except InferenceDied as problem:
        log("inference.died", level=logging.ERROR, problem=str(problem))
        await _give_back_dead(work, child, run, str(problem))
    except Exception as problem:  # noqa: BLE001 - a defect of ours must not hold a batch until its lease ends
        log("batch.failed", level=logging.ERROR, error=problem)
        await _give_back(work, run, "cannot_run", f"{type(problem).__name__}: {problem}")


async def _give_back(work: Worker, run: Run, reason: Reason, message: str) -> None:
    """Releases a batch that cannot be computed here and pauses claims (backoff, doubling each time).

    What stopped this batch would stop the next one as well: without the pause, one broken machine of many would use up
    every batch that is offered to it.
    """
    log("batch.impossible", level=logging.ERROR, reason=reason, problem=message)
    work.handle(RunFailed(work.monotonic(), reason))
    await release_batch(work, run, reason, message)


async def _give_back_dead(work: Worker, child: InferenceChild, run: Run, message: str) -> None:
    """Tests the device again: if it computes, the batch caused the crash, else the device is broken."""
    try:
        await child.test_device()
    except (CannotRun, InferenceDied) as problem:
        await _give_back(work, run, "cannot_run", f"device-broken: {message}; {problem}")
    else:
        await release_batch(work, run, "inference_died", message)


async def _compute(work: Worker, child: InferenceChild, run: Run, lease: BatchLease) -> Ran:
    prepared = await begin_preparing(work, run.id, lease)
    if work.state.stopping:
        raise Dropped
    work.handle(RunStarted(run.id))  # before the row says so: a stop that comes in between would release it
    async with work.db() as db:
        if not await queries.start(db, run.id):
            raise Dropped
    log("batch.started", resources=run.total)
    # A model that is new to this process runs its golden inputs on this device first.
    stages = tuple([replace(stage, checksum=await self_test(work, child, stage)) for stage in prepared.stages])
    batch = BatchWork(run.batch_id, run.attempt, work.worker_id, stages, prepared.resources)
    active = work.runs.get(run.id)
    return await child.run(batch, on_progress=lambda done: setattr(active, "done", done))


async def _keep(work: Worker, run: Run, lease: BatchLease, ran: Ran) -> None:
    """Makes the result durable: first the bytes, then the rows."""
    await write_down(work, run.id, ran.blob)
    with writing("rows"):
        await _note(work, run, lease, ran)
    work.handle(RunKept(run.id))
    work.runs.remove(run.id)
    clear_media(work, run.id)
    _measure(work, lease, ran)
    log("batch.kept", seen=ran.seen, blank=ran.blank, failed=ran.failed, seconds=ran.seconds, bytes=len(ran.blob))


async def _note(work: Worker, run: Run, lease: BatchLease, ran: Ran) -> None:
    async with work.db() as db:
        if not await queries.become(db, run.id, RunState.KEPT):
            raise Dropped
        note_kept(db, run_id=run.id, batch_id=run.batch_id, attempt=run.attempt, token=lease.token, blob=ran.blob)


def _measure(work: Worker, lease: BatchLease, ran: Ran) -> None:
    first = lease.stages[0].stage.model.key
    if ran.seen:  # media that never came fail at once, and say nothing about the speed of this machine
        work.speeds.batches[first] = ran.images_per_second
        SPEED.labels(first).set(ran.images_per_second)
    work.speeds.models |= ran.model_images_per_second
    BATCH_SECONDS.observe(ran.seconds)
    for sha256, seconds in ran.model_seconds.items():
        STAGE_SECONDS.labels(sha256).inc(seconds)
    for outcome, count in (("seen", ran.seen), ("blank", ran.blank), ("failed", ran.failed)):
        PICTURES.labels(outcome).inc(count)
