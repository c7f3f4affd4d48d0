"""The background door of results."""

from ai_manager.base import task
from ai_manager.deps import Work
from ai_manager.jobs.settle import settle_job
from ai_manager.results.close_exhausted import close_exhausted


@task("results.close_exhausted", every="intervals.sweep", max_retries=0)
async def close(work: Work) -> None:
    """Write down what was given up, and close the jobs that were waiting for it."""
    for job_id in await close_exhausted(work):
        await settle_job(work, job_id)
