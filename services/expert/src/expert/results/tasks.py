"""Task messages and sweeps of results: fetch, apply, close."""

from functools import partial
from uuid import UUID

from expert.base import task
from expert.deps import ExpertWork
from expert.jobs.run_each import run_each
from expert.results import queries
from expert.results.apply import apply_batch
from expert.results.close import close_job
from expert.results.fetch import fetch_results
from expert.results.sweep_objects import delete_orphans, find_missing

AT_ONCE = 100


@task("results.fetch", swept_by="results.sweep", max_retries=0)
async def fetch(work: ExpertWork, job_id: str) -> None:
    """Results of a job wait at its Manager."""
    await fetch_results(work, UUID(job_id))


@task("results.apply", swept_by="results.sweep", max_retries=3)
async def apply(work: ExpertWork, received_batch_id: str) -> None:
    """Write the rows of one batch."""
    await apply_batch(work, UUID(received_batch_id))


@task("results.close", swept_by="results.sweep", max_retries=0)
async def close(work: ExpertWork, job_id: str) -> None:
    """Perhaps a job is wholly applied."""
    await close_job(work, UUID(job_id))


@task("results.sweep", every="intervals.sweep")
async def sweep(work: ExpertWork) -> None:
    """Fetch, apply, acknowledge and close whatever nobody did."""
    async with work.db() as db:
        waiting = await queries.jobs_with_results(db, limit=AT_ONCE)
    await run_each(waiting, partial(fetch_results, work))
    async with work.db() as db:
        unfinished = await queries.unfinished(db, limit=AT_ONCE)
    await run_each(unfinished, partial(apply_batch, work))
    async with work.db() as db:
        closing = await queries.jobs_to_close(db, limit=AT_ONCE)
    await run_each(closing, partial(close_job, work))


@task("results.sweep_objects", every="intervals.orphans", max_retries=0)
async def sweep_objects(work: ExpertWork) -> None:
    """Blobs that no row names, and rows whose blob is gone."""
    await delete_orphans(work)
    await find_missing(work)
