"""The loop of the pulse."""

from ai_worker.base import loop
from ai_worker.batches.hand import Hand
from ai_worker.heartbeats.beat import beat


@loop("heartbeats.beat", wait="rhythm.renew")
async def pulse(work: Hand) -> bool:
    """Beat once; a child that is at work does not stop it."""
    await beat(work)
    return False
