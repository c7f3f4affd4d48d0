"""Task messages and sweeps of the queue."""

from ai_manager.base import task
from ai_manager.batches.expire import expire_leases
from ai_manager.deps import Work


@task("batches.expire", every="intervals.sweep", max_retries=0)
async def expire(work: Work) -> None:
    """Takes back leases that were not renewed."""
    await expire_leases(work)
