"""Statements about runs; each change of state has the allowed states in its where-clause."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, null, select, update

from ai_worker.batches.models import Run
from ai_worker.leases.runs import HELD, OVER, UNFINISHED, RunState, before
from trapper_kit.db import Session


async def find(db: Session, batch_id: UUID, attempt: int) -> Run | None:
    """The run of this attempt of the batch, or None."""
    return await db.scalar(select(Run).where(Run.batch_id == batch_id, Run.attempt == attempt))


async def get(db: Session, run_id: UUID) -> Run | None:
    """One run, or None."""
    return await db.get(Run, run_id)


async def held(db: Session) -> Sequence[Run]:
    """Runs whose leases are to be renewed, oldest first."""
    return (await db.scalars(select(Run).where(Run.state.in_(HELD)).order_by(Run.id))).all()


async def unfinished(db: Session) -> Sequence[Run]:
    """Runs that are still to be computed, oldest first."""
    return (await db.scalars(select(Run).where(Run.state.in_(UNFINISHED)).order_by(Run.id))).all()


async def counts(db: Session) -> dict[str, int]:
    """How many runs are in each state."""
    rows = (await db.execute(select(Run.state, func.count()).group_by(Run.state))).all()
    return {state.value: int(count) for state, count in rows}


async def become(db: Session, run_id: UUID, state: RunState, **values: Any) -> bool:
    """Change the state if it may follow the present one; returns whether it did."""
    if state in OVER:
        values["lease"] = null()
    changed = update(Run).where(Run.id == run_id, Run.state.in_(before(state))).values(state=state, **values)
    return bool((await db.execute(changed.returning(Run.id))).all())


async def release_unfinished(db: Session, run_id: UUID, because: str) -> bool:
    """End a run without a result; False when it is over or its result is kept already."""
    changed = (
        update(Run)
        .where(Run.id == run_id, Run.state.in_(UNFINISHED))
        .values(state=RunState.RELEASED, because=because, lease=null())
    )
    return bool((await db.execute(changed.returning(Run.id))).all())


async def start(db: Session, run_id: UUID) -> bool:
    """Note that computing begins, and count how often it has."""
    return await become(db, run_id, RunState.RUNNING, starts=Run.starts + 1)


async def unfinished_ids(db: Session) -> set[UUID]:
    """The runs whose media must stay."""
    return set((await db.scalars(select(Run.id).where(Run.state.in_(UNFINISHED)))).all())


async def prune(db: Session, *, keep: int, spare: Collection[UUID]) -> None:
    """Delete the oldest runs that are over, except `spare`."""
    newest = select(Run.id).where(Run.state.in_(OVER)).order_by(Run.id.desc()).limit(keep)
    await db.execute(delete(Run).where(Run.state.in_(OVER), Run.id.not_in(newest), Run.id.not_in(spare)))
