"""The queue's statements: the token in the where-clause, the database's clock in the arithmetic."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, case, delete, exists, func, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import undefer

from ai_manager.batches.models import EXHAUSTED, LEASED, WAITING, Batch, Door, FinishedBatch, Terms
from ai_manager.batches.state import BatchState, Past
from ai_manager.workers.models import Worker
from trapper_kit.db import Session, db_clock

_NO_LEASE: dict[str, Any] = {"lease_token": None, "lease_expires_at": None}


@dataclass(frozen=True)
class Counts:
    """How the resources of a batch ended."""

    done: int
    blank: int
    failed: int


async def terms_of(db: Session, job_ids: Sequence[UUID]) -> dict[UUID, Terms]:
    """The terms of some jobs."""
    found = await db.scalars(select(Terms).where(Terms.job_id.in_(set(job_ids))))
    return {terms.job_id: terms for terms in found}


async def renew(
    db: Session, worker_id: UUID, held: Sequence[tuple[UUID, str]], *, lease: timedelta
) -> dict[UUID, timedelta]:
    """How long each lease lasts whose token is right, now that its expiry was pushed out.

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
    """Which of these batches were cancelled."""
    found: set[UUID] = set()
    for table in (Batch, FinishedBatch):
        statement = select(table.id).where(table.id.in_(batch_ids), table.state == BatchState.CANCELLED)
        found.update((await db.scalars(statement)).all())
    return found


async def give_up(db: Session, batch_id: UUID, *, result_sha256: str, counts: Counts) -> bool:
    """Note the blob of an exhausted batch, once."""
    statement = (
        update(Batch)
        .where(Batch.id == batch_id, Batch.state == EXHAUSTED, Batch.result_sha256.is_(None))
        .values(result_sha256=result_sha256, **vars(counts))
        .returning(Batch.id)
    )
    return (await db.scalars(statement)).one_or_none() is not None


async def exhausted(db: Session, limit: int) -> Sequence[Batch]:
    """Batches that were given up and have no blob yet."""
    statement = (
        select(Batch)
        .where(Batch.state == EXHAUSTED, Batch.result_sha256.is_(None))
        .order_by(Batch.id)
        .limit(limit)
        .options(undefer(Batch.resources))
    )
    return (await db.scalars(statement)).all()


async def note_fetched(db: Session, batch_id: UUID) -> None:
    """The Expert has it; who moves the batch meanwhile was waited for, so it is in one place or the other."""
    for table in (Batch, FinishedBatch):
        noted = await db.execute(update(table).where(table.id == batch_id).values(fetched=True))
        if cast("CursorResult[Any]", noted).rowcount:
            return


async def get(db: Session, batch_id: UUID) -> Batch | None:
    """A batch with its resources."""
    statement = select(Batch).where(Batch.id == batch_id).options(undefer(Batch.resources))
    return (await db.scalars(statement)).one_or_none()


async def find(db: Session, batch_id: UUID) -> Batch | FinishedBatch | None:
    """A batch in the queue, or in the place where those of closed jobs are."""
    return await get(db, batch_id) or await finished(db, batch_id)


async def finished(db: Session, batch_id: UUID) -> FinishedBatch | None:
    """A batch of a closed job, once it was moved."""
    return (await db.scalars(select(FinishedBatch).where(FinishedBatch.id == batch_id))).one_or_none()


async def job_of(db: Session, batch_id: UUID) -> UUID | None:
    """The job of a batch in the queue."""
    return (await db.scalars(select(Batch.job_id).where(Batch.id == batch_id))).one_or_none()


async def move_finished(db: Session, job_id: UUID, limit: int) -> int:
    """Take up to `limit` batches of a closed job out of the queue; one statement, so none is ever in both places."""
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
    """Whether results of this attempt may still be saved."""
    statement = select(exists().where(Batch.id == batch_id, Batch.state == LEASED, Batch.attempt == attempt))
    return (await db.scalars(statement)).one()


