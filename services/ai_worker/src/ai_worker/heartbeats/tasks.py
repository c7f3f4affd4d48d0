"""The loop that sends heartbeats."""

from ai_worker.base import loop
from ai_worker.batches.worker import Worker
from ai_worker.heartbeats.beat import beat


@loop("heartbeats.beat", wait="rhythm.renew")
async def heartbeat(work: Worker) -> bool:
    """Send one heartbeat; a device that computes does not delay it."""
    await beat(work)
    return False
