"""Releases an unfinished batch with a reason."""

import logging
import shutil
from typing import Literal
from uuid import UUID

from prometheus_client import Counter

from ai_worker.batches import queries
from ai_worker.batches.models import Run
from ai_worker.batches.worker import Worker
from ai_worker.leases.events import RunEnded, RunParked
from ai_worker.leases.runs import RunState
from trapper_kit.logs import log
from trapper_kit.problems import Problem
from trapper_schemas.v1.batches import BatchLease, BatchRelease

GIVEN_UP = Counter("trapper_batches_given_up_total", "Batches that ended here without results, by reason", ["reason"])
Reason = Literal["draining", "inference_died", "cannot_run", "disk_full"]
_SERVER_ERROR = 500
"""From this status on, a refusal does not say that the Manager took note."""


async def release_batch(work: Worker, run: Run, reason: Reason, message: str = "") -> None:
    """Release the batch at the Manager, then end the run; without an answer the Manager waits for the lease to end."""
    work.runs.drop(run.id)
    await _release(work, run, reason, message)
    await _end_released(work, run, reason, message)


async def release_or_park(work: Worker, run: Run) -> None:
    """Release the batch because the process leaves; when the Manager does not answer, park the run.

    A parked run is taken up at the next start, since its lease still lasts. This happens when a whole machine goes down
    and the Manager with it: a run that was ended here would make its batch wait for the end of the lease.
    """
    work.runs.drop(run.id)
    if await _release(work, run, "draining", ""):
        await _end_released(work, run, "draining", "")
    else:
        await park_run(work, run)


async def park_run(work: Worker, run: Run) -> None:
    """Leave the run to the next start; that the process leaves does not count as a crash of the batch."""
    work.runs.drop(run.id)
    async with work.db() as db:
        await queries.become(db, run.id, RunState.LEASED)
    work.handle(RunParked(run.id))


async def _release(work: Worker, run: Run, reason: Reason, message: str) -> bool:
    """Returns whether the Manager answered; a refusal is an answer."""
    if run.lease is None:
        return True
    lease = BatchLease.model_validate(run.lease)
    try:
        await work.manager.release(run.batch_id, BatchRelease(token=lease.token, reason=reason, message=message[:2000]))
    except Problem as problem:
        log("release.failed", level=logging.WARNING, batch=str(run.batch_id), problem=str(problem))
        return problem.status < _SERVER_ERROR
    return True


async def _end_released(work: Worker, run: Run, reason: Reason, message: str) -> None:
    await end_run(work, run.id, reason if not message else f"{reason}: {message}")
    log("batch.released", batch=str(run.batch_id), attempt=run.attempt, reason=reason, message=message)


async def end_run(work: Worker, run_id: UUID, because: str) -> None:
    """End an unfinished run without a result, and delete its media; a result that is kept meanwhile stays."""
    async with work.db() as db:
        was_unfinished = await queries.release_unfinished(db, run_id, because[:2000])
    if was_unfinished:
        work.runs.drop(run_id)
        GIVEN_UP.labels(because.partition(":")[0]).inc()
        clear_media(work, run_id)
        work.handle(RunEnded(run_id))


def clear_media(work: Worker, run_id: UUID) -> None:
    """Delete the fetched files of a run."""
    shutil.rmtree(work.media_folder(run_id), ignore_errors=True)
