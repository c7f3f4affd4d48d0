"""Statements about what an object's observations were copied from, and into."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Uuid, column, select, table

from expert.access.state import Caller
from expert.observations.models import Observation
from expert.observations.queries import visible_to
from expert.observations.state import ClassificationType
from trapper_kit.db import Session

# What observations must know of the table above them, by name.
_classifications = table(
    "classifications",
    column("id", Uuid()),
    column("type"),
    column("owner_id", Uuid()),
    column("edited_by_id", Uuid()),
    column("source_classification_id", Uuid()),
    column("approved_by_id", Uuid()),
    column("created_at", DateTime(timezone=True)),
)


@dataclass(frozen=True)
class Authored:
    """An observation, who wrote its row and when, and whether the row is what is accepted."""

    observation: Observation
    owner_id: UUID | None
    edited_by_id: UUID | None
    created_at: datetime
    final_id: UUID | None
    approved_by_id: UUID | None


async def lineage_of(db: Session, caller: Caller, observation_id: UUID) -> Sequence[Authored]:
    """The visible observations that one was copied from, and all copies of the first of them, oldest first."""
    origin = (
        select(Observation.id, Observation.copied_from_id)
        .where(Observation.id == observation_id)
        .cte("origin", recursive=True)
    )
    origin = origin.union(
        select(Observation.id, Observation.copied_from_id).join(origin, origin.c.copied_from_id == Observation.id)
    )
    copies = select(origin.c.id).where(origin.c.copied_from_id.is_(None)).cte("copies", recursive=True)
    copies = copies.union(select(Observation.id).join(copies, copies.c.id == Observation.copied_from_id))
    row, final = _classifications.alias("own"), _classifications.alias("final")
    statement = (
        select(Observation, row.c.owner_id, row.c.edited_by_id, row.c.created_at, final.c.id, final.c.approved_by_id)
        .join(copies, copies.c.id == Observation.id)
        .join(row, row.c.id == Observation.classification_id)
        .join(
            final,
            (final.c.source_classification_id == row.c.id) & (final.c.type == ClassificationType.FINAL.value),
            isouter=True,
        )
        .where(visible_to(caller))
        .order_by(Observation.id)
    )
    return [Authored(*values) for values in await db.execute(statement)]
