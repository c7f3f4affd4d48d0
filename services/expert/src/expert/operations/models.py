"""Tables of operations: their state, the rows that they were given, and their log."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from expert.base import Base, Once
from expert.operations.state import Document, LogLevel, OperationState
from trapper_kit.db import JsonDocument, state_type
from trapper_schemas.ids import uuid7


class Operation(Once, Base):
    """One operation; `attempt` is the fencing token of the process that runs it, `position` where it continues."""

    __tablename__ = "operations"
    __table_args__ = (
        CheckConstraint("(state in ('finished', 'failed', 'cancelled')) = (ended_at is not null)", name="ended"),
        CheckConstraint("(state = 'running') = (heartbeat_at is not null)", name="heartbeat"),
        CheckConstraint("state <> 'failed' or error is not null", name="failed_says_why"),
        CheckConstraint("total >= 0 and done >= 0", name="counts"),
        UniqueConstraint("created_by", "idempotency_key"),
        Index("operations_list_idx", "classification_project_id", "id"),
        Index("operations_waiting_idx", "next_attempt_at", postgresql_where="state = 'waiting'"),
        Index("operations_running_idx", "heartbeat_at", postgresql_where="state = 'running'"),
        Index("operations_expiry_idx", "expires_at", postgresql_where="expires_at is not null"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    kind: Mapped[str]
    classification_project_id: Mapped[UUID] = mapped_column(ForeignKey("classification_projects.id"))
    state: Mapped[OperationState] = mapped_column(state_type(OperationState), default=OperationState.WAITING)
    parameters: Mapped[Document] = mapped_column(JsonDocument)
    position: Mapped[Document] = mapped_column(JsonDocument, default=dict)
    total: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    counters: Mapped[dict[str, int]] = mapped_column(JsonDocument, default=dict)
    result: Mapped[Document | None] = mapped_column(JsonDocument)
    error: Mapped[str | None]
    attempt: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)  # in a row, at the same batch
    heartbeat_at: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    cancel_requested_at: Mapped[datetime | None]
    logged: Mapped[int] = mapped_column(default=0)  # lines so far, also those that are no longer kept
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]


class OperationItem(Base):
    """A row that the operation was given, when it was given a selection."""

    __tablename__ = "operation_items"

    operation_id: Mapped[UUID] = mapped_column(ForeignKey("operations.id", ondelete="CASCADE"), primary_key=True)
    item_id: Mapped[UUID] = mapped_column(primary_key=True)


class OperationLine(Base):
    """A line of an operation's log, numbered from 1."""

    __tablename__ = "operation_lines"

    operation_id: Mapped[UUID] = mapped_column(ForeignKey("operations.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    level: Mapped[LogLevel] = mapped_column(state_type(LogLevel))
    message: Mapped[str]
    item: Mapped[str | None]
    code: Mapped[str | None]
