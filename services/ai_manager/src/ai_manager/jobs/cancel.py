"""Cancels a job: no more leases, and workers learn of it with their next heartbeat."""

from datetime import datetime
from uuid import UUID

from ai_manager.batches import queries as batches
from ai_manager.jobs import queries
from ai_manager.jobs.errors import JobNotFound
from ai_manager.jobs.models import Job
from trapper_kit.db import Session, enqueue_after_commit
from trapper_kit.logs import log
from trapper_schemas.v1.jobs import JobState


async def cancel_job(db: Session, job_id: UUID, *, caller: str, now: datetime) -> Job:
    """Cancels the job; a closed one stays as it is, and finished results can still be fetched."""
    job = await queries.lock(db, job_id, caller=caller)
    if job is None:
        raise JobNotFound(job_id=str(job_id))
    if job.closed_at is not None:
        return job
    await queries.close_terms(db, job_id)  # before the batches: who splits one holds the terms first
    cancelled = await batches.cancel_of_job(db, job_id)
    await queries.drop_all_chunks(db, job_id)
    await queries.delete_unsealed(db, job_id)
    sums = await queries.sums(db, job_id)
    job.done, job.blank, job.failed = sums.done, sums.blank, sums.failed
    job.state, job.closed_at = JobState.CANCELLED, now
    job.sealed, job.planned_through = True, job.total
    await db.flush()
    enqueue_after_commit(db, "jobs.compact", job_id=job_id)
    log("job.cancelled", job_id=job_id, batches=cancelled)
    return job
