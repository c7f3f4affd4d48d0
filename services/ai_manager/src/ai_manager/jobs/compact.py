"""Moves the batches of a closed job out of the queue, so that claims do not scan them."""

from uuid import UUID

from ai_manager.batches import queries as batches
from ai_manager.deps import Work
from ai_manager.jobs import queries

AT_ONCE = 1000


async def compact_job(work: Work, job_id: UUID) -> int:
    """Returns how many batches were moved; none for a job that is open or compacted already."""
    moved = 0
    while True:
        async with work.db() as db:
            job = await queries.lock(db, job_id)
            if job is None or job.closed_at is None or job.compacted:
                return moved
            some = await batches.move_finished(db, job_id, AT_ONCE)
            job.compacted = some < AT_ONCE
        moved += some
