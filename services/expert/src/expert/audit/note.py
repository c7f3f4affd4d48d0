"""Writes an entry of the audit log in the transaction of the change."""

from typing import Any
from uuid import UUID

from expert.audit.models import AuditEntry
from expert.audit.state import AuditAction
from trapper_kit.db import Session


def note(
    db: Session,
    action: AuditAction,
    *,
    actor_id: UUID | None,
    subject_kind: str,
    subject_id: UUID | None,
    **details: Any,
) -> None:
    """Adds an entry to the audit log."""
    db.add(
        AuditEntry(
            actor_id=actor_id,
            action=action,
            subject_kind=subject_kind,
            subject_id=subject_id,
            details=details or None,
        )
    )
