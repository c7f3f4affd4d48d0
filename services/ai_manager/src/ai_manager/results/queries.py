"""Statements about results."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, and_, delete, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from ai_manager.jobs.models import Job
from ai_manager.results.inspect import Failure
from ai_manager.results.models import LateResult, ResourceFailure, SavedResult
from ai_manager.workers.models import Worker
from trapper_kit.db import Session, db_clock
from trapper_kit.paging import PageRequest, page_of

AT_ONCE = 100


async def save(
    db: Session, *, batch_id: UUID, job_id: UUID, sha256: str, size_bytes: int, blob: bytes | None, exhausted: bool,
    failures: Sequence[Failure],
) -> None:  # fmt: skip
    """Stores the blob and the failures of a batch that was closed in this transaction."""
    await db.execute(
        insert(SavedResult).values(
            batch_id=batch_id,
            job_id=job_id,
            sha256=sha256,
            size_bytes=size_bytes,
            blob=blob,
            exhausted=exhausted,
            closed_at=db_clock(),
        )
    )
    if failures:
        rows = [{"batch_id": batch_id, "job_id": job_id, **vars(failure)} for failure in failures]
        await db.execute(insert(ResourceFailure), rows)


async def unacknowledged(db: Session, job_id: UUID) -> Sequence[SavedResult]:
    """Returns the oldest hundred results that are not acknowledged."""
    statement = (
        select(SavedResult)
        .where(SavedResult.job_id == job_id, SavedResult.acknowledged_at.is_(None))
        .order_by(SavedResult.closed_at, SavedResult.batch_id)
        .limit(AT_ONCE)
    )
    return (await db.scalars(statement)).all()


async def oldest_in_store(db: Session, limit: int) -> Sequence[SavedResult]:
    """Returns the oldest unacknowledged results of all jobs whose blob is in the store."""
    statement = (
        select(SavedResult)
        .where(SavedResult.acknowledged_at.is_(None), SavedResult.blob.is_(None))
        .order_by(SavedResult.closed_at)
        .limit(limit)
    )
    return (await db.scalars(statement)).all()


async def kept(db: Session, job_id: UUID, after: UUID | None) -> Sequence[SavedResult]:
    """Returns all results that are kept, acknowledged or not, by batch id."""
    statement = (
        select(SavedResult)
        .where(SavedResult.job_id == job_id, SavedResult.blob_deleted_at.is_(None))
        .order_by(SavedResult.batch_id)
        .limit(AT_ONCE)
    )
    if after is not None:
        statement = statement.where(SavedResult.batch_id > after)
    return (await db.scalars(statement)).all()


async def get(db: Session, batch_id: UUID, caller: str | None) -> SavedResult | None:
    """Returns the result of a batch of this caller, or of any; also when its blob is deleted."""
    statement = select(SavedResult).where(SavedResult.batch_id == batch_id)
    if caller is not None:
        statement = statement.join(Job, Job.id == SavedResult.job_id).where(Job.caller == caller)
    return (await db.scalars(statement)).one_or_none()


async def blob_of(db: Session, batch_id: UUID) -> bytes | None:
    """Returns the bytes of a small result; None when they are in the blob store."""
    return (await db.scalars(select(SavedResult.blob).where(SavedResult.batch_id == batch_id))).one_or_none()


async def acknowledge(db: Session, batch_id: UUID, now: datetime) -> bool:
    """Acknowledges the result; returns False when it was already."""
    statement = (
        update(SavedResult)
        .where(SavedResult.batch_id == batch_id, SavedResult.acknowledged_at.is_(None))
        .values(acknowledged_at=now)
        .returning(SavedResult.batch_id)
    )
    return (await db.scalars(statement)).one_or_none() is not None


async def failures(db: Session, job_id: UUID, page_request: PageRequest) -> Sequence[ResourceFailure]:
    """Returns failed resources of a job by id, one more than the page."""
    order = [ResourceFailure.resource_id, ResourceFailure.batch_id]
    statement = page_of(
        select(ResourceFailure).where(ResourceFailure.job_id == job_id), order, page_request, [UUID, UUID]
    )
    return (await db.scalars(statement)).all()


async def note_late(db: Session, *, worker_id: UUID, batch_id: UUID, sha256: str, now: datetime, at_most: int) -> None:
    """Stores a late result as a hash; only some per worker and day."""
    day = now.date()
    await db.execute(select(Worker.id).where(Worker.id == worker_id).with_for_update(key_share=True))
    so_far = select(func.count()).where(LateResult.worker_id == worker_id, LateResult.day == day)
    if (await db.scalars(so_far)).one() < at_most:
        row = {"worker_id": worker_id, "day": day, "batch_id": batch_id, "sha256": sha256, "came_at": now}
        await db.execute(insert(LateResult).values(row).on_conflict_do_nothing())


async def delete_late(db: Session, before: date) -> int:
    """Deletes records of late results before that day and returns their number."""
    statement = delete(LateResult).where(LateResult.day < before)
    return cast("CursorResult[Any]", await db.execute(statement)).rowcount


async def to_delete(db: Session, *, acknowledged_before: datetime, limit: int) -> Sequence[SavedResult]:
    """Returns and locks the results that were acknowledged longest ago."""
    statement = (
        select(SavedResult)
        .where(SavedResult.acknowledged_at < acknowledged_before, SavedResult.blob_deleted_at.is_(None))
        .order_by(SavedResult.acknowledged_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await db.scalars(statement)).all()


async def named(db: Session, sha256s: Collection[str]) -> set[str]:
    """Returns those of these blobs that some batch still needs in the store."""
    statement = select(SavedResult.sha256).where(
        SavedResult.sha256.in_(sha256s), SavedResult.blob_deleted_at.is_(None), SavedResult.blob.is_(None)
    )
    return set((await db.scalars(statement)).all())


async def to_reduce(db: Session, *, quiet_since: datetime, limit: int) -> Sequence[UUID]:
    """Returns closed jobs of which every result was acknowledged long ago."""
    recent = exists().where(
        SavedResult.job_id == Job.id,
        or_(SavedResult.acknowledged_at.is_(None), SavedResult.acknowledged_at >= quiet_since),
    )
    statement = (
        select(Job.id)
        .where(Job.compacted, Job.reduced_at.is_(None), Job.closed_at < quiet_since, ~recent)
        .order_by(Job.closed_at)
        .limit(limit)
    )
    return (await db.scalars(statement)).all()


async def delete_of_job(db: Session, job_id: UUID) -> list[str]:
    """Deletes the results of a job and returns their blobs in the store."""
    in_store = and_(SavedResult.blob_deleted_at.is_(None), SavedResult.blob.is_(None)).label("in_store")
    gone = await db.execute(
        delete(SavedResult).where(SavedResult.job_id == job_id).returning(SavedResult.sha256, in_store)
    )
    blobs = [row.sha256 for row in gone if row.in_store]
    await db.execute(delete(ResourceFailure).where(ResourceFailure.job_id == job_id))
    return blobs
