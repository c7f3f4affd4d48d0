"""Plans a job: makes batches little by little, so that some always wait."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from ai_manager.batches import queries as batches
from ai_manager.batches.announce import notify_workers, wake_claims
from ai_manager.batches.models import Batch, Terms
from ai_manager.batches.pack import pack, unpack
from ai_manager.batches.state import SEPARATOR, BatchState
from ai_manager.deps import Work
from ai_manager.jobs import queries
from ai_manager.jobs.models import Job
from ai_manager.jobs.state import BatchSizes
from ai_manager.workers import queries as workers
from trapper_kit.db import Session, enqueue_after_commit
from trapper_kit.logs import log
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.jobs import JobState
from trapper_schemas.v1.resources import ResourceRef

AT_ONCE = 16
"""Batches cut in one transaction, to bound memory when a large fleet gets its first batches."""
ROUNDS = 50


async def plan_job(work: Work, job_id: UUID) -> int:
    """Returns how many batches were made; none when enough of them wait."""
    planned = 0
    for _ in range(ROUNDS):
        async with work.db() as db:
            made = await _plan_some(work, db, job_id)
            runtimes = await wake_claims(db, made)
        notify_workers(work, runtimes)
        planned += len(made)
        if len(made) < AT_ONCE:
            break
    return planned


async def _plan_some(work: Work, db: Session, job_id: UUID) -> list[Batch]:
    job = await queries.lock(db, job_id)
    if job is None or job.closed_at is not None:
        return []
    if job.planned_through >= job.total:
        enqueue_after_commit(db, "jobs.settle", job_id=job_id)  # an empty page may have sealed it
        return []
    terms = await queries.terms(db, job_id)
    fleet = await workers.fleet(
        db,
        terms.runtimes.split(SEPARATOR),
        terms.models[0],
        project=terms.project,
        seen_within=timedelta(seconds=work.intervals.alive),
    )
    missing = 2 * fleet.alive + work.settings.waiting_base - await queries.count_waiting(db, job_id)
    if missing <= 0:
        return []
    batch_sizes = BatchSizes.of_speed(
        fleet.images_per_second,
        target_seconds=work.settings.batch_target_seconds,
        smallest=work.settings.batch_size,
        limit=work.settings.batch_size_limit,
    )
    sizes = batch_sizes.next_sizes(
        planned=job.planned_through,
        total=job.total,
        sealed=job.sealed,
        alive=fleet.alive,
        count=min(missing, AT_ONCE),
    )
    resources = await _resources(db, job, sum(sizes))
    made = await _make_batches(db, job, terms, resources, sizes)
    log("job.planned", job_id=job_id, batches=len(made), sizes=sizes, planned_through=job.planned_through)
    return made


async def _resources(db: Session, job: Job, count: int) -> list[ResourceRef]:
    end = min(job.total, job.planned_through + count)
    resources: list[ResourceRef] = []
    for chunk in await queries.chunks_from(db, job.id, job.planned_through, end):
        resources += unpack(chunk.resources)[max(0, job.planned_through - chunk.first) : end - chunk.first]
    return resources


async def _make_batches(
    db: Session, job: Job, terms: Terms, resources: Sequence[ResourceRef], sizes: Sequence[int]
) -> list[Batch]:
    turn = max(job.next_turn, await batches.smallest_waiting_turn(db, terms.priority))
    made: list[Batch] = []
    start = 0
    for size in sizes:
        part = resources[start : start + size]
        made.append(
            Batch(
                id=uuid7(),
                job_id=job.id,
                parent_id=None,
                first=job.planned_through + start,
                size=len(part),
                resources=pack(part),
                runtimes=terms.runtimes,
                model_set=terms.model_set,
                project=terms.project,
                priority=terms.priority,
                turn=turn,
                state=BatchState.WAITING,
            )
        )
        turn += 1
        start += size
    db.add_all(made)
    job.next_turn = turn
    job.planned_through += len(resources)
    if made and job.state is JobState.ACCEPTED:
        job.state = JobState.PLANNED
    await db.flush()
    await queries.drop_chunks(db, job.id, job.planned_through)
    return made