async def delete_of_job(db: Session, job_id: UUID) -> None:
    """What is left of a job that was put away: its batches, and what their workers were told."""
    await db.execute(delete(FinishedBatch).where(FinishedBatch.job_id == job_id))
    await db.execute(delete(Terms).where(Terms.job_id == job_id))


async def leased_beside(db: Session, worker_id: UUID, held: Collection[tuple[UUID, str]]) -> list[tuple[UUID, UUID]]:
    """Batches leased to a worker under other tokens than these, with their jobs."""
    statement = select(Batch.id, Batch.job_id, Batch.lease_token).where(
        Batch.state == LEASED, Batch.worker_id == worker_id
    )
    return [(row.id, row.job_id) for row in await db.execute(statement) if (row.id, row.lease_token) not in held]


async def expired(db: Session, limit: int) -> list[tuple[UUID, UUID]]:
    """Batches that nobody renewed in time, by the database's clock, with their jobs."""
    statement = (
        select(Batch.id, Batch.job_id)
        .where(Batch.state == LEASED, Batch.lease_expires_at < db_clock())
        .order_by(Batch.lease_expires_at)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in await db.execute(statement)]


async def of_revoked(db: Session, limit: int) -> list[tuple[UUID, UUID]]:
    """Batches that workers hold who were sent away, with their jobs."""
    revoked = select(Worker.id).where(Worker.revoked_at.is_not(None))
    statement = select(Batch.id, Batch.job_id).where(Batch.state == LEASED, Batch.worker_id.in_(revoked)).limit(limit)
    return [(row[0], row[1]) for row in await db.execute(statement)]


async def note_open(db: Session, door: UUID, *, gap: timedelta, forget_after: timedelta) -> None:
    """This process answers; after a gap it counts as one that has just begun."""
    now = db_clock()
    unbroken = Door.seen_at > now - gap
    statement = postgresql.insert(Door).values(id=door, since=now, seen_at=now)
    await db.execute(
        statement.on_conflict_do_update(
            index_elements=[Door.id], set_={"since": case((unbroken, Door.since), else_=now), "seen_at": now}
        )
    )
    await db.execute(delete(Door).where(Door.seen_at < now - forget_after))


async def was_open(db: Session, lease: timedelta, *, gap: timedelta) -> bool:
    """Whether a process has answered through a whole lease, so that whoever was silent could have spoken."""
    now = db_clock()
    return (await db.scalars(select(exists().where(Door.since < now - lease, Door.seen_at > now - gap)))).one()


async def hold_terms(db: Session, job_ids: Iterable[UUID]) -> None:
    """Keep these jobs from being cancelled until the transaction ends; always before locking their batches."""
    await db.execute(
        select(Terms.job_id).where(Terms.job_id.in_(set(job_ids))).order_by(Terms.job_id).with_for_update(read=True)
    )


async def lock_leased(
    db: Session, batch_ids: Sequence[UUID], *, silent_only: bool = False, token: str | None = None
) -> Sequence[Batch]:
    """Those of these batches that are still leased (still in silence, still under this token), locked."""
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
    """Note a loss and what follows from it; the caller holds the row's lock."""
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
    """Nobody gets these any more, and who holds one will be told; what was given up unwritten stays unwritten."""
    open_batch = Batch.state.in_([BatchState.WAITING, BatchState.LEASED])
    unwritten = (Batch.state == EXHAUSTED) & Batch.result_sha256.is_(None)
    statement = (
        update(Batch)
        .where(Batch.job_id == job_id, open_batch | unwritten)
        .values(state=BatchState.CANCELLED, **_NO_LEASE)
    )
    return cast("CursorResult[Any]", await db.execute(statement)).rowcount


async def smallest_waiting_turn(db: Session, priority: int) -> int:
    """Where the queue of a priority stands; 0 when nothing waits."""
    statement = (
        select(Batch.turn).where(Batch.state == WAITING, Batch.priority == priority).order_by(Batch.turn).limit(1)
    )
    return (await db.scalars(statement)).one_or_none() or 0
