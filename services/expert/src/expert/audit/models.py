"""The table of the audit log; rows are only added."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from expert.base import Base
from trapper_schemas.ids import uuid7


class AuditEntry(Base):
    """One entry: who did what to which row."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("audit_entries_subject_idx", "subject_kind", "subject_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    actor_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"), index=True)
    action: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[UUID | None]
    details: Mapped[dict[str, Any] | None]
