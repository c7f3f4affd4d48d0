"""One photo or video: what its bytes are, when it was taken, and what became of it."""

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    func,
)
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column

from expert.base import Base, Versioned
from expert.capture_times.state import OffsetSource, TimeIssue
from expert.research_projects.state import CaptureMethod
from expert.resources.state import PrivacyState, ResourceKind, ResourceState, Visibility
from trapper_kit.db import state_type
from trapper_kit.pictures.read_time import TimeSource
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.results import FailureCode


def _folder_print(row: DefaultExecutionContext) -> str:
    """What a file shares with the others of its folder, short enough for an index."""
    folder = row.get_current_parameters()["file_path"].rpartition("/")[0]
    return hashlib.sha256(folder.encode()).hexdigest()[:32]


class Resource(Versioned, Base):
    """`sha256` of what was uploaded is its identity in its research project; `stored_sha256` is what lies there now."""

    __tablename__ = "resources"
    __table_args__ = (
        ForeignKeyConstraint(
            ["research_project_id", "deployment_id"],
            ["deployments.research_project_id", "deployments.id"],
            name="resources_deployment_of_its_project_fkey",
        ),
        CheckConstraint("size_bytes >= 0", name="size"),
        CheckConstraint("(width is null) = (height is null)", name="both_sides"),
        CheckConstraint("width > 0 and height > 0", name="sides"),
        CheckConstraint("(state = 'unreadable') = (failure_code is not null)", name="failure"),
        CheckConstraint("(recorded_at is null) = (time_source = 'none')", name="time_source"),
        CheckConstraint("captured_at is null or recorded_at is not null or time_override is not null", name="captured"),
        CheckConstraint("(offset_source = 'none') = (recorded_offset_seconds is null)", name="offset_source"),
        CheckConstraint("(state = 'stored') = (described_at is null)", name="described"),
        CheckConstraint(
            "num_nonnulls(sha256, stored_sha256, size_bytes, object_key) "
            "= case when remote_url is null then 4 else 0 end",
            name="stored_or_remote",
        ),
        CheckConstraint("remote_url is null or state <> 'stored'", name="remote_is_described"),
        UniqueConstraint("research_project_id", "sha256"),
        UniqueConstraint("research_project_id", "id"),
        Index("resources_deployment_idx", "deployment_id", "captured_at", "id"),
        Index("resources_undescribed_idx", "id", postgresql_where="state = 'stored'"),
        Index(
            "resources_undescribed_folder_idx",
            "research_project_id",
            "folder_print",
            postgresql_where="state = 'stored'",
        ),
        Index("resources_captured_idx", "research_project_id", "captured_at", "id"),
        Index(
            "resources_folder_idx",
            "research_project_id",
            "folder_print",
            postgresql_where="state = 'described' and time_source in ('none', 'filename')",
        ),
        Index("resources_time_issue_idx", "research_project_id", "id", postgresql_where="time_issue is not null"),
        Index("resources_object_missing_idx", "id", postgresql_where="object_missing_at is not null"),
        Index(
            "resources_external_id_key",
            "research_project_id",
            "external_id",
            unique=True,
            postgresql_where="external_id is not null",
        ),
        Index("resources_outside_idx", "research_project_id", "id", postgresql_where="outside_deployment"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    research_project_id: Mapped[UUID] = mapped_column(ForeignKey("research_projects.id"))
    deployment_id: Mapped[UUID | None]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    file_name: Mapped[str]
    file_path: Mapped[str]
    folder_print: Mapped[str] = mapped_column(default=_folder_print)
    kind: Mapped[ResourceKind] = mapped_column(state_type(ResourceKind), default=ResourceKind.UNKNOWN)
    media_type: Mapped[str] = mapped_column(default="application/octet-stream")
    external_id: Mapped[str | None]  # of the system that it was imported from
    remote_url: Mapped[str | None]  # where the file lies instead of in our store
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None]
    stored_sha256: Mapped[str | None]
    generation: Mapped[int] = mapped_column(default=0)
    object_key: Mapped[str | None]
    object_missing_at: Mapped[datetime | None]  # when a sweep found that the store has lost the original
    thumbnail_key: Mapped[str | None]
    preview_key: Mapped[str | None]

    width: Mapped[int | None]
    height: Mapped[int | None]
    frames_per_second: Mapped[float | None]
    duration_seconds: Mapped[float | None]
    recorded_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=False))
    recorded_offset_seconds: Mapped[int | None]
    captured_at: Mapped[datetime | None]
    time_source: Mapped[TimeSource] = mapped_column(state_type(TimeSource), default=TimeSource.NONE)
    offset_source: Mapped[OffsetSource] = mapped_column(state_type(OffsetSource), default=OffsetSource.NONE)
    time_issue: Mapped[TimeIssue | None] = mapped_column(state_type(TimeIssue))
    time_issue_message: Mapped[str | None]
    time_override: Mapped[datetime | None]  # what a person says instead of the camera
    outside_deployment: Mapped[bool] = mapped_column(default=False)
    capture_method: Mapped[CaptureMethod | None] = mapped_column(state_type(CaptureMethod))
    exif: Mapped[dict[str, Any] | None]

    state: Mapped[ResourceState] = mapped_column(state_type(ResourceState), default=ResourceState.STORED)
    described_at: Mapped[datetime | None]
    describe_attempts: Mapped[int] = mapped_column(default=0)
    describe_claimed_until: Mapped[datetime | None]
    is_damaged: Mapped[bool] = mapped_column(default=False)
    failure_code: Mapped[FailureCode | None] = mapped_column(state_type(FailureCode))
    failure_message: Mapped[str | None]
    privacy_state: Mapped[PrivacyState] = mapped_column(state_type(PrivacyState), default=PrivacyState.OPEN)
    visibility: Mapped[Visibility] = mapped_column(state_type(Visibility), default=Visibility.PRIVATE)
    is_active: Mapped[bool] = mapped_column(default=True)
    archived_with_deployment: Mapped[bool] = mapped_column(default=False)

    @property
    def is_lost(self) -> bool:
        """Whether the store has lost the original and whoever has the file may send it again.

        A rewritten original, of a later generation, is not restored: what was taken out of it would come back.
        """
        return self.object_missing_at is not None and self.generation == 0
