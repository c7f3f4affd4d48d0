"""The loops that claim, compute, settle and tidy."""

from ai_worker.base import loop
from ai_worker.batches.claim import claim_batches
from ai_worker.batches.hand import Hand
from ai_worker.batches.prove import prove_on_disk
from ai_worker.batches.recover import tidy_folders
from ai_worker.batches.run import run_batches
from ai_worker.batches.settle import settle_runs


@loop("batches.claim", wait="rhythm.claim")
async def claim(work: Hand) -> bool:
    """Ask for work while there is room."""
    return await claim_batches(work)


@loop("batches.run", wait="rhythm.run")
async def run(work: Hand) -> bool:
    """Compute what is in hand."""
    return await run_batches(work)


@loop("batches.settle", wait="rhythm.deliver")
async def settle(work: Hand) -> bool:
    """End what the Manager has answered for."""
    return await settle_runs(work)


@loop("batches.tidy", wait="rhythm.tidy")
async def tidy(work: Hand) -> bool:
    """Remove what nobody needs."""
    await tidy_folders(work)
    return False


@loop("batches.prove", wait="rhythm.tidy")
async def prove(work: Hand) -> bool:
    """Let the models on the disk show that they run here."""
    return await prove_on_disk(work)
