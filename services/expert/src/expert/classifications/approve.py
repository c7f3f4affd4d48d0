"""Approve a row: the final row of its resource points to it, and from then on the row never changes."""

from datetime import datetime
from uuid import UUID

from expert.audit.note import note
from expert.classifications import queries, queries_history
from expert.classifications.check_gate import check_gate
from expert.classifications.check_row_version import check_row_version
from expert.classifications.errors import ClassificationNotFound, NotApprovable, Superseded
from expert.classifications.hooks import after_approval
from expert.classifications.models import Classification
from expert.classifications.state import APPROVABLE
from trapper_kit.db import Session


async def approve_classification(
    db: Session, row: Classification, *, expected_version: int, allow_superseded: bool, by: UUID, now: datetime
) -> Classification:
    """The final row; approving an approved row changes nothing, a stale version is refused with what happened."""
    if row.type not in APPROVABLE:
        raise NotApprovable
    await check_gate(db, row.classification_project_id, row.resource_id)
    locked = await queries.get(db, row.id, lock=True)
    if locked is None:
        raise ClassificationNotFound
    final = await queries.final_of(db, locked, lock=True)
    if final.source_classification_id == locked.id:
        return final
    await check_row_version(db, locked, final, expected=expected_version)
    if locked.superseded_by_id is not None and not allow_superseded:
        raise Superseded(superseded_by_id=str(locked.superseded_by_id))
    former = final.source_classification_id
    approved = await queries.point_final(db, final.id, source_id=locked.id, by=by, now=now)
    await queries_history.begin_approval(db, final.id, locked.id, by=by, now=now)
    await queries.lock_row(db, locked.id, now=now)
    await after_approval(db, approved=locked.id, former=former, now=now)
    note(
        db,
        "approved",
        actor_id=by,
        subject_kind="classification",
        subject_id=row.id,
        resource_id=str(row.resource_id),
        classification_project_id=str(row.classification_project_id),
    )
    return approved
