"""Move the batches of a closed job out of the queue, so that a claim never walks past them."""

from uuid import UUID

from ai_manager.batches import queries as batches
from ai_manager.deps import Work
from ai_manager.jobs import queries

AT_ONCE = 1000


async def put_away_job(work: Work, job_id: UUID) -> int:
    """How many were moved; a job that is open, or put away already, has none to move."""
    moved = 0
    while True:
        async with work.db() as db:
            job = await queries.lock(db, job_id)
            if job is None or job.closed_at is None or job.put_away:
                return moved
            some = await batches.move_finished(db, job_id, AT_ONCE)
            job.put_away = some < AT_ONCE
        moved += some
