"""Statements that put observations into occurrences, many at once."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text

from expert.observations.models import Observation
from expert.observations.queries_copy import copy_rows
from expert.occurrences.state import Determination
from trapper_kit.db import Session

_COLUMNS = (
    "id", "classification_project_id", "determination_taxon_id", "determination_score", "determination_source",
    "is_current", "is_unmatched", "created_at",
)  # fmt: skip


async def copy_occurrences(
    db: Session, project_id: UUID, determinations: Sequence[tuple[UUID, Determination | None]], *, now: datetime
) -> None:
    """Write fresh occurrences with the determination of their only observation."""
    records = [
        (
            occurrence_id,
            project_id,
            determination and determination.taxon_id,
            determination and determination.score,
            determination and determination.source.value,
            True,
            False,
            now,
        )
        for occurrence_id, determination in determinations
    ]
    await copy_rows(db, "occurrences", _COLUMNS, records)


async def begin_own(db: Session, classification_id: UUID, *, now: datetime) -> None:
    """Give the objects of an approved row that are in no occurrence one of their own, with their id."""
    await db.execute(
        text("""
        with own as (
          update observations set occurrence_id = id
          where classification_id = :id and observation_level = 'object' and occurrence_id is null
          returning id, classification_project_id)
        insert into occurrences (id, classification_project_id, is_current, is_unmatched, created_at)
        select id, classification_project_id, true, false, :now from own"""),
        {"id": classification_id, "now": now},
    )


async def of_classifications(db: Session, classification_ids: Sequence[UUID]) -> set[UUID]:
    """The occurrences of the observations of these classifications."""
    statement = select(Observation.occurrence_id).where(
        Observation.classification_id.in_(classification_ids), Observation.occurrence_id.is_not(None)
    )
    return {each for each in await db.scalars(statement.distinct()) if each is not None}
