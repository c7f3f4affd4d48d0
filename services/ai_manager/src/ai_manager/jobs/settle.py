"""Closes a job with nothing left to do, and notifies its Expert."""

from uuid import UUID

from ai_manager.deps import Work
from ai_manager.jobs import queries
from ai_manager.jobs.state import ResourceCounts, closing_state
from trapper_kit.db import enqueue_after_commit
from trapper_kit.logs import log
from trapper_schemas.notifications import RESULTS_READY, expert_queue


async def settle_job(work: Work, job_id: UUID) -> bool:
    """Closes the job when it is sealed, planned and nothing waits or is leased; returns whether it did."""
    async with work.db() as db:
        job = await queries.lock(db, job_id)
        if job is None or job.closed_at is not None or not job.sealed or job.planned_through < job.total:
            return False
        if not await queries.is_over(db, job_id):
            return False
        sums = await queries.sums(db, job_id)
        job.done, job.blank, job.failed = sums.done, sums.blank, sums.failed
        job.state = closing_state(ResourceCounts(job.total, sums.done, sums.blank, sums.failed))
        job.closed_at = work.clock.now()
        await queries.close_terms(db, job_id)
        await db.flush()
        enqueue_after_commit(db, "jobs.compact", job_id=job_id)
        notification_queue = job.notification_queue
        log("job.closed", job_id=job_id, state=job.state.value, failed=sums.failed, total=job.total)
    notify_expert(work, notification_queue, job_id)
    return True


def notify_expert(work: Work, notification_queue: str | None, job_id: UUID) -> None:
    """Sends a queue notification that results wait; the Expert's sweep finds them anyway."""
    if notification_queue is not None:
        work.notifier.notify(expert_queue(notification_queue), RESULTS_READY, job_id=str(job_id))
