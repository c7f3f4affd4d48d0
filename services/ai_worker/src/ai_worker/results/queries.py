"""Every statement about kept results."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import delete, func, select, update

from ai_worker.results.models import KeptResult
from ai_worker.results.state import KeptState
from trapper_kit.db import Session


async def waiting(db: Session, *, limit: int) -> Sequence[KeptResult]:
    """The oldest results that the Manager does not have yet."""
    oldest = select(KeptResult).where(KeptResult.state == KeptState.WAITING).order_by(KeptResult.run_id).limit(limit)
    return (await db.scalars(oldest)).all()


async def tried(db: Session, run_id: UUID, *, state: KeptState, problem: str | None) -> None:
    """Note the outcome of a delivery."""
    await db.execute(
        update(KeptResult)
        .where(KeptResult.run_id == run_id, KeptResult.state == KeptState.WAITING)
        .values(state=state, tries=KeptResult.tries + 1, problem=problem)
    )


async def finished(db: Session) -> Sequence[KeptResult]:
    """Results that the Manager has answered for, or that are lost."""
    return (await db.scalars(select(KeptResult).where(KeptResult.state != KeptState.WAITING))).all()


async def refused(db: Session) -> Sequence[KeptResult]:
    """Results that the Manager refused, newest first; they are kept for `doctor`."""
    statement = select(KeptResult).where(KeptResult.state == KeptState.REFUSED).order_by(KeptResult.run_id.desc())
    return (await db.scalars(statement)).all()


async def delete_results(db: Session, run_ids: Collection[UUID]) -> None:
    """Delete rows of results that are not needed any more."""
    await db.execute(delete(KeptResult).where(KeptResult.run_id.in_(run_ids)))


async def in_spool(db: Session) -> set[UUID]:
    """The runs whose spool files must stay."""
    states = (KeptState.WAITING, KeptState.REFUSED)
    return set((await db.scalars(select(KeptResult.run_id).where(KeptResult.state.in_(states)))).all())


async def waiting_bytes(db: Session) -> tuple[int, int]:
    """The number of results that wait, and their size in bytes."""
    totals = select(func.count(), func.coalesce(func.sum(KeptResult.size_bytes), 0))
    count, size = (await db.execute(totals.where(KeptResult.state == KeptState.WAITING))).one()
    return int(count), int(size)
