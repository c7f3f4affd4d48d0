"""Adds what has changed to the sums, in batches."""

from expert.deps import ExpertWork
from expert.statistics import queries
from trapper_kit.cron import note_progress

AT_ONCE = 2_000


async def fold_counts(work: ExpertWork) -> None:
    """Fold until no change is left that was committed before."""
    while True:
        async with work.db() as db:
            taken = await queries.fold_changes(db, limit=AT_ONCE)
        if taken < AT_ONCE:
            return
        note_progress()
