"""Bodies of operations."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from expert.operations.state import LogLevel, OperationState
from trapper_schemas.base import Reply


class OperationReply(Reply):
    """Long work that a person or a schedule started; its numbers move while it runs."""

    id: UUID
    kind: str = Field(description="what it does, as feature.verb: jobs.make makes AI jobs of a large scope")
    classification_project_id: UUID
    state: OperationState = Field(description="`waiting` also between two attempts")
    total: int = Field(description="rows that it has to do, counted when it started, from 0")
    done: int = Field(description="rows that are done, from 0")
    counters: dict[str, int] = Field(description="further counts, by name")
    result: dict[str, object] | None = Field(description="what it made, by name; null until it ended")
    error: str | None = Field(description="why it failed")
    cancel_requested_at: datetime | None = Field(description="it ends before its next batch")
    attempt: int = Field(description="how many times it was started, from 0")
    heartbeat_at: datetime | None = Field(description="when its process was last heard of, while it runs")
    created_by: UUID | None = Field(description="null when a schedule started it")
    created_at: datetime
    started_at: datetime | None = Field(description="when it was first started; null before")
    ended_at: datetime | None
    expires_at: datetime | None = Field(description="when it is deleted with its log; what it did stays")


class OperationLineReply(Reply):
    """A line of the log; an `error` names in `item` the row that failed, the others went on."""

    number: int = Field(description="from 1; the log keeps the newest 10,000 lines")
    at: datetime
    level: LogLevel = Field(description="info, warning, or error for a row that failed")
    message: str
    item: str | None = Field(description="the row that the line is about; null for none")
    code: str | None
