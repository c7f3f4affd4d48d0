"""Writes an entry of the audit log in the transaction of the change."""

from typing import Any
from uuid import UUID

from expert.audit.models import AuditEntry
from trapper_kit.db import Session


def note(
    db: Session, action: str, *, actor_id: UUID | None, subject_kind: str, subject_id: UUID | None, **details: Any
) -> None:
    """Adds an entry; `action` is a participle such as `approved` or `role-changed`."""
    db.add(
        AuditEntry(
            actor_id=actor_id,
            action=action,
            subject_kind=subject_kind,
            subject_id=subject_id,
            details=details or None,
        )
    )
