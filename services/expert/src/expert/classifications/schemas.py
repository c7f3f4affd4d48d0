"""Bodies of the classification routes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from expert.classifications.state import version_of
from expert.observations.state import ObservationTold, Told


class ClassificationReply(BaseModel):
    """A row of one resource in one project."""

    id: UUID
    type: str
    classification_project_id: UUID
    resource_id: UUID
    linked_collection_id: UUID | None
    final_classification_id: UUID | None
    source_classification_id: UUID | None
    owner_id: UUID | None
    edited_by_id: UUID | None = Field(description="who wrote what the row says now, when that is not its owner's first")
    provider_id: UUID | None
    job_id: UUID | None
    static_attributes: dict[str, Any]
    is_current: bool
    superseded_by_id: UUID | None
    locked_at: datetime | None
    is_approved: bool
    approved_by_id: UUID | None
    approved_at: datetime | None
    version: int = Field(
        description="raised by each edit of the row and each decision about its resource; send it in If-Match"
    )
    created_at: datetime
    updated_at: datetime


class ClassificationDetail(ClassificationReply):
    """With what it says; a final row says what the row says that it points to."""

    dynamic_attrs: list[ObservationTold]


class HistoryItem(ClassificationDetail):
    """In the history of a resource, with the rows that were made from this one."""

    derived_classifications: list[UUID]


class History(BaseModel):
    """Everything that was ever said about a resource in a project, oldest first."""

    final: ClassificationReply | None
    child_classifications: list[HistoryItem]


class StartBody(BaseModel):
    """A person's row from nothing."""

    model_config = ConfigDict(extra="forbid")

    classification_project_id: UUID
    resource_id: UUID
    static_attributes: dict[str, Any] = Field(default_factory=dict)
    dynamic_attrs: list[Told] = Field(max_length=1000)


class EditBody(BaseModel):
    """What is not given stays."""

    model_config = ConfigDict(extra="forbid")

    static_attributes: dict[str, Any] | None = None
    dynamic_attrs: list[Told] | None = Field(default=None, max_length=1000)


class ApproveBody(BaseModel):
    """Beside the row itself."""

    model_config = ConfigDict(extra="forbid")

    allow_superseded: bool = Field(default=False, description="also a row that a newer AI run superseded")


class FeedbackBody(BaseModel):
    """A correction of what is approved."""

    model_config = ConfigDict(extra="forbid")

    static_attributes: dict[str, Any] = Field(default_factory=dict)
    dynamic_attrs: list[Told] = Field(max_length=1000)


_SAME = (
    "id", "classification_project_id", "resource_id", "linked_collection_id", "final_classification_id",
    "source_classification_id", "owner_id", "edited_by_id", "provider_id", "job_id", "static_attributes",
    "superseded_by_id", "locked_at", "created_at", "updated_at",
)  # fmt: skip


def reply_fields(row: Any, final: Any) -> dict[str, Any]:
    """A row and its final row, by their attributes; whether it is approved is what the final row says."""
    approved = bool(final.is_approved) and (row.id in {final.id, final.source_classification_id})
    return {
        **{name: getattr(row, name) for name in _SAME},
        "type": row.type.value,
        "is_current": row.superseded_by_id is None,
        "is_approved": approved,
        "approved_by_id": final.approved_by_id if approved else None,
        "approved_at": final.approved_at if approved else None,
        "version": version_of(row.type, row.version, final.version),
    }
