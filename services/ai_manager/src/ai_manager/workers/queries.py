"""The fleet's statements."""

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
from trapper_kit.paging import PageRequest, page_of


async def use_enrolment(db: Session, token_hash: str, now: datetime) -> EnrolmentToken | None:
    """Take one use of the token, if one is left; two workers can never take the same one."""
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
    """A worker that was not sent away."""
    return (await db.scalars(select(Worker).where(Worker.id == worker_id, Worker.revoked_at.is_(None)))).one_or_none()


async def note_seen(db: Session, worker_id: UUID, *, number: int, **changes: Any) -> Worker | None:
    """Note a heartbeat, by the clock that all Managers share, with what changed; None when the worker is revoked."""
    return (
        await db.scalars(
            update(Worker)
            .where(Worker.id == worker_id, Worker.revoked_at.is_(None))
            .values(seen_at=db_clock(), heartbeat_number=func.greatest(Worker.heartbeat_number, number), **changes)
            .returning(Worker)
        )
    ).one_or_none()


async def advance_heartbeat(db: Session, worker_id: UUID, number: int) -> bool:
    """Note the number of a heartbeat; False when one with this number or a higher one came before."""
    statement = (
        update(Worker)
        .where(Worker.id == worker_id, Worker.heartbeat_number < number)
        .values(heartbeat_number=number)
        .returning(Worker.id)
    )
    return (await db.scalars(statement)).one_or_none() is not None


async def revoke(db: Session, worker_id: UUID, now: datetime) -> bool:
    """Send a worker away; False when there is none to send."""
    statement = (
        update(Worker).where(Worker.id == worker_id, Worker.revoked_at.is_(None)).values(revoked_at=now)
    ).returning(Worker.id)
    return (await db.scalars(statement)).one_or_none() is not None


async def instruct(db: Session, changes: Mapping[str, bool], worker_id: UUID | None) -> int:
    """Change what one worker, or every one that was not sent away, is told; how many there were."""
    statement = update(Worker).where(Worker.revoked_at.is_(None)).values(dict(changes))
    if worker_id is not None:
        statement = statement.where(Worker.id == worker_id)
    return cast("CursorResult[Any]", await db.execute(statement)).rowcount


async def moment(db: Session) -> datetime:
    """Now, by the clock that notes when workers were seen."""
    return (await db.scalars(select(db_clock()))).one()


async def find(db: Session, worker_id: UUID) -> Worker | None:
    """A worker, also one that was sent away."""
    statement = select(Worker).where(Worker.id == worker_id).options(undefer(Worker.leases))
    return (await db.scalars(statement)).one_or_none()


async def enrolled(db: Session) -> Sequence[Worker]:
    """Every worker that was not sent away."""
    return (await db.scalars(select(Worker).where(Worker.revoked_at.is_(None)))).all()


async def list_workers(db: Session, page_request: PageRequest) -> Sequence[Worker]:
    """The fleet, oldest first, one more than the page."""
    statement = select(Worker).options(undefer(Worker.leases))
    return (await db.scalars(page_of(statement, [Worker.id], page_request, [UUID]))).all()


@dataclass(frozen=True)
class Fleet:
    """How many workers live that can run something, and how fast they are at it."""

    alive: int
    images_per_second: float | None


async def fleet(
    db: Session, runtimes: Sequence[str], model_sha256: str, *, project: str, seen_within: timedelta
) -> Fleet:
    """Live workers of any of these runtimes that see the project, and the median speed they measured for this model."""
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
    """Add to what each worker lost; last in its transaction, in one order, so that nobody waits crosswise."""
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
    """What each of these workers lost, by the way it happened."""
    found: dict[UUID, dict[str, int]] = {}
    for row in await db.scalars(select(WorkerLosses).where(WorkerLosses.worker_id.in_(worker_ids))):
        found.setdefault(row.worker_id, {})[row.loss] = row.count
    return found
