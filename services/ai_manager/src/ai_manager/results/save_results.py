"""Saves the results of a batch: checks the blob, stores it, and closes the batch by its token."""

import asyncio
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import zstandard

from ai_manager.batches import queries as batches
from ai_manager.batches import queries_hot
from ai_manager.batches.errors import BatchNotFound, JobCancelled, LeaseLost
from ai_manager.batches.make_lease_context import lease_context
from ai_manager.batches.models import Batch, FinishedBatch
from ai_manager.batches.pack import unpack
from ai_manager.batches.queries_hot import Finish, Finished, Present
from ai_manager.batches.state import BatchState
from ai_manager.deps import Work
from ai_manager.jobs.settle import notify_expert
from ai_manager.results import queries
from ai_manager.results.inspect import Inspected, inspect_results
from ai_manager.results.keep import keep
from trapper_kit.db import Session, TaskMessage
from trapper_kit.logs import log
from trapper_kit.text import clean
from trapper_schemas.codec import Limits
from trapper_schemas.v1.check_results import Expectation, features_width

SMALL_BYTES = 64 * 1024


@dataclass(frozen=True)
class Brought:
    """A result as a worker sent it, with the token of its lease."""

    batch_id: UUID
    worker_id: UUID
    token: str
    sha256: str
    blob: bytes


async def save_results(work: Work, brought: Brought) -> Finished | None:
    """Returns the job whose batch was closed, or None when the same bytes were saved before."""
    present = await work.direct.batched(queries_hot.present, brought.batch_id)
    if present is None or present.state != BatchState.LEASED or present.token != brought.token:
        return await _not_held(work, brought)
    inspected = await _inspect(work, brought, present)
    in_row = await keep(work, brought.sha256, brought.blob)
    finish = Finish(
        brought.batch_id,
        brought.token,
        brought.worker_id,
        brought.sha256,
        len(brought.blob),
        in_row,
        inspected.counts,
        [(failure.resource_id, failure.code, clean(failure.message)) for failure in inspected.failures],
    )
    finished = await work.direct.batched(queries_hot.finish, finish)
    if finished is None:
        return await _not_held(work, brought)
    log(
        "batch.done",
        batch_id=brought.batch_id,
        job_id=finished.job_id,
        worker_id=brought.worker_id,
        **vars(inspected.counts),
    )
    job_id = str(finished.job_id)
    work.database.enqueue_soon(
        TaskMessage("jobs.plan", {"job_id": job_id}), TaskMessage("jobs.settle", {"job_id": job_id})
    )
    notify_expert(work, finished.notification_queue, finished.job_id)
    return finished


async def _inspect(work: Work, brought: Brought, present: Present) -> Inspected:
    job = await lease_context(work, present.job_id)
    resources = unpack(present.resources)
    expected = Expectation(
        batch_id=brought.batch_id,
        attempt=present.attempt,
        resource_ids=tuple(resource.id for resource in resources),
        media_sha256=tuple(resource.sha256 for resource in resources),
        stages=job.config.stages,
        labels=tuple(len(model.spec.labels) if model.spec else 0 for model in job.models),
        features=features_width(
            {model.kind: model.spec.embedding.dimension for model in job.models if model.spec and model.spec.embedding}
        ),
    )
    check = partial(
        inspect_results,
        brought.blob,
        sha256=brought.sha256,
        expected=expected,
        models=job.models,
        worker_id=brought.worker_id,
        limits=Limits(work.settings.results_limit_bytes, work.settings.content_limit_bytes),
    )
    if _is_small(brought.blob):
        return check()
    async with work.inspections:
        return await asyncio.to_thread(check)


def _is_small(blob: bytes) -> bool:
    """Returns whether checking it inline is faster than a thread; what is no blob is refused at once."""
    try:
        return 0 <= zstandard.frame_content_size(blob) <= SMALL_BYTES
    except zstandard.ZstdError:
        return True


async def _find(db: Session, batch_id: UUID) -> Batch | FinishedBatch:
    batch = await batches.find(db, batch_id)
    if batch is None:
        raise BatchNotFound(batch_id=str(batch_id))
    return batch


async def _not_held(work: Work, brought: Brought) -> None:
    """Accepts the same bytes again; anything else is too late and is recorded."""
    async with work.db() as db:
        batch = await _find(db, brought.batch_id)
    same_worker = batch.worker_id == brought.worker_id
    if batch.state is BatchState.DONE and same_worker and batch.result_sha256 == brought.sha256:
        return
    if batch.state is BatchState.CANCELLED:
        raise JobCancelled(batch_id=str(batch.id))
    async with work.db() as db:  # committed before the refusal, which is to be remembered
        await queries.note_late(
            db,
            worker_id=brought.worker_id,
            batch_id=batch.id,
            sha256=brought.sha256,
            now=work.clock.now(),
            at_most=work.settings.late_results_per_day,
        )
    raise LeaseLost(batch_id=str(batch.id))
