"""Gives a batch back that is not finished, and says why."""

import logging
import shutil
from typing import Literal
from uuid import UUID

from prometheus_client import Counter

from ai_worker.batches import queries
from ai_worker.batches.hand import Hand
from ai_worker.batches.models import Run
from ai_worker.batches.state import RunState
from trapper_kit.logs import log
from trapper_kit.problems import Problem
from trapper_schemas.v1.batches import BatchLease, Release

GIVEN_UP = Counter("trapper_batches_given_up_total", "Batches that ended here without results, by reason", ["reason"])
Reason = Literal["draining", "inference_died", "cannot_run", "disk_full", "lost"]
_NOT_HEARD = 500
"""From this status on, an answer does not say that the Manager took note."""


async def release_batch(work: Hand, run: Run, reason: Reason, message: str = "") -> None:
    """Tell the Manager, then end the run; a Manager that does not hear it finds out when the lease ends."""
    work.drop(run.id)
    await _tell(work, run, reason, message)
    await _end_released(work, run, reason, message)


async def hand_back(work: Hand, run: Run) -> bool:
    """Give a batch back on leaving; False when nobody heard it.

    Then the run stays in hand: the lease is still ours, and the next start takes it up again. It is so when the
    whole machine goes down and the Manager with it; forgotten here, the batch would wait for the end of its lease.
    """
    work.drop(run.id)
    if not await _tell(work, run, "draining", ""):
        await keep_for_later(work, run)
        return False
    await _end_released(work, run, "draining", "")
    return True


async def keep_for_later(work: Hand, run: Run) -> None:
    """Leave a batch to our next start; that we leave is no sign that the batch kills."""
    work.drop(run.id)
    async with work.db() as db:
        await queries.become(db, run.id, RunState.LEASED)


async def _tell(work: Hand, run: Run, reason: Reason, message: str) -> bool:
    """Whether the Manager heard it; its refusal is an answer as well."""
    if run.lease is None:
        return True
    lease = BatchLease.model_validate(run.lease)
    try:
        await work.manager.release(run.batch_id, Release(token=lease.token, reason=reason, message=message[:2000]))
    except Problem as problem:
        log("release.unheard", level=logging.WARNING, batch=str(run.batch_id), problem=str(problem))
        return problem.status < _NOT_HEARD
    return True


async def _end_released(work: Hand, run: Run, reason: Reason, message: str) -> None:
    await end_run(work, run.id, reason if not message else f"{reason}: {message}")
    log("batch.released", batch=str(run.batch_id), attempt=run.attempt, reason=reason, message=message)


async def end_run(work: Hand, run_id: UUID, because: str) -> None:
    """The run is over, and nothing of it stays in the cache; for one that the Manager took from us, this is all."""
    work.drop(run_id)
    async with work.db() as db:
        if await queries.become(db, run_id, RunState.RELEASED, because=because[:2000]):
            GIVEN_UP.labels(because.partition(":")[0]).inc()
    clear_media(work, run_id)
    work.wakeups.wake("batches.claim")


def clear_media(work: Hand, run_id: UUID) -> None:
    """Drop the fetched files of a run."""
    shutil.rmtree(work.folder(run_id), ignore_errors=True)
