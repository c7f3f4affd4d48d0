"""The background door of accepted work."""

from uuid import UUID

from ai_manager.base import task
from ai_manager.deps import Work
from ai_manager.jobs import queries
from ai_manager.jobs.plan import plan_job
from ai_manager.jobs.put_away import put_away_job
from ai_manager.jobs.settle import settle_job

LIMIT = 100


@task("jobs.plan", swept_by="jobs.plan_due")
async def plan(work: Work, job_id: str) -> None:
    """Cut what should be waiting."""
    await plan_job(work, UUID(job_id))


@task("jobs.settle", swept_by="jobs.settle_due")
async def settle(work: Work, job_id: str) -> None:
    """Close it, if it is over."""
    await settle_job(work, UUID(job_id))


@task("jobs.put_away", swept_by="jobs.put_away_due")
async def put_away(work: Work, job_id: str) -> None:
    """Make room in the queue."""
    await put_away_job(work, UUID(job_id))


@task("jobs.plan_due", every="intervals.sweep", max_retries=0)
async def plan_due(work: Work) -> None:
    """Every job of which too little waits."""
    async with work.db() as db:
        due = await queries.to_plan(db, fewer_than=work.settings.waiting_base, limit=LIMIT)
    for job_id in due:
        await plan_job(work, job_id)


@task("jobs.settle_due", every="intervals.sweep", max_retries=0)
async def settle_due(work: Work) -> None:
    """Every job that should be closed by now."""
    async with work.db() as db:
        due = await queries.to_settle(db, limit=LIMIT)
    for job_id in due:
        await settle_job(work, job_id)


@task("jobs.put_away_due", every="intervals.sweep", max_retries=0)
async def put_away_due(work: Work) -> None:
    """Every closed job that still stands in the queue."""
    async with work.db() as db:
        due = await queries.to_put_away(db, limit=LIMIT)
    for job_id in due:
        await put_away_job(work, job_id)
