"""Describes a job: its counts, and when it will be over at the measured speed."""

from datetime import timedelta

from ai_manager.batches.models import Terms
from ai_manager.batches.state import SEPARATOR
from ai_manager.deps import Work
from ai_manager.jobs import queries
from ai_manager.jobs.find_blocked import find_blocked
from ai_manager.jobs.models import Job
from ai_manager.jobs.state import ResourceCounts
from ai_manager.workers import queries as workers
from trapper_kit.db import Session
from trapper_schemas.v1.jobs import JobCounts, JobReply, JobState


async def describe_job(work: Work, db: Session, job: Job) -> JobReply:
    """Returns the job as the Expert reads it."""
    state = job.state
    if job.closed_at is not None:
        counts, left = ResourceCounts(job.total, job.done, job.blank, job.failed), 0
    else:
        sums = await queries.sums(db, job.id)
        counts = ResourceCounts(job.total, sums.done, sums.blank, sums.failed)
        left = job.total - counts.ended
        if state is JobState.PLANNED and await queries.was_handed_out(db, job.id):
            state = JobState.RUNNING
    cancelled = job.total - counts.ended if state is JobState.CANCELLED else 0
    terms = await queries.terms(db, job.id) if left else None
    speed = await _speed(work, db, terms) if terms is not None else None
    return JobReply(
        id=job.id,
        state=state,
        sealed=job.sealed,
        counts=JobCounts(
            total=job.total,
            done=counts.done,
            blank=counts.blank,
            failed=counts.failed,
            cancelled=cancelled,
            pending=job.total - counts.ended - cancelled,
        ),
        progress=1.0 if left == 0 and job.sealed else counts.ended / max(1, job.total),
        eta_seconds=left / speed if left and speed else None,
        images_per_second=speed,
        created_at=job.created_at,
        closed_at=job.closed_at,
        unacknowledged=await queries.unacknowledged(db, job.id),
        blocked=await find_blocked(work, db, terms) if terms is not None else None,
    )


async def _speed(work: Work, db: Session, terms: Terms) -> float | None:
    fleet = await workers.fleet(
        db,
        terms.runtimes.split(SEPARATOR),
        terms.models[0],
        project=terms.project,
        seen_within=timedelta(seconds=work.intervals.alive),
    )
    return fleet.images_per_second * fleet.alive if fleet.images_per_second and fleet.alive else None
