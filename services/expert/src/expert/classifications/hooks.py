"""What follows when rows are recorded, approved and un-approved, in the same transaction: a line for each feature."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from expert.observations.write_many import Fresh
from expert.occurrences.begin import begin_occurrences
from expert.occurrences.follow_approval import follow_approval
from trapper_kit.db import Session


@dataclass(frozen=True)
class RecordedRows:
    """AI rows that were written: the observations of new objects, and the occurrences of superseded ones."""

    classification_project_id: UUID
    fresh: Sequence[Fresh]
    superseded_occurrences: Collection[UUID]


async def after_recording(db: Session, rows: RecordedRows, *, now: datetime) -> None:
    """Follows the writing of AI rows with their observations and predictions."""
    project_id = rows.classification_project_id
    await begin_occurrences(db, project_id, rows.fresh, changed=rows.superseded_occurrences, now=now)


async def after_approval(db: Session, *, approved: UUID | None, former: UUID | None, now: datetime) -> None:
    """Follows an approval, which ends that of a former row, and the un-approval of one (`approved` is None)."""
    await follow_approval(db, approved=approved, former=former, now=now)
