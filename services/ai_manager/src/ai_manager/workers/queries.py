"""Statements about the fleet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ARRAY, CursorResult, Text, func, select, update
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import undefer

from ai_manager.workers.models import EnrolmentToken, Worker, WorkerLosses
from trapper_kit.db import Session, db_clock
from trapper_kit.paging import PageRequest, has_part, page_of


async def use_enrolment(db: Session, token_hash: str, now: datetime) -> EnrolmentToken | None:
    """Takes one use of the token, if one is left, atomically."""
    return (
        await db.scalars(
            update(EnrolmentToken)
            .where(
                EnrolmentToken.token_hash == token_hash,
                EnrolmentToken.uses_left > 0,
                EnrolmentToken.expires_at > now,
            )
            .values(uses_left=EnrolmentToken.uses_left - 1)
            .returning(EnrolmentToken)
        )
    ).one_or_none()


async def get(db: Session, worker_id: UUID) -> Worker | None:
    """Returns a worker that is not revoked."""
    return (await db.scalars(select(Worker).where(Worker.id == worker_id, Worker.revoked_at.is_(None)))).one_or_none()


async def note_seen(db: Session, worker_id: UUID, *, number: int, **changes: Any) -> Worker | None:
    """Stores a heartbeat by the database's clock; returns None when the worker is revoked."""
    return (
        await db.scalars(
            update(Worker)
            .where(Worker.id == worker_id, Worker.revoked_at.is_(None))
            .values(seen_at=db_clock(), heartbeat_number=func.greatest(Worker.heartbeat_number, number), **changes)
            .returning(Worker)
        )
    ).one_or_none()


async def advance_heartbeat(db: Session, worker_id: UUID, number: int) -> bool:
    """Stores the number of a heartbeat; returns False when this or a higher one came before."""
    statement = (
        update(Worker)
        .where(Worker.id == worker_id, Worker.heartbeat_number < number)
        .values(heartbeat_number=number)
        .returning(Worker.id)
    )
    return (await db.scalars(statement)).one_or_none() is not None


async def revoke(db: Session, worker_id: UUID, now: datetime) -> bool:
    """Revokes a worker; returns False when there is none to revoke."""
    statement = (
        update(Worker).where(Worker.id == worker_id, Worker.revoked_at.is_(None)).values(revoked_at=now)
    ).returning(Worker.id)
    return (await db.scalars(statement)).one_or_none() is not None


async def instruct(db: Session, changes: Mapping[str, bool], worker_id: UUID | None) -> int:
    """Changes the order of one worker, or of all that are not revoked, and returns their number."""
    statement = update(Worker).where(Worker.revoked_at.is_(None)).values(dict(changes))
    if worker_id is not None:
        statement = statement.where(Worker.id == worker_id)
    return cast("CursorResult[Any]", await db.execute(statement)).rowcount


async def moment(db: Session) -> datetime:
    """Returns now, by the clock that records when workers were seen."""
    return (await db.scalars(select(db_clock()))).one()


async def find(db: Session, worker_id: UUID) -> Worker | None:
    """A worker, also one that was sent away."""
    statement = select(Worker).where(Worker.id == worker_id).options(undefer(Worker.leases))
    return (await db.scalars(statement)).one_or_none()


async def enrolled(db: Session) -> Sequence[Worker]:
    """Returns every worker that is not revoked."""
    return (await db.scalars(select(Worker).where(Worker.revoked_at.is_(None)))).all()


async def list_workers(
    db: Session, page_request: PageRequest, *, ids: Sequence[UUID] | None, name: str | None
) -> Sequence[Worker]:
    """The fleet, oldest first, one more than the page."""
    statement = select(Worker).options(undefer(Worker.leases))
    if name is not None:
        statement = statement.where(has_part(Worker.name, name))
    return (await db.scalars(page_of(statement, [Worker.id], page_request, [UUID], ids=ids))).all()


@dataclass(frozen=True)
class Fleet:
    """How many live workers can run something, and their speed."""

    alive: int
    images_per_second: float | None


async def fleet(
    db: Session, runtimes: Sequence[str], model_sha256: str, *, project: str, seen_within: timedelta
) -> Fleet:
    """Returns live workers of these runtimes that see the project, and their median speed for this model."""
    speed = Worker.images_per_second[model_sha256].as_float()
    row = (
        await db.execute(
            select(
                func.count(),
                func.percentile_cont(0.5).within_group(speed.asc()).filter(speed > 0),
            ).where(
                Worker.revoked_at.is_(None),
                Worker.seen_at > db_clock() - seen_within,
                Worker.paused.is_(False),
                Worker.drain.is_(False),
                Worker.project.in_(["", project]),
                func.jsonb_exists_any(Worker.runtimes, sql_cast(list(runtimes), ARRAY(Text))),
            )
        )
    ).one()
    return Fleet(row[0], row[1])


async def count_losses(db: Session, losses: Mapping[tuple[UUID, str], int]) -> None:
    """Adds losses of workers; last in its transaction and in one order, against deadlocks."""
    rows = [{"worker_id": worker, "loss": loss, "count": count} for (worker, loss), count in sorted(losses.items())]
    if not rows:
        return
    statement = insert(WorkerLosses).values(rows)
    await db.execute(
        statement.on_conflict_do_update(
            index_elements=[WorkerLosses.worker_id, WorkerLosses.loss],
            set_={"count": WorkerLosses.count + statement.excluded.count},
        )
    )


async def losses_of(db: Session, worker_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """Returns the losses of each of these workers, by kind."""
    by_worker: dict[UUID, dict[str, int]] = {}
    for row in await db.scalars(select(WorkerLosses).where(WorkerLosses.worker_id.in_(worker_ids))):
        by_worker.setdefault(row.worker_id, {})[row.loss] = row.count
    return by_worker
