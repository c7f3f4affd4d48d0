"""Appends a page of resources to a job that is not sealed."""

from uuid import UUID

from ai_manager.jobs import queries
from ai_manager.jobs.accept import add_chunks, add_ids
from ai_manager.jobs.errors import JobNotFound, JobSealed, PageOutOfTurn
from ai_manager.jobs.models import Job
from ai_manager.jobs.read_submission import Submission
from trapper_kit.db import Session, enqueue_after_commit
from trapper_kit.idempotency import check_same


async def append_page(
    db: Session, job_id: UUID, submission: Submission, *, page: int, sealed: bool, caller: str
) -> Job:
    """Appends the next page; the last page again, with the same body, changes nothing."""
    job = await queries.lock(db, job_id, caller=caller)
    if job is None:
        raise JobNotFound(job_id=str(job_id))
    if page == job.last_page:
        check_same(job.last_page_hash, submission.sha256)
        return job
    if job.sealed:
        raise JobSealed(job_id=str(job_id))
    if page != job.last_page + 1:
        raise PageOutOfTurn(f"page {job.last_page + 1} is the next; send it before others", expected=job.last_page + 1)
    await add_chunks(db, job.id, job.total, submission)
    await add_ids(db, job.id, submission)
    if sealed:
        await queries.delete_unsealed(db, job.id)
    job.total += submission.total
    job.last_page, job.last_page_hash, job.sealed = page, submission.sha256, sealed
    await db.flush()
    enqueue_after_commit(db, "jobs.plan", job_id=job.id)
    return job
