"""Reduces a job that ended long ago to its row with the counts."""

from datetime import timedelta
from uuid import UUID

from ai_manager.batches import queries as batches
from ai_manager.deps import Work
from ai_manager.jobs import queries as jobs
from ai_manager.results import queries
from ai_manager.results.delete_blobs import delete_unreferenced
from trapper_kit.logs import log

AT_ONCE = 100


async def reduce_jobs(work: Work) -> int:
    """Returns how many jobs were reduced, each in its own transaction."""
    quiet_since = work.clock.now() - timedelta(days=work.settings.job_days)
    async with work.db() as db:
        due = await queries.to_reduce(db, quiet_since=quiet_since, limit=AT_ONCE)
    for job_id in due:
        await _reduce(work, job_id)
    return len(due)


async def _reduce(work: Work, job_id: UUID) -> None:
    async with work.db() as db:
        job = await jobs.lock(db, job_id)
        if job is None or job.reduced_at is not None or not job.compacted:
            return
        blobs = await queries.delete_of_job(db, job_id)
        await batches.delete_of_job(db, job_id)
        job.reduced_at = work.clock.now()
    await delete_unreferenced(work, blobs)
    log("job.reduced", job_id=job_id)
