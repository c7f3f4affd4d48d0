"""Statements of the queue: the token is in the where-clause, and the database's clock decides."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, case, delete, exists, func, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import undefer

from ai_manager.batches.models import EXHAUSTED, LEASED, WAITING, Batch, FinishedBatch, Terms, WebProcess
from ai_manager.batches.state import BatchState, Past
from ai_manager.workers.models import Worker
from trapper_kit.db import Session, db_clock

_NO_LEASE: dict[str, Any] = {"lease_token": None, "lease_expires_at": None}


@dataclass(frozen=True)
class Counts:
    """How many resources of a batch ended in which way."""

    done: int
    blank: int
    failed: int


async def terms_of(db: Session, job_ids: Sequence[UUID]) -> dict[UUID, Terms]:
    """Returns the terms of these jobs."""
    rows = await db.scalars(select(Terms).where(Terms.job_id.in_(set(job_ids))))
    return {terms.job_id: terms for terms in rows}


async def renew(
    db: Session, worker_id: UUID, held: Sequence[tuple[UUID, str]], *, lease: timedelta
) -> dict[UUID, timedelta]:
    """Extends the leases whose token is right and returns how long each lasts now.

    A lease that nobody took back yet is still one; one that was given for days is not made shorter.
    """
    if not held:
        return {}
    statement = (
        update(Batch)
        .where(
            Batch.state == LEASED,
            Batch.worker_id == worker_id,
            tuple_(Batch.id, Batch.lease_token).in_(held),
        )
        .values(lease_expires_at=func.greatest(Batch.lease_expires_at, db_clock() + lease))
        .returning(Batch.id, (Batch.lease_expires_at - db_clock()).label("left"))
    )
    return {row.id: row.left for row in await db.execute(statement)}


async def cancelled_among(db: Session, batch_ids: Sequence[UUID]) -> set[UUID]:
    """Returns those of these batches that were cancelled."""
    cancelled: set[UUID] = set()
    for table in (Batch, FinishedBatch):
        statement = select(table.id).where(table.id.in_(batch_ids), table.state == BatchState.CANCELLED)
        cancelled.update((await db.scalars(statement)).all())
    return cancelled


async def give_up(db: Session, batch_id: UUID, *, result_sha256: str, counts: Counts) -> bool:
    """Stores the blob of an exhausted batch, once."""
    statement = (
        update(Batch)
        .where(Batch.id == batch_id, Batch.state == EXHAUSTED, Batch.result_sha256.is_(None))
        .values(result_sha256=result_sha256, **vars(counts))
        .returning(Batch.id)
    )
    return (await db.scalars(statement)).one_or_none() is not None


async def exhausted(db: Session, limit: int) -> Sequence[Batch]:
    """Returns exhausted batches that have no blob yet."""
    statement = (
        select(Batch)
        .where(Batch.state == EXHAUSTED, Batch.result_sha256.is_(None))
        .order_by(Batch.id)
        .limit(limit)
        .options(undefer(Batch.resources))
    )
    return (await db.scalars(statement)).all()


async def note_fetched(db: Session, batch_id: UUID) -> None:
    """Marks a batch as fetched, wherever it is; waits for a transaction that moves it."""
    for table in (Batch, FinishedBatch):
        noted = await db.execute(update(table).where(table.id == batch_id).values(fetched=True))
        if cast("CursorResult[Any]", noted).rowcount:
            return


async def get(db: Session, batch_id: UUID) -> Batch | None:
    """Returns a batch with its resources."""
    statement = select(Batch).where(Batch.id == batch_id).options(undefer(Batch.resources))
    return (await db.scalars(statement)).one_or_none()


async def find(db: Session, batch_id: UUID) -> Batch | FinishedBatch | None:
    """Returns a batch of the queue or of a closed job."""
    return await get(db, batch_id) or await finished(db, batch_id)


async def finished(db: Session, batch_id: UUID) -> FinishedBatch | None:
    """Returns a batch of a closed job."""
    return (await db.scalars(select(FinishedBatch).where(FinishedBatch.id == batch_id))).one_or_none()


async def job_of(db: Session, batch_id: UUID) -> UUID | None:
    """Returns the job of a batch in the queue."""
    return (await db.scalars(select(Batch.job_id).where(Batch.id == batch_id))).one_or_none()


async def move_finished(db: Session, job_id: UUID, limit: int) -> int:
    """Moves up to `limit` batches of a closed job out of the queue, in one statement."""
    chosen = (
        select(Batch.id)
        .where(Batch.job_id == job_id, Batch.state.not_in([BatchState.WAITING, BatchState.LEASED]))
        .limit(limit)
        .with_for_update()
        .cte("chosen")
    )
    kept = [column.name for column in FinishedBatch.__table__.columns]
    gone = delete(Batch).where(Batch.id == chosen.c.id).returning(*(getattr(Batch, name) for name in kept)).cte("gone")
    move = insert(FinishedBatch).from_select(kept, select(gone)).add_cte(gone)
    return cast("CursorResult[Any]", await db.execute(move)).rowcount


async def is_leased(db: Session, batch_id: UUID, *, attempt: int) -> bool:
    """Returns whether results of this attempt may still be saved."""
    statement = select(exists().where(Batch.id == batch_id, Batch.state == LEASED, Batch.attempt == attempt))
    return (await db.scalars(statement)).one()


async def delete_of_job(db: Session, job_id: UUID) -> None:
    """Deletes the batches and terms of a compacted job."""
    await db.execute(delete(FinishedBatch).where(FinishedBatch.job_id == job_id))
    await db.execute(delete(Terms).where(Terms.job_id == job_id))


async def leased_beside(db: Session, worker_id: UUID, held: Collection[tuple[UUID, str]]) -> list[tuple[UUID, UUID]]:
    """Returns batches leased to a worker under other tokens than these, with their jobs."""
    statement = select(Batch.id, Batch.job_id, Batch.lease_token).where(
        Batch.state == LEASED, Batch.worker_id == worker_id
    )
    return [(row.id, row.job_id) for row in await db.execute(statement) if (row.id, row.lease_token) not in held]


async def expired(db: Session, limit: int) -> list[tuple[UUID, UUID]]:
    """Returns batches whose lease is over by the database's clock, with their jobs."""
    statement = (
        select(Batch.id, Batch.job_id)
        .where(Batch.state == LEASED, Batch.lease_expires_at < db_clock())
        .order_by(Batch.lease_expires_at)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in await db.execute(statement)]


