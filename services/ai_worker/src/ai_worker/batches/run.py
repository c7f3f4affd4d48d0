"""Computes the batches in hand, oldest first: waits for media and weights, feeds a device, keeps the results."""

import asyncio
import logging
from dataclasses import replace

from prometheus_client import Counter, Gauge, Histogram

from ai_worker.base import DiskFull, writing
from ai_worker.batches import queries
from ai_worker.batches.hand import Dropped, Hand
from ai_worker.batches.models import Run
from ai_worker.batches.prepare import begin_preparing
from ai_worker.batches.prove import prove
from ai_worker.batches.release import Reason, clear_media, end_run, release_batch
from ai_worker.batches.state import RunState
from ai_worker.devices.run_child import InferenceChild
from ai_worker.devices.work import BatchWork, CannotRun, InferenceDied, Ran
from ai_worker.model_store.fetch import WeightsUnusable
from ai_worker.results.keep import note_kept, write_down
from trapper_kit.logs import bound, log
from trapper_schemas.v1.batches import BatchLease

_LONGEST_PAUSE = 600.0
_MOST_DOUBLINGS = 20
PICTURES = Counter("trapper_pictures_total", "Pictures looked at, by how they ended", ["outcome"])
STAGE_SECONDS = Counter("trapper_stage_seconds_total", "Seconds that a device spent on each model", ["sha256"])
SPEED = Gauge("trapper_images_per_second", "Pictures per second of the last batch, by its first model", ["sha256"])
BATCH_SECONDS = Histogram(
    "trapper_batch_seconds", "Seconds of computing one batch", buckets=(0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 900)
)


async def run_batches(work: Hand) -> bool:
    """Compute what is in hand, on all devices at once, until nothing more is to be done."""
    wakeup = work.wakeups.event("batches.run")
    under_way: set[asyncio.Task[None]] = set()
    try:
        while True:
            wakeup.clear()
            while work.devices.has_lane() and (run := await _next_run(work)) is not None:
                work.computing.add(run.id)
                under_way.add(asyncio.create_task(_run_on_device(work, run)))
                await asyncio.sleep(0)  # it takes its lane before the next one is looked for
            if not under_way:
                return False
            await _until_one_is_done(under_way, wakeup)
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _until_one_is_done(under_way: set[asyncio.Task[None]], wakeup: asyncio.Event) -> None:
    """Or until there is a reason to look again; what is done leaves the set."""
    sent = asyncio.create_task(wakeup.wait())
    try:
        await asyncio.wait({*under_way, sent}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        sent.cancel()
    for task in [task for task in under_way if task.done()]:
        under_way.remove(task)
        task.result()


async def _next_run(work: Hand) -> Run | None:
    """The oldest run that no device was given, whose lease still lasts and for which everything is here.

    One whose pictures are out of reach holds nobody up: the others are prepared meanwhile, and computed first.
    """
    if work.switches.stopping:
        return None
    async with work.db() as db:
        unfinished = await queries.unfinished(db)  # one marked running was left so by a step that failed
    for run in unfinished:
        if run.id in work.computing or run.lease is None or not work.holds(run.id):
            continue
        if run.id not in work.preparing:
            begin_preparing(work, run.id, BatchLease.model_validate(run.lease))
        elif work.preparing[run.id].done():
            return run
    return None


async def _run_on_device(work: Hand, run: Run) -> None:
    try:
        with work.devices.one() as child, bound(batch=str(run.batch_id), attempt=run.attempt):
            await _run(work, child, run, BatchLease.model_validate(run.lease))
    finally:
        work.computing.discard(run.id)


async def _run(work: Hand, child: InferenceChild, run: Run, lease: BatchLease) -> None:
    """Whatever happens, the run ends in one of its states, and nobody else's batch is touched."""
    try:
        ran = await work.within(run.id, _compute(work, child, run, lease))
        await _keep(work, run, lease, ran)
    except Dropped:
        if not work.switches.stopping:  # who leaves has given it back, or keeps it for the next start
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


async def _give_back(work: Hand, run: Run, reason: Reason, message: str) -> None:
    """What stopped this batch would stop the next one as well, so claiming pauses: each time for twice as long.

    Else one machine of many, on which nothing runs, would use up every batch that comes its way.
    """
    log("batch.impossible", level=logging.ERROR, reason=reason, problem=message)
    pause = min(_LONGEST_PAUSE, work.settings.intervals.refused * 2 ** min(work.refusals, _MOST_DOUBLINGS))
    work.refusals += 1
    work.switches.hold(reason, until=work.monotonic() + pause)
    await release_batch(work, run, reason, message)


async def _give_back_dead(work: Hand, child: InferenceChild, run: Run, message: str) -> None:
    """It was the batch, which then is a crash of it, or the device: one that does not compute kills any batch."""
    try:
        await child.try_out()
    except (CannotRun, InferenceDied) as problem:
        await _give_back(work, run, "cannot_run", f"device-broken: {message}; {problem}")
    else:
        await release_batch(work, run, "inference_died", message)


async def _compute(work: Hand, child: InferenceChild, run: Run, lease: BatchLease) -> Ran:
    prepared = await begin_preparing(work, run.id, lease)
    async with work.db() as db:
        if not await queries.start(db, run.id):
            raise Dropped
    log("batch.started", resources=run.total)
    # A model that this process has not run yet shows on its golden inputs that it can, on the device as it is.
    stages = tuple([replace(stage, checksum=await prove(work, child, stage)) for stage in prepared.stages])
    doing = BatchWork(run.batch_id, run.attempt, work.worker_id, stages, prepared.resources)
    return await child.run(doing, on_progress=lambda done: work.progress.__setitem__(run.id, done))


async def _keep(work: Hand, run: Run, lease: BatchLease, ran: Ran) -> None:
    """First the bytes, then the rows, then everything else."""
    await write_down(work, run.id, ran.blob)
    with writing("rows"):
        await _note(work, run, lease, ran)
    work.forget(run.id)
    work.refusals = 0
    clear_media(work, run.id)
    _measure(work, lease, ran)
    for hurried in ("results.deliver", "batches.claim"):
        work.wakeups.wake(hurried)
    log("batch.kept", seen=ran.seen, blank=ran.blank, failed=ran.failed, seconds=ran.seconds, bytes=len(ran.blob))


async def _note(work: Hand, run: Run, lease: BatchLease, ran: Ran) -> None:
    async with work.db() as db:
        if not await queries.become(db, run.id, RunState.KEPT):
            raise Dropped
        note_kept(db, run_id=run.id, batch_id=run.batch_id, attempt=run.attempt, token=lease.token, blob=ran.blob)


def _measure(work: Hand, lease: BatchLease, ran: Ran) -> None:
    first = lease.stages[0].stage.model.key
    if ran.seen:  # pictures that never came fail at once, and say nothing of how fast this machine looks
        work.speeds[first] = ran.images_per_second
        SPEED.labels(first).set(ran.images_per_second)
    work.model_speeds |= ran.model_images_per_second
    BATCH_SECONDS.observe(ran.seconds)
    for sha256, seconds in ran.model_seconds.items():
        STAGE_SECONDS.labels(sha256).inc(seconds)
    for outcome, count in (("seen", ran.seen), ("blank", ran.blank), ("failed", ran.failed)):
        PICTURES.labels(outcome).inc(count)
