"""Renews leases while their tokens are right."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from ai_manager.batches import queries
from trapper_kit.db import Session


@dataclass(frozen=True)
class Renewed:
    """The outcome for each lease that a worker says it holds."""

    renewed: dict[UUID, timedelta]
    """How long each lasts."""
    cancelled: list[UUID]
    lost: list[UUID]


async def renew_leases(db: Session, worker_id: UUID, held: Sequence[tuple[UUID, str]], *, lease: timedelta) -> Renewed:
    """Returns for each lease whether it is renewed, cancelled or lost."""
    renewed = await queries.renew(db, worker_id, held, lease=lease)
    not_renewed = [batch_id for batch_id, _ in held if batch_id not in renewed]
    cancelled = await queries.cancelled_among(db, not_renewed) if not_renewed else set[UUID]()
    return Renewed(
        renewed=renewed,
        cancelled=[batch_id for batch_id in not_renewed if batch_id in cancelled],
        lost=[batch_id for batch_id in not_renewed if batch_id not in cancelled],
    )
