"""Refuse a change of a row that was written, or decided about, since the caller read it."""

from expert.classifications import queries
from expert.classifications.models import Classification
from expert.classifications.state import version_of
from trapper_kit.db import Session
from trapper_kit.problems import PreconditionFailed


async def check_row_version(db: Session, row: Classification, final: Classification, *, expected: int) -> None:
    """Raises PreconditionFailed, which says who edited the row or decided about its resource."""
    actual = version_of(row.type, row.version, final.version)
    if actual == expected:
        return
    approver = await queries.name_of(db, final.approved_by_id)
    if expected > actual:
        reason = "the row has not reached that version: nobody changed it or decided about its resource since"
    elif approver is not None:
        reason = f"{approver} approved {'this' if final.source_classification_id == row.id else 'another'} row"
    elif final.version > 0:
        reason = "the approval of this resource was taken back"
    else:
        reason = f"{await queries.name_of(db, row.edited_by_id or row.owner_id)} edited the row"
    raise PreconditionFailed(
        f"If-Match names version {expected}, the row is at version {actual}: {reason}; look at `current`",
        version=actual,
        approved_by=approver,
        approved_classification_id=final.source_classification_id and str(final.source_classification_id),
    )
