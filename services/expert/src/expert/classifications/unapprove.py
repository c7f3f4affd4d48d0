"""Take an approval back: the final row points to nothing, the row that was approved stays locked."""

from datetime import datetime
from uuid import UUID

from expert.audit.note import note
from expert.classifications import queries, queries_history
from expert.classifications.check_row_version import check_row_version
from expert.classifications.errors import NotApproved
from expert.classifications.hooks import after_approval
from expert.classifications.models import Classification
from trapper_kit.db import Session


async def unapprove_classification(
    db: Session, row: Classification, *, expected_version: int, by: UUID, now: datetime
) -> Classification:
    """The final row; `row` is the approved one, or the final one itself."""
    final = await queries.final_of(db, row, lock=True)
    approved = final.source_classification_id
    if approved is None or row.id not in {approved, final.id}:
        raise NotApproved("this row is not the approved one")
    await check_row_version(db, row, final, expected=expected_version)
    freed = await queries.point_final(db, final.id, source_id=None, by=None, now=now)
    await queries_history.end_approval(db, final.id, by=by, now=now)
    await after_approval(db, approved=None, former=approved, now=now)
    note(
        db,
        "unapproved",
        actor_id=by,
        subject_kind="classification",
        subject_id=approved,
        resource_id=str(row.resource_id),
        classification_project_id=str(row.classification_project_id),
    )
    return freed
