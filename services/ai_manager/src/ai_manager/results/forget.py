"""Let go of blobs that the Expert has had for days, and of notes on results that came too late."""

from collections.abc import Iterable
from datetime import timedelta

from ai_manager.blob_store import results_key
from ai_manager.deps import Work
from ai_manager.results import queries
from trapper_kit.logs import log

AT_ONCE = 500


async def forget_blobs(work: Work) -> int:
    """How many batches' blobs are forgotten now; the rows stay until their job is reduced."""
    forgotten = 0
    while True:
        now = work.clock.now()
        async with work.db() as db:
            due = await queries.to_forget(
                db, acknowledged_before=now - timedelta(days=work.settings.blob_days), limit=AT_ONCE
            )
            for row in due:
                row.forgotten_at, row.blob = now, None
            await db.flush()
        await delete_unnamed(work, {row.sha256 for row in due})
        forgotten += len(due)
        if len(due) < AT_ONCE:
            break
    if forgotten:
        log("results.forgotten", batches=forgotten)
    return forgotten


async def delete_unnamed(work: Work, blobs: Iterable[str]) -> None:
    """Delete those that no other batch names: equal bytes are kept once."""
    candidates = set(blobs)
    if not candidates:
        return
    async with work.db() as db:
        candidates -= await queries.named(db, candidates)
    for sha256 in sorted(candidates):
        await work.blobs.delete(results_key(sha256))


async def forget_late(work: Work) -> int:
    """How many notes on late results were old enough."""
    before = work.clock.now() - timedelta(days=work.settings.late_results_days)
    async with work.db() as db:
        forgotten = await queries.delete_late(db, before.date())
    if forgotten:
        log("late_results.forgotten", results=forgotten)
    return forgotten
