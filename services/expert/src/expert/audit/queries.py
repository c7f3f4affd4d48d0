"""Statements about the audit log, and the invariant checks that `doctor` runs."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select, text

from expert.audit.models import AuditEntry
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, page_of


async def offenders(db: Session, statement: str, *, limit: int = 20) -> list[str]:
    """Returns the first rows that break the invariant."""
    return [str(row[0]) for row in (await db.execute(text(statement))).fetchmany(limit)]


async def list_entries(
    db: Session,
    page_request: PageRequest,
    *,
    ids: Sequence[UUID] | None,
    action: str | None,
    actor_id: UUID | None,
    subject_kind: str | None,
    subject_id: UUID | None,
) -> Sequence[AuditEntry]:
    """Returns entries, newest first."""
    statement = select(AuditEntry)
    filters = {"action": action, "actor_id": actor_id, "subject_kind": subject_kind, "subject_id": subject_id}
    for name, value in filters.items():
        if value is not None:
            statement = statement.where(getattr(AuditEntry, name) == value)
    return (
        await db.scalars(page_of(statement, [AuditEntry.id], page_request, [UUID], newest_first=True, ids=ids))
    ).all()
