"""The loop that delivers results."""

from ai_worker.base import loop
from ai_worker.deps import WorkerWork
from ai_worker.results.deliver import deliver_results


@loop("results.deliver", wait="rhythm.deliver")
async def deliver(work: WorkerWork) -> bool:
    """Deliver kept results."""
    return await deliver_results(work)
