"""Task messages and sweeps of jobs."""

from uuid import UUID

from ai_manager.base import task
from ai_manager.deps import Work
from ai_manager.jobs import queries
from ai_manager.jobs.compact import compact_job
from ai_manager.jobs.plan import plan_job
from ai_manager.jobs.settle import settle_job

LIMIT = 100


@task("jobs.plan", swept_by="jobs.plan_due")
async def plan(work: Work, job_id: str) -> None:
    """Plans the job."""
    await plan_job(work, UUID(job_id))


@task("jobs.settle", swept_by="jobs.settle_due")
async def settle(work: Work, job_id: str) -> None:
    """Closes the job if it is over."""
    await settle_job(work, UUID(job_id))


@task("jobs.compact", swept_by="jobs.compact_due")
async def compact(work: Work, job_id: str) -> None:
    """Moves the batches of a closed job out of the queue."""
    await compact_job(work, UUID(job_id))


@task("jobs.plan_due", every="intervals.sweep", max_retries=0)
async def plan_due(work: Work) -> None:
    """Plans every job of which too few batches wait."""
    async with work.db() as db:
        due = await queries.to_plan(db, fewer_than=work.settings.waiting_base, limit=LIMIT)
    for job_id in due:
        await plan_job(work, job_id)


@task("jobs.settle_due", every="intervals.sweep", max_retries=0)
async def settle_due(work: Work) -> None:
    """Closes every job that should be closed by now."""
    async with work.db() as db:
        due = await queries.to_settle(db, limit=LIMIT)
    for job_id in due:
        await settle_job(work, job_id)


@task("jobs.compact_due", every="intervals.sweep", max_retries=0)
async def compact_due(work: Work) -> None:
    """Compacts every closed job whose batches are still in the queue."""
    async with work.db() as db:
        due = await queries.to_compact(db, limit=LIMIT)
    for job_id in due:
        await compact_job(work, job_id)
