"""The background door of results."""

from ai_manager.base import task
from ai_manager.deps import Work
from ai_manager.jobs.settle import settle_job
from ai_manager.results.close_exhausted import close_exhausted
from ai_manager.results.find_lost import lost_blobs, lost_weights
from ai_manager.results.forget import forget_blobs, forget_late
from ai_manager.results.reduce import reduce_jobs
from ai_manager.results.sweep_orphans import sweep_orphans
from trapper_kit.logs import log


@task("results.close_exhausted", every="intervals.sweep", max_retries=0)
async def close(work: Work) -> None:
    """Write down what was given up, and close the jobs that were waiting for it."""
    for job_id in await close_exhausted(work):
        await settle_job(work, job_id)


@task("results.retain", every="intervals.retention", max_retries=0)
async def retain(work: Work) -> None:
    """Keep what is needed, for as long as it is."""
    await forget_blobs(work)
    await forget_late(work)
    await reduce_jobs(work)


@task("results.sweep_orphans", every="intervals.orphans", max_retries=0)
async def sweep(work: Work) -> None:
    """Delete objects that no row names, and report rows whose object is gone."""
    await sweep_orphans(work)
    lost, weights = await lost_blobs(work), await lost_weights(work)
    if lost or weights:
        log("objects.missing", batches=lost[:20], weights=weights[:20])
