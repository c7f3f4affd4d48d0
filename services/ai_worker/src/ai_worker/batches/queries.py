"""Every statement about runs; each change says in its where-clause what it may follow."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, null, select, update

from ai_worker.batches.models import Run
from ai_worker.batches.state import HELD, OVER, UNFINISHED, RunState, before
from trapper_kit.db import Session


async def find(db: Session, batch_id: UUID, attempt: int) -> Run | None:
    """The run of this very attempt, if we ever had it."""
    return await db.scalar(select(Run).where(Run.batch_id == batch_id, Run.attempt == attempt))


async def earlier(db: Session, batch_id: UUID) -> Sequence[Run]:
    """Attempts of this batch that we have not finished: whoever leases it anew has lost them."""
    return (await db.scalars(select(Run).where(Run.batch_id == batch_id, Run.state.in_(UNFINISHED)))).all()


async def held(db: Session) -> Sequence[Run]:
    """Everything whose lease is ours to renew, oldest first."""
    return (await db.scalars(select(Run).where(Run.state.in_(HELD)).order_by(Run.id))).all()


async def unfinished(db: Session) -> Sequence[Run]:
    """What is still to be computed, oldest first."""
    return (await db.scalars(select(Run).where(Run.state.in_(UNFINISHED)).order_by(Run.id))).all()


async def count_unfinished(db: Session) -> int:
    """How much is still to be computed."""
    return await db.scalar(select(func.count()).select_from(Run).where(Run.state.in_(UNFINISHED))) or 0


async def count_taken_along(db: Session) -> int:
    """How much of that is under a lease that needs no link."""
    along = select(func.count()).select_from(Run).where(Run.state.in_(UNFINISHED), Run.offline_until.is_not(None))
    return await db.scalar(along) or 0


async def counts(db: Session) -> dict[str, int]:
    """How many runs are in each state."""
    rows = (await db.execute(select(Run.state, func.count()).group_by(Run.state))).all()
    return {state.value: int(count) for state, count in rows}


async def become(db: Session, run_id: UUID, state: RunState, **values: Any) -> bool:
    """Change the state if it may follow; whoever comes too late gets False."""
    if state in OVER:
        values["lease"] = null()
    changed = update(Run).where(Run.id == run_id, Run.state.in_(before(state))).values(state=state, **values)
    return bool((await db.execute(changed.returning(Run.id))).all())


async def start(db: Session, run_id: UUID) -> bool:
    """Note that computing begins, and how often it has."""
    return await become(db, run_id, RunState.RUNNING, starts=Run.starts + 1)


async def in_hand(db: Session) -> set[UUID]:
    """The runs whose media must stay."""
    return set((await db.scalars(select(Run.id).where(Run.state.in_(UNFINISHED)))).all())


async def prune(db: Session, *, keep: int, but: Collection[UUID]) -> None:
    """Drop the oldest runs that are over."""
    newest = select(Run.id).where(Run.state.in_(OVER)).order_by(Run.id.desc()).limit(keep)
    await db.execute(delete(Run).where(Run.state.in_(OVER), Run.id.not_in(newest), Run.id.not_in(but)))
