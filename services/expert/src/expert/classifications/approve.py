"""This row is the answer: the final row points to it, and from now on it never changes."""

from datetime import datetime
from uuid import UUID

from expert.audit.note import note
from expert.classifications import queries
from expert.classifications.check_gate import check_gate
from expert.classifications.errors import ClassificationNotFound, FinalChanged, IfMatchRequired, NotApprovable
from expert.classifications.models import Classification
from expert.classifications.state import APPROVABLE
from trapper_kit.db import Session


async def approve_classification(
    db: Session, row: Classification, *, expected_version: int | None, by: UUID, now: datetime
) -> Classification:
    """The final row; approving what is approved already changes nothing, another version names who was first."""
    if row.type not in APPROVABLE:
        raise NotApprovable
    await check_gate(db, row.classification_project_id, row.resource_id)
    if await queries.get(db, row.id, lock=True) is None:  # nobody edits it from here on
        raise ClassificationNotFound
    final = await queries.final_of(db, row)
    if final.source_classification_id == row.id:
        return final
    if expected_version is None:
        raise IfMatchRequired
    pointed = await queries.point_final(db, final.id, version=expected_version, source_id=row.id, by=by, now=now)
    if pointed is None:
        final = await queries.final_of(db, row)
        if final.source_classification_id == row.id:
            return final
        raise await changed(db, final)
    await queries.lock_row(db, row.id, now=now)
    note(
        db,
        "approved",
        actor_id=by,
        subject_kind="classification",
        subject_id=row.id,
        resource_id=str(row.resource_id),
        classification_project_id=str(row.classification_project_id),
    )
    return pointed


async def changed(db: Session, final: Classification) -> FinalChanged:
    """The refusal that names the winner."""
    winner = await queries.name_of(db, final.approved_by_id)
    told = f"{winner} approved another row" if winner else "the approval was taken back"
    return FinalChanged(
        f"{told}; the final row is at version {final.version}",
        version=final.version,
        approved_by=winner,
        approved_classification_id=final.source_classification_id and str(final.source_classification_id),
    )
