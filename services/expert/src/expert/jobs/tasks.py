"""The background door of jobs: each verb by notification, and each again by a sweep that needs no notification."""

from functools import partial
from uuid import UUID

from expert.base import task
from expert.deps import ExpertWork
from expert.jobs import queries
from expert.jobs.cancel import withdraw_job
from expert.jobs.cover import cover_due
from expert.jobs.follow import follow_job
from expert.jobs.one_by_one import one_by_one
from expert.jobs.submit import submit_job

AT_ONCE = 100


@task("jobs.cover", max_retries=0)
async def cover(work: ExpertWork) -> None:
    """Something became due."""
    await cover_due(work)


@task("jobs.sweep_due", every="intervals.sweep")
async def sweep_due(work: ExpertWork) -> None:
    """Make jobs of what has been gathered."""
    await cover_due(work)


@task("jobs.submit", max_retries=0)
async def submit(work: ExpertWork, job_id: str) -> None:
    """Send one job."""
    await submit_job(work, UUID(job_id))


@task("jobs.sweep_created", every="intervals.sweep")
async def sweep_created(work: ExpertWork) -> None:
    """Send the jobs that nobody sent, or that could not be sent."""
    async with work.db() as db:
        found = await queries.waiting(db, limit=AT_ONCE)
    await one_by_one(found, partial(submit_job, work))


@task("jobs.follow", max_retries=0)
async def follow(work: ExpertWork, job_id: str) -> None:
    """Ask about one job."""
    await follow_job(work, UUID(job_id))


@task("jobs.sweep_open", every="intervals.follow")
async def sweep_open(work: ExpertWork) -> None:
    """Ask about every open job that nobody asked about lately."""
    async with work.db() as db:
        found = await queries.open_ids(db, limit=AT_ONCE)
    await one_by_one(found, partial(follow_job, work))


@task("jobs.withdraw", max_retries=0)
async def withdraw(work: ExpertWork, job_id: str) -> None:
    """Tell the Manager that a job ended here."""
    await withdraw_job(work, UUID(job_id))


@task("jobs.sweep_withdrawn", every="intervals.sweep")
async def sweep_withdrawn(work: ExpertWork) -> None:
    """Tell it again until it is so there as well."""
    async with work.db() as db:
        found = await queries.ended_here_only(db, limit=AT_ONCE)
    await one_by_one(found, partial(withdraw_job, work))
