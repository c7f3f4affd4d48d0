"""The loop that empties the outbox."""

from ai_worker.base import loop
from ai_worker.deps import WorkerWork
from ai_worker.results.deliver import deliver_results


@loop("results.deliver", wait="rhythm.deliver")
async def deliver(work: WorkerWork) -> bool:
    """Hand over what is kept."""
    return await deliver_results(work)
