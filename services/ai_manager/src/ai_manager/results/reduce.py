"""Reduce a job that ended long ago to its row: the counts stay, everything that made them goes."""

from datetime import timedelta
from uuid import UUID

from ai_manager.batches import queries as batches
from ai_manager.deps import Work
from ai_manager.jobs import queries as jobs
from ai_manager.results import queries
from ai_manager.results.forget import delete_unnamed
from trapper_kit.logs import log

AT_ONCE = 100


async def reduce_jobs(work: Work) -> int:
    """How many; each in a transaction of its own."""
    quiet_since = work.clock.now() - timedelta(days=work.settings.job_days)
    async with work.db() as db:
        due = await queries.to_reduce(db, quiet_since=quiet_since, limit=AT_ONCE)
    for job_id in due:
        await _reduce(work, job_id)
    return len(due)


async def _reduce(work: Work, job_id: UUID) -> None:
    async with work.db() as db:
        job = await jobs.lock(db, job_id)
        if job is None or job.reduced_at is not None or not job.put_away:
            return
        blobs = await queries.delete_of_job(db, job_id)
        await batches.delete_of_job(db, job_id)
        job.reduced_at = work.clock.now()
    await delete_unnamed(work, blobs)
    log("job.reduced", job_id=job_id)
