"""Take an approval back: the final row points to nothing, the row that was approved stays as it is."""

from datetime import datetime
from uuid import UUID

from expert.audit.note import note
from expert.classifications import queries
from expert.classifications.approve import changed
from expert.classifications.errors import NotApproved
from expert.classifications.models import Classification
from trapper_kit.db import Session


async def unapprove_classification(
    db: Session, row: Classification, *, expected_version: int | None, by: UUID, now: datetime
) -> Classification:
    """The final row; `row` is the approved one, or the final one itself."""
    final = await queries.final_of(db, row)
    approved = final.source_classification_id
    if approved is None or row.id not in {approved, final.id}:
        raise NotApproved("this row is not the approved one")
    version = final.version if expected_version is None else expected_version
    pointed = await queries.point_final(db, final.id, version=version or 0, source_id=None, by=None, now=now)
    if pointed is None:
        raise await changed(db, await queries.final_of(db, row))
    note(
        db,
        "unapproved",
        actor_id=by,
        subject_kind="classification",
        subject_id=approved,
        resource_id=str(row.resource_id),
        classification_project_id=str(row.classification_project_id),
    )
    return pointed
