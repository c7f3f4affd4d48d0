"""Statements about proposed pins."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from ai_manager.base import MAX_BIGINT
from ai_manager.catalog.models import ProposedPin
from trapper_kit.db import Session
from trapper_schemas.v1.workers import PinProposal

MOST_OF_A_WORKER = 8
"""Different hashes of one worker for one entry that are kept: a source that changes is news, a flood is not."""


async def note_proposal(
    db: Session, model_id: UUID, pin: PinProposal, *, worker_id: UUID, worker_name: str, now: datetime
) -> bool:
    """Stores a proposal and returns whether it is new."""
    mine = (ProposedPin.model_id == model_id, ProposedPin.worker_id == worker_id)
    known = await db.scalar(select(func.count()).where(*mine))
    if (known or 0) >= MOST_OF_A_WORKER:
        return False
    statement = (
        insert(ProposedPin)
        .values(
            model_id=model_id,
            worker_id=worker_id,
            sha256=pin.sha256,
            size_bytes=min(pin.size_bytes, MAX_BIGINT),
            worker_name=worker_name,
            proposed_at=now,
        )
        .on_conflict_do_nothing()
        .returning(ProposedPin.sha256)
    )
    return (await db.scalars(statement)).one_or_none() is not None


async def proposals(db: Session, model_id: UUID) -> Sequence[ProposedPin]:
    """Returns the proposals of workers for an entry, oldest first."""
    statement = (
        select(ProposedPin)
        .where(ProposedPin.model_id == model_id)
        .order_by(ProposedPin.proposed_at, ProposedPin.sha256, ProposedPin.worker_id)
    )
    return (await db.scalars(statement)).all()
