"""Bodies of the classification routes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from expert.classifications.state import version_of
from expert.observations.state import ClassificationType, ObservationChange, ObservationInput, ObservationReply
from trapper_schemas.base import Change


class ClassificationReply(BaseModel):
    """A row of one resource in one project."""

    id: UUID
    type: ClassificationType
    classification_project_id: UUID
    resource_id: UUID
    linked_collection_id: UUID | None
    final_classification_id: UUID | None
    source_classification_id: UUID | None
    owner_id: UUID | None
    edited_by_id: UUID | None = Field(description="who wrote what the row says now, when that is not its owner's first")
    provider_id: UUID | None
    job_id: UUID | None
    job_config_version: int | None
    static_attributes: dict[str, Any]
    is_current: bool
    superseded_by_id: UUID | None
    locked_at: datetime | None
    is_approved: bool
    approved_by_id: UUID | None
    approved_at: datetime | None
    version: int = Field(
        description="from 0, raised by each edit of the row and each decision about its resource; send it in If-Match"
    )
    created_at: datetime
    updated_at: datetime


class ClassificationDetail(ClassificationReply):
    """With what it says; a final row says what the row says that it points to."""

    dynamic_attrs: list[ObservationReply]


class ApprovalReply(BaseModel):
    """An approval of a row, also one that ended because another row was approved or because it was taken back."""

    model_config = ConfigDict(from_attributes=True)

    approved_by_id: UUID | None
    approved_at: datetime
    ended_by_id: UUID | None
    ended_at: datetime | None


class FormerVersion(BaseModel):
    """What a person's row was before an edit, and who wrote it."""

    version: int
    author_id: UUID | None
    written_at: datetime
    static_attributes: dict[str, Any]
    dynamic_attrs: list[ObservationReply]


class HistoryItem(ClassificationDetail):
    """A row in the history of a resource, with what was made from it and what it was before."""

    derived_classifications: list[UUID]
    approvals: list[ApprovalReply] = Field(description="every approval that this row ever had, oldest first")
    former_versions: list[FormerVersion] = Field(description="oldest first; the row itself is the newest version")


class History(BaseModel):
    """Every row of a resource in a project, oldest first."""

    final: ClassificationReply | None
    child_classifications: list[HistoryItem]


class NewClassification(BaseModel):
    """A person's row from nothing."""

    model_config = ConfigDict(extra="forbid")

    classification_project_id: UUID
    resource_id: UUID
    static_attributes: dict[str, Any] = Field(default_factory=dict)
    dynamic_attrs: list[ObservationInput] = Field(max_length=1000)


class ClassificationChange(Change):
    """What is given replaces what the row says: all its attributes, all its observations."""

    static_attributes: dict[str, Any] | None = None
    dynamic_attrs: list[ObservationChange] | None = Field(default=None, max_length=1000)


class ApprovalOptions(BaseModel):
    """Beside the row itself."""

    model_config = ConfigDict(extra="forbid")

    allow_superseded: bool = Field(default=False, description="also a row that a newer AI run superseded")


class NewFeedback(BaseModel):
    """A correction of what is approved."""

    model_config = ConfigDict(extra="forbid")

    static_attributes: dict[str, Any] = Field(default_factory=dict)
    dynamic_attrs: list[ObservationInput] = Field(max_length=1000)


_SAME = (
    "id", "classification_project_id", "resource_id", "linked_collection_id", "final_classification_id",
    "source_classification_id", "owner_id", "edited_by_id", "provider_id", "job_id", "job_config_version",
    "static_attributes",
    "superseded_by_id", "locked_at", "created_at", "updated_at",
)  # fmt: skip


def former_version(row: Any) -> FormerVersion:
    """A former version of a row, by its attributes."""
    return FormerVersion(
        version=row.version,
        author_id=row.author_id,
        written_at=row.written_at,
        static_attributes=row.static_attributes,
        dynamic_attrs=row.observations,
    )


def reply_fields(row: Any, final: Any) -> dict[str, Any]:
    """A row and its final row, by their attributes; whether it is approved is what the final row says."""
    approved = bool(final.is_approved) and (row.id in {final.id, final.source_classification_id})
    return {
        **{name: getattr(row, name) for name in _SAME},
        "type": row.type,
        "is_current": row.superseded_by_id is None,
        "is_approved": approved,
        "approved_by_id": final.approved_by_id if approved else None,
        "approved_at": final.approved_at if approved else None,
        "version": version_of(row.type, row.version, final.version),
    }
