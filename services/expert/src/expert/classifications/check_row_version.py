"""Refuse a change of a row that was written, or decided about, since the caller read it."""

from datetime import datetime

from expert.classifications import queries, queries_history
from expert.classifications.models import Classification
from expert.classifications.state import version_of
from trapper_kit.db import Session
from trapper_kit.problems import PreconditionFailed


async def check_row_version(db: Session, row: Classification, final: Classification, *, expected: int) -> None:
    """Raises PreconditionFailed, which says what happened last, who did it and when: an edit or a decision."""
    actual = version_of(row.type, row.version, final.version)
    if actual == expected:
        return
    approver = await queries.name_of(db, final.approved_by_id)
    if expected > actual:
        reason = "the row has not reached that version: nobody changed it or decided about its resource since"
    elif row.version > 0 and (final.version == 0 or row.updated_at > final.updated_at):
        reason = _event(await queries.name_of(db, row.edited_by_id or row.owner_id), "edited the row", row.updated_at)
    elif final.source_classification_id is not None:
        which = "this" if final.source_classification_id == row.id else "another"
        reason = _event(approver, f"approved {which} row", final.updated_at)
    else:
        ended_by = await queries_history.last_ended_by(db, final.id)
        reason = _event(await queries.name_of(db, ended_by), "took the approval back", final.updated_at)
    raise PreconditionFailed(
        f"If-Match names version {expected}, the row is at version {actual}: {reason}; look at `current`",
        version=actual,
        approved_by=approver,
        approved_classification_id=final.source_classification_id and str(final.source_classification_id),
    )


def _event(name: str | None, what: str, at: datetime) -> str:
    return f"{name or 'somebody'} {what} at {at:%Y-%m-%d %H:%M:%S} UTC"
