"""Deletes blobs that the Expert has had for days, and records of late results."""

from collections.abc import Iterable
from datetime import timedelta

from ai_manager.blob_store import results_key
from ai_manager.deps import Work
from ai_manager.results import queries
from trapper_kit.logs import log

AT_ONCE = 500


async def delete_blobs(work: Work) -> int:
    """Returns how many batches' blobs were deleted; the rows stay until their job is reduced."""
    deleted = 0
    while True:
        now = work.clock.now()
        async with work.db() as db:
            due = await queries.to_delete(
                db, acknowledged_before=now - timedelta(days=work.settings.blob_days), limit=AT_ONCE
            )
            for row in due:
                row.blob_deleted_at, row.blob = now, None
            await db.flush()
        await delete_unreferenced(work, {row.sha256 for row in due})
        deleted += len(due)
        if len(due) < AT_ONCE:
            break
    if deleted:
        log("results.forgotten", batches=deleted)
    return deleted


async def delete_unreferenced(work: Work, blobs: Iterable[str]) -> None:
    """Deletes those that no other batch refers to: equal bytes are stored once."""
    candidates = set(blobs)
    if not candidates:
        return
    async with work.db() as db:
        candidates -= await queries.named(db, candidates)
    for sha256 in sorted(candidates):
        await work.blobs.delete(results_key(sha256))


async def delete_late_notes(work: Work) -> int:
    """Returns how many records of late results were deleted."""
    before = work.clock.now() - timedelta(days=work.settings.late_results_days)
    async with work.db() as db:
        deleted = await queries.delete_late(db, before.date())
    if deleted:
        log("late_results.forgotten", results=deleted)
    return deleted
