"""Task messages and sweeps of jobs."""

from functools import partial
from uuid import UUID

from expert.base import task
from expert.deps import ExpertWork
from expert.jobs import queries
from expert.jobs.cancel import withdraw_job
from expert.jobs.cover import cover_due
from expert.jobs.follow import follow_job
from expert.jobs.run_each import run_each
from expert.jobs.submit import submit_job

AT_ONCE = 100


@task("jobs.cover", swept_by="jobs.sweep_due", max_retries=0)
async def cover(work: ExpertWork) -> None:
    """Make jobs of due resources now."""
    await cover_due(work)


@task("jobs.sweep_due", every="intervals.sweep")
async def sweep_due(work: ExpertWork) -> None:
    """Make jobs of due resources."""
    await cover_due(work)


@task("jobs.submit", swept_by="jobs.sweep_created", max_retries=0)
async def submit(work: ExpertWork, job_id: str) -> None:
    """Submit one job."""
    await submit_job(work, UUID(job_id))


@task("jobs.sweep_created", every="intervals.sweep")
async def sweep_created(work: ExpertWork) -> None:
    """Submit the jobs that are not submitted yet."""
    async with work.db() as db:
        job_ids = await queries.waiting(db, limit=AT_ONCE)
    await run_each(job_ids, partial(submit_job, work))


@task("jobs.follow", swept_by="jobs.sweep_open", max_retries=0)
async def follow(work: ExpertWork, job_id: str) -> None:
    """Poll one job."""
    await follow_job(work, UUID(job_id))


@task("jobs.sweep_open", every="intervals.follow")
async def sweep_open(work: ExpertWork) -> None:
    """Poll every open job whose next poll is due."""
    async with work.db() as db:
        job_ids = await queries.open_ids(db, limit=AT_ONCE)
    await run_each(job_ids, partial(follow_job, work))


@task("jobs.withdraw", swept_by="jobs.sweep_withdrawn", max_retries=0)
async def withdraw(work: ExpertWork, job_id: str) -> None:
    """Cancel a closed job at its Manager."""
    await withdraw_job(work, UUID(job_id))


@task("jobs.sweep_withdrawn", every="intervals.sweep")
async def sweep_withdrawn(work: ExpertWork) -> None:
    """Cancel closed jobs at their Managers until that is confirmed."""
    async with work.db() as db:
        job_ids = await queries.ended_without_manager(db, limit=AT_ONCE)
    await run_each(job_ids, partial(withdraw_job, work))
