"""The loops that claim, compute, settle, tidy and self-test."""

from ai_worker.base import loop
from ai_worker.batches.claim import claim_batches
from ai_worker.batches.recover import tidy_folders
from ai_worker.batches.run import run_batches
from ai_worker.batches.self_test import self_test_disk
from ai_worker.batches.settle import settle_runs
from ai_worker.batches.worker import Worker


@loop("batches.claim", wait="rhythm.claim")
async def claim(work: Worker) -> bool:
    """Claim batches while there is room."""
    return await claim_batches(work)


@loop("batches.run", wait="rhythm.run")
async def run(work: Worker) -> bool:
    """Compute the leased batches."""
    return await run_batches(work)


@loop("batches.settle", wait="rhythm.deliver")
async def settle(work: Worker) -> bool:
    """End the runs that the Manager has answered for."""
    return await settle_runs(work)


@loop("batches.tidy", wait="rhythm.tidy")
async def tidy(work: Worker) -> bool:
    """Remove files that no row names."""
    await tidy_folders(work)
    return False


@loop("batches.self_test", wait="rhythm.tidy")
async def self_test(work: Worker) -> bool:
    """Run the golden inputs of the models on the disk, once."""
    return await self_test_disk(work)
