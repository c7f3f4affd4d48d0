"""How much waits, and for how long."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import ARRAY, Text, cast, func, select

from ai_manager.batches.models import Batch
from ai_manager.batches.state import BatchState
from ai_manager.workers.models import Worker
from trapper_kit.db import Session


@dataclass(frozen=True)
class Depth:
    """The batches that the same runtimes can run."""

    runtimes: str
    waiting: int
    leased: int
    resources: int
    oldest: UUID | None


async def depths(db: Session) -> list[Depth]:
    """Open batches by the runtimes that can run them."""
    waiting = Batch.state == BatchState.WAITING
    rows = await db.execute(
        select(
            Batch.runtimes,
            func.count().filter(waiting),
            func.count().filter(~waiting),
            func.sum(Batch.size),
            func.min(cast(Batch.id, Text)).filter(waiting),
        )
        .where(Batch.state.in_([BatchState.WAITING, BatchState.LEASED]))
        .group_by(Batch.runtimes)
        .order_by(Batch.runtimes)
    )
    return [Depth(row[0], row[1], row[2], row[3], UUID(row[4]) if row[4] else None) for row in rows]


async def alive(db: Session, runtimes: Sequence[str], *, seen_after: datetime) -> int:
    """Live workers that can run something of any of these runtimes."""
    statement = select(func.count()).where(
        Worker.revoked_at.is_(None),
        Worker.seen_at > seen_after,
        func.jsonb_exists_any(Worker.runtimes, cast(list(runtimes), ARRAY(Text))),
    )
    return (await db.scalars(statement)).one()


def made_at(uuid7: UUID) -> datetime:
    """The moment that a UUIDv7 carries."""
    return datetime.fromtimestamp((uuid7.int >> 80) / 1000, UTC)
