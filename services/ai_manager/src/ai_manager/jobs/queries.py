"""The statements of accepted work."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, exists, func, insert, select, text, update

from ai_manager.batches.models import LEASED, Batch, Terms
from ai_manager.batches.state import BatchState
from ai_manager.jobs.models import Job, ResourceChunk, UnsealedResource
from trapper_kit.db import Session

STILL_OUT = (BatchState.WAITING, BatchState.LEASED)
TAKEN = (BatchState.LEASED, BatchState.DONE, BatchState.EXHAUSTED, BatchState.SPLIT)


async def by_key(db: Session, caller: str, idempotency_key: str) -> Job | None:
    """The job that this caller submitted under this key."""
    statement = select(Job).where(Job.caller == caller, Job.idempotency_key == idempotency_key)
    return (await db.scalars(statement)).one_or_none()


async def get(db: Session, job_id: UUID, caller: str | None) -> Job | None:
    """A job of this caller, or of anybody."""
    statement = select(Job).where(Job.id == job_id)
    return (await db.scalars(statement if caller is None else statement.where(Job.caller == caller))).one_or_none()


async def lock(db: Session, job_id: UUID, *, caller: str | None = None) -> Job | None:
    """A job, locked: who plans, appends, settles or cancels goes one after the other.

    The lock leaves the key alone (`for no key update`), so rows that refer to the job can be written meanwhile.
    """
    statement = select(Job).where(Job.id == job_id).with_for_update(key_share=True)
    if caller is not None:
        statement = statement.where(Job.caller == caller)
    return (await db.scalars(statement)).one_or_none()


async def terms(db: Session, job_id: UUID) -> Terms:
    """The terms of a job, which are as old as the job."""
    return (await db.scalars(select(Terms).where(Terms.job_id == job_id))).one()


async def chunks_from(db: Session, job_id: UUID, first: int, end: int) -> Sequence[ResourceChunk]:
    """The chunks that hold resources from `first` up to `end`."""
    statement = (
        select(ResourceChunk)
        .where(
            ResourceChunk.job_id == job_id,
            ResourceChunk.first + ResourceChunk.size > first,
            ResourceChunk.first < end,
        )
        .order_by(ResourceChunk.first)
    )
    return (await db.scalars(statement)).all()


async def add_chunk(db: Session, job_id: UUID, *, first: int, size: int, resources: bytes) -> None:
    """Some resources, packed, from this place of the job on."""
    await db.execute(insert(ResourceChunk).values(job_id=job_id, first=first, size=size, resources=resources))


_NOTE_UNSEALED = text(
    "insert into unsealed_resources (job_id, resource_id) select :job_id, unnest(cast(:ids as uuid[])) "
    "on conflict do nothing returning resource_id"
)


async def note_unsealed(db: Session, job_id: UUID, ids: Sequence[UUID]) -> set[UUID]:
    """Remember these for as long as pages may come; the answer are those that had come before."""
    new = (await db.scalars(_NOTE_UNSEALED, {"job_id": job_id, "ids": list(ids)})).all()
    return set(ids).difference(new)


async def forget_unsealed(db: Session, job_id: UUID) -> None:
    """No page comes any more."""
    await db.execute(delete(UnsealedResource).where(UnsealedResource.job_id == job_id))


async def drop_chunks(db: Session, job_id: UUID, planned_through: int) -> None:
    """What is in batches is not kept twice."""
    await db.execute(
        delete(ResourceChunk).where(
            ResourceChunk.job_id == job_id, ResourceChunk.first + ResourceChunk.size <= planned_through
        )
    )


async def count_waiting(db: Session, job_id: UUID) -> int:
    """How many batches of a job wait."""
    statement = select(func.count()).where(Batch.job_id == job_id, Batch.state == BatchState.WAITING)
    return (await db.scalars(statement)).one()


async def is_over(db: Session, job_id: UUID) -> bool:
    """Nothing waits or is leased, and whatever was given up has its blob."""
    open_batch = exists().where(Batch.job_id == job_id, Batch.state.in_(STILL_OUT))
    without_blob = exists().where(
        Batch.job_id == job_id, Batch.state == BatchState.EXHAUSTED, Batch.result_sha256.is_(None)
    )
    return (await db.scalars(select(~open_batch & ~without_blob))).one()


async def close_terms(db: Session, job_id: UUID) -> None:
    """No batch of this job is handed out any more."""
    await db.execute(update(Terms).where(Terms.job_id == job_id).values(is_open=False))


@dataclass(frozen=True)
class Sums:
    """The closed batches of a job that is not closed, or just about to be, added up."""

    done: int
    blank: int
    failed: int


async def sums(db: Session, job_id: UUID) -> Sums:
    """Counted from the batches, so that no row is shared by those who finish them; an index carries the numbers."""
    row = (
        await db.execute(
            select(
                func.coalesce(func.sum(Batch.done), 0),
                func.coalesce(func.sum(Batch.blank), 0),
                func.coalesce(func.sum(Batch.failed), 0),
            ).where(Batch.job_id == job_id, Batch.result_sha256.is_not(None))
        )
    ).one()
    return Sums(*row)


async def has_leased(db: Session, job_id: UUID) -> bool:
    """Whether a worker has a batch of the job now."""
    statement = select(exists().where(Batch.job_id == job_id, Batch.state == LEASED))
    return (await db.scalars(statement)).one()


async def was_handed_out(db: Session, job_id: UUID) -> bool:
    """Whether some worker ever had a batch of the job; only few wait, so that it costs the same in any job."""
    taken = exists().where(Batch.job_id == job_id, Batch.state.in_(TAKEN))
    given_back = exists().where(Batch.job_id == job_id, Batch.state == BatchState.WAITING, Batch.attempt > 0)
    return (await db.scalars(select(taken | given_back))).one()


_UNACKNOWLEDGED = text("select count(*) from saved_results where job_id = :job_id and acknowledged_at is null")


async def unacknowledged(db: Session, job_id: UUID) -> int:
    """How many results of a job wait to be fetched."""
    return (await db.execute(_UNACKNOWLEDGED, {"job_id": job_id})).scalar_one()


async def to_put_away(db: Session, *, limit: int) -> Sequence[UUID]:
    """Closed jobs with batches that may still be in the queue."""
    statement = select(Job.id).where(Job.closed_at.is_not(None), ~Job.put_away).order_by(Job.id).limit(limit)
    return (await db.scalars(statement)).all()


async def to_plan(db: Session, *, fewer_than: int, limit: int) -> Sequence[UUID]:
    """Open jobs with something left to cut, of which few batches wait."""
    waiting = (
        select(func.count())
        .where(Batch.job_id == Job.id, Batch.state == BatchState.WAITING)
        .correlate(Job)
        .scalar_subquery()
    )
    statement = (
        select(Job.id)
        .where(Job.closed_at.is_(None), Job.planned_through < Job.total, waiting < fewer_than)
        .order_by(Job.id)
        .limit(limit)
    )
    return (await db.scalars(statement)).all()


async def to_settle(db: Session, *, limit: int) -> Sequence[UUID]:
    """Open jobs that should be closed by now."""
    open_batch = exists().where(Batch.job_id == Job.id, Batch.state.in_(STILL_OUT))
    statement = (
        select(Job.id)
        .where(Job.closed_at.is_(None), Job.sealed, Job.planned_through == Job.total, ~open_batch)
        .order_by(Job.id)
        .limit(limit)
    )
    return (await db.scalars(statement)).all()


async def drop_all_chunks(db: Session, job_id: UUID) -> None:
    """A cancelled job cuts nothing any more."""
    await db.execute(delete(ResourceChunk).where(ResourceChunk.job_id == job_id))