async def of_revoked(db: Session, limit: int) -> list[tuple[UUID, UUID]]:
    """Returns batches leased to revoked workers, with their jobs."""
    revoked = select(Worker.id).where(Worker.revoked_at.is_not(None))
    statement = select(Batch.id, Batch.job_id).where(Batch.state == LEASED, Batch.worker_id.in_(revoked)).limit(limit)
    return [(row[0], row[1]) for row in await db.execute(statement)]


async def note_open(db: Session, process_id: UUID, *, gap: timedelta, delete_after: timedelta) -> None:
    """Records that this process answers now; after a gap its uptime begins anew."""
    now = db_clock()
    unbroken = WebProcess.seen_at > now - gap
    statement = postgresql.insert(WebProcess).values(id=process_id, since=now, seen_at=now)
    await db.execute(
        statement.on_conflict_do_update(
            index_elements=[WebProcess.id],
            set_={"since": case((unbroken, WebProcess.since), else_=now), "seen_at": now},
        )
    )
    await db.execute(delete(WebProcess).where(WebProcess.seen_at < now - delete_after))


async def was_open(db: Session, lease: timedelta, *, gap: timedelta) -> bool:
    """Returns whether some process has answered through a whole lease, so that workers could renew."""
    now = db_clock()
    return (
        await db.scalars(select(exists().where(WebProcess.since < now - lease, WebProcess.seen_at > now - gap)))
    ).one()


async def hold_terms(db: Session, job_ids: Iterable[UUID]) -> None:
    """Locks the terms of these jobs against a cancellation; always before their batches."""
    await db.execute(
        select(Terms.job_id).where(Terms.job_id.in_(set(job_ids))).order_by(Terms.job_id).with_for_update(read=True)
    )


async def lock_leased(
    db: Session, batch_ids: Sequence[UUID], *, silent_only: bool = False, token: str | None = None
) -> Sequence[Batch]:
    """Locks and returns those of these batches that are still leased, expired or under this token."""
    statement = (
        select(Batch)
        .where(Batch.id.in_(batch_ids), Batch.state == LEASED)
        .options(undefer(Batch.resources))
        .with_for_update(skip_locked=token is None)
    )
    if silent_only:
        statement = statement.where(Batch.lease_expires_at < db_clock())
    if token is not None:
        statement = statement.where(Batch.lease_token == token)
    return (await db.scalars(statement)).all()


async def put_back(db: Session, batch: Batch, *, state: BatchState, past: Past, error: str) -> None:
    """Stores a loss and the state that follows from it; the caller holds the row's lock."""
    await db.execute(
        update(Batch)
        .where(Batch.id == batch.id, Batch.state == LEASED)
        .values(
            state=state,
            losses=past.losses,
            crashes=past.crashes,
            expiries=past.expiries,
            last_error=error,
            **_NO_LEASE,
        )
    )


async def cancel_of_job(db: Session, job_id: UUID) -> int:
    """Cancels the open batches of a job; exhausted ones without a blob stay as they are."""
    open_batch = Batch.state.in_([BatchState.WAITING, BatchState.LEASED])
    unwritten = (Batch.state == EXHAUSTED) & Batch.result_sha256.is_(None)
    statement = (
        update(Batch)
        .where(Batch.job_id == job_id, open_batch | unwritten)
        .values(state=BatchState.CANCELLED, **_NO_LEASE)
    )
    return cast("CursorResult[Any]", await db.execute(statement)).rowcount


async def smallest_waiting_turn(db: Session, priority: int) -> int:
    """Returns the smallest turn that waits in a priority; 0 when nothing waits."""
    statement = (
        select(Batch.turn).where(Batch.state == WAITING, Batch.priority == priority).order_by(Batch.turn).limit(1)
    )
    return (await db.scalars(statement)).one_or_none() or 0
