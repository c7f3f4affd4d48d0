"""Statements of jobs."""

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
    """Returns the job that this caller submitted under this key."""
    statement = select(Job).where(Job.caller == caller, Job.idempotency_key == idempotency_key)
    return (await db.scalars(statement)).one_or_none()


async def get(db: Session, job_id: UUID, caller: str | None) -> Job | None:
    """Returns a job of this caller, or of any."""
    statement = select(Job).where(Job.id == job_id)
    return (await db.scalars(statement if caller is None else statement.where(Job.caller == caller))).one_or_none()


async def lock(db: Session, job_id: UUID, *, caller: str | None = None) -> Job | None:
    """Locks a job, so that planning, appending, settling and cancelling exclude each other.

    The lock leaves the key alone (`for no key update`), so rows that refer to the job can be written meanwhile.
    """
    statement = select(Job).where(Job.id == job_id).with_for_update(key_share=True)
    if caller is not None:
        statement = statement.where(Job.caller == caller)
    return (await db.scalars(statement)).one_or_none()


async def terms(db: Session, job_id: UUID) -> Terms:
    """Returns the terms of a job."""
    return (await db.scalars(select(Terms).where(Terms.job_id == job_id))).one()


async def chunks_from(db: Session, job_id: UUID, first: int, end: int) -> Sequence[ResourceChunk]:
    """Returns the chunks that hold resources from `first` up to `end`."""
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
    """Stores packed resources from this position of the job on."""
    await db.execute(insert(ResourceChunk).values(job_id=job_id, first=first, size=size, resources=resources))


_NOTE_UNSEALED = text(
    "insert into unsealed_resources (job_id, resource_id) select :job_id, unnest(cast(:ids as uuid[])) "
    "on conflict do nothing returning resource_id"
)


async def note_unsealed(db: Session, job_id: UUID, ids: Sequence[UUID]) -> set[UUID]:
    """Stores these ids until the job is sealed and returns those that had come before."""
    new = (await db.scalars(_NOTE_UNSEALED, {"job_id": job_id, "ids": list(ids)})).all()
    return set(ids).difference(new)


async def delete_unsealed(db: Session, job_id: UUID) -> None:
    """Deletes the ids of a job that is sealed."""
    await db.execute(delete(UnsealedResource).where(UnsealedResource.job_id == job_id))


async def drop_chunks(db: Session, job_id: UUID, planned_through: int) -> None:
    """Deletes chunks whose resources are all in batches."""
    await db.execute(
        delete(ResourceChunk).where(
            ResourceChunk.job_id == job_id, ResourceChunk.first + ResourceChunk.size <= planned_through
        )
    )


async def count_waiting(db: Session, job_id: UUID) -> int:
    """Returns how many batches of a job wait."""
    statement = select(func.count()).where(Batch.job_id == job_id, Batch.state == BatchState.WAITING)
    return (await db.scalars(statement)).one()


async def is_over(db: Session, job_id: UUID) -> bool:
    """Returns whether nothing waits or is leased, and every exhausted batch has its blob."""
    open_batch = exists().where(Batch.job_id == job_id, Batch.state.in_(STILL_OUT))
    without_blob = exists().where(
        Batch.job_id == job_id, Batch.state == BatchState.EXHAUSTED, Batch.result_sha256.is_(None)
    )
    return (await db.scalars(select(~open_batch & ~without_blob))).one()


async def close_terms(db: Session, job_id: UUID) -> None:
    """Closes the terms, so that no batch of the job is leased any more."""
    await db.execute(update(Terms).where(Terms.job_id == job_id).values(is_open=False))


@dataclass(frozen=True)
class Sums:
    """The counts of a job's closed batches."""

    done: int
    blank: int
    failed: int


async def sums(db: Session, job_id: UUID) -> Sums:
    """Adds up the counts of the batches with an index scan; no shared row is updated."""
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
    """Returns whether a worker has a batch of the job now."""
    statement = select(exists().where(Batch.job_id == job_id, Batch.state == LEASED))
    return (await db.scalars(statement)).one()


async def was_handed_out(db: Session, job_id: UUID) -> bool:
    """Returns whether some worker ever had a batch of the job."""
    taken = exists().where(Batch.job_id == job_id, Batch.state.in_(TAKEN))
    given_back = exists().where(Batch.job_id == job_id, Batch.state == BatchState.WAITING, Batch.attempt > 0)
    return (await db.scalars(select(taken | given_back))).one()


_UNACKNOWLEDGED = text("select count(*) from saved_results where job_id = :job_id and acknowledged_at is null")


async def unacknowledged(db: Session, job_id: UUID) -> int:
    """Returns how many results of a job wait to be fetched."""
    return (await db.execute(_UNACKNOWLEDGED, {"job_id": job_id})).scalar_one()


async def to_compact(db: Session, *, limit: int) -> Sequence[UUID]:
    """Returns closed jobs whose batches may still be in the queue."""
    statement = select(Job.id).where(Job.closed_at.is_not(None), ~Job.compacted).order_by(Job.id).limit(limit)
    return (await db.scalars(statement)).all()


async def to_plan(db: Session, *, fewer_than: int, limit: int) -> Sequence[UUID]:
    """Returns open jobs with resources to plan of which few batches wait."""
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
    """Returns open jobs that should be closed by now."""
    open_batch = exists().where(Batch.job_id == Job.id, Batch.state.in_(STILL_OUT))
    statement = (
        select(Job.id)
        .where(Job.closed_at.is_(None), Job.sealed, Job.planned_through == Job.total, ~open_batch)
        .order_by(Job.id)
        .limit(limit)
    )
    return (await db.scalars(statement)).all()


async def drop_all_chunks(db: Session, job_id: UUID) -> None:
    """Deletes the chunks of a cancelled job."""
    await db.execute(delete(ResourceChunk).where(ResourceChunk.job_id == job_id))
