"""Deletes blobs that no row refers to: their process died before the row was written."""

import asyncio
from datetime import timedelta

from ai_manager.batches import queries as batches
from ai_manager.blob_store import results_key, sha256_of_key
from ai_manager.deps import Work
from ai_manager.results import queries
from trapper_kit.logs import log
from trapper_kit.objects import ObjectMissing
from trapper_schemas.codec import BlobRefused, Limits
from trapper_schemas.read_results import read_results
from trapper_schemas.v1.results import BatchResults


async def sweep_orphans(work: Work) -> int:
    """Returns how many were deleted; young ones stay, and those that a worker may send again."""
    before = work.clock.now() - timedelta(hours=work.settings.orphan_hours)
    await work.blobs.drop_abandoned(before)
    removed = 0
    async for page in work.blobs.list_older("results", before):
        hashes = [sha256_of_key(key) for key in page]
        async with work.db() as db:
            unreferenced = set(hashes) - await queries.named(db, hashes)
        for sha256 in sorted(unreferenced):
            if not await _may_come_again(work, sha256):
                await work.blobs.delete(results_key(sha256))
                removed += 1
    if removed:
        log("results.orphans_removed", blobs=removed)
    return removed


async def _may_come_again(work: Work, sha256: str) -> bool:
    """Returns whether its batch is leased at its attempt, so that the same bytes may be saved."""
    try:
        blob = await work.blobs.read(results_key(sha256))
    except ObjectMissing:
        return False
    limits = Limits(work.settings.results_limit_bytes, work.settings.content_limit_bytes)
    async with work.inspections:
        results = await asyncio.to_thread(_read, blob, limits)
    if results is None:
        return True
    async with work.db() as db:
        return await batches.is_leased(db, results.batch_id, attempt=results.attempt) or bool(
            await queries.named(db, [sha256])
        )


def _read(blob: bytes, limits: Limits) -> BatchResults | None:
    """Returns the decoded results; None for what cannot be read, perhaps written by a newer Manager."""
    try:
        return read_results(blob, limits=limits)
    except BlobRefused:
        return None
