"""Task messages and sweeps of results."""

from ai_manager.base import task
from ai_manager.deps import Work
from ai_manager.jobs.settle import settle_job
from ai_manager.results.close_exhausted import close_exhausted
from ai_manager.results.delete_blobs import delete_blobs, delete_late_notes
from ai_manager.results.find_lost import lost_blobs, lost_weights
from ai_manager.results.reduce import reduce_jobs
from ai_manager.results.sweep_orphans import sweep_orphans
from trapper_kit.logs import log


@task("results.close_exhausted", every="intervals.sweep", max_retries=0)
async def close(work: Work) -> None:
    """Writes the failures of exhausted batches and closes their jobs."""
    for job_id in await close_exhausted(work):
        await settle_job(work, job_id)


@task("results.retain", every="intervals.retention", max_retries=0)
async def retain(work: Work) -> None:
    """Deletes what is past its retention."""
    await delete_blobs(work)
    await delete_late_notes(work)
    await reduce_jobs(work)


@task("results.sweep_orphans", every="intervals.orphans", max_retries=0)
async def sweep(work: Work) -> None:
    """Deletes objects that no row refers to, and reports rows whose object is missing."""
    await sweep_orphans(work)
    lost, weights = await lost_blobs(work), await lost_weights(work)
    if lost or weights:
        log("objects.missing", batches=lost[:20], weights=weights[:20])
