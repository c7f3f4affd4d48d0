"""A worker brings a batch: check the blob, keep it, then close the batch by its token, in one transaction."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from ai_manager.batches import queries as batches
from ai_manager.batches.errors import BatchNotFound, JobCancelled, LeaseLost
from ai_manager.batches.models import Batch, FinishedBatch
from ai_manager.batches.pack import unpack
from ai_manager.batches.state import BatchState
from ai_manager.catalog import queries as catalog
from ai_manager.deps import Work
from ai_manager.results import queries
from ai_manager.results.inspect import Inspected, inspect_results
from trapper_kit.db import Session, ring
from trapper_kit.logs import log
from trapper_schemas.codec import Limits
from trapper_schemas.v1.jobs import Stage
from trapper_schemas.v1.models import ModelEntry
from trapper_schemas.v1.results import Expectation


@dataclass(frozen=True)
class Brought:
    """What a worker sent, and the proof that it may."""

    batch_id: UUID
    worker_id: UUID
    token: str
    sha256: str
    blob: bytes


async def save_results(work: Work, brought: Brought) -> tuple[UUID, bool]:
    """The job, and whether these very bytes had been saved before."""
    async with work.db() as db:
        batch = await _find(db, brought.batch_id)
        if not isinstance(batch, Batch) or batch.state is not BatchState.LEASED or batch.lease_token != brought.token:
            expected, models = None, list[ModelEntry]()
        else:
            expected, models = await _expectation(db, batch)
    if expected is None:
        return await _not_held(work, batch, brought)
    async with work.inspections:
        inspected = await asyncio.to_thread(
            inspect_results,
            brought.blob,
            sha256=brought.sha256,
            expected=expected,
            models=models,
            worker_id=brought.worker_id,
            limits=Limits(work.settings.results_limit_bytes, work.settings.content_limit_bytes),
        )
    await work.blobs.put("results", brought.blob)  # before the row that names it
    async with work.db() as db:
        if await _close(db, brought, batch.job_id, inspected):
            return batch.job_id, False
        batch = await _find(db, brought.batch_id)
    return await _not_held(work, batch, brought)


async def _find(db: Session, batch_id: UUID) -> Batch | FinishedBatch:
    batch = await batches.find(db, batch_id)
    if batch is None:
        raise BatchNotFound(batch_id=str(batch_id))
    return batch


async def _close(db: Session, brought: Brought, job_id: UUID, inspected: Inspected) -> bool:
    closed = await batches.finish(
        db,
        brought.batch_id,
        token=brought.token,
        worker_id=brought.worker_id,
        result_sha256=brought.sha256,
        counts=inspected.counts,
    )
    if closed:
        await queries.save(
            db,
            batch_id=brought.batch_id,
            job_id=job_id,
            sha256=brought.sha256,
            size_bytes=len(brought.blob),
            exhausted=False,
            failures=inspected.failures,
        )
        ring(db, "jobs.plan", job_id=job_id)
        ring(db, "jobs.settle", job_id=job_id)
        log(
            "batch.done",
            batch_id=brought.batch_id,
            job_id=job_id,
            worker_id=brought.worker_id,
            **vars(inspected.counts),
        )
    return closed


async def _not_held(work: Work, batch: Batch | FinishedBatch, brought: Brought) -> tuple[UUID, bool]:
    """The same bytes again are fine; anything else is too late, and noted."""
    same_worker = batch.worker_id == brought.worker_id
    if batch.state is BatchState.DONE and same_worker and batch.result_sha256 == brought.sha256:
        return batch.job_id, True
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


async def _expectation(db: Session, batch: Batch) -> tuple[Expectation, list[ModelEntry]]:
    terms = (await batches.terms_of(db, [batch.job_id]))[batch.job_id]
    stages = tuple(Stage.model_validate(stage) for stage in terms.stages)
    known = await catalog.by_refs(db, [stage.model for stage in stages])
    models = [ModelEntry.model_validate(known[catalog.key_of(stage.model)].entry) for stage in stages]
    expected = Expectation(
        batch_id=batch.id,
        attempt=batch.attempt,
        resource_ids=tuple(resource.id for resource in unpack(batch.resources)),
        stages=stages,
        labels=tuple(len(model.spec.labels) if model.spec else 0 for model in models),
    )
    return expected, models
