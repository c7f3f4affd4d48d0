"""Bodies of resources."""

from datetime import datetime
from typing import Any
from uuid import UUID

from expert.resources.state import PrivacyState, ResourceKind, ResourceState, TimeSource, Visibility
from trapper_schemas.base import Reply
from trapper_schemas.v1.results import FailureCode


class ResourceReply(Reply):
    """`recorded_at` is the camera's wall clock without zone; `captured_at` is the moment that lists sort by."""

    id: UUID
    research_project_id: UUID
    deployment_id: UUID | None
    file_name: str
    file_path: str
    kind: ResourceKind
    media_type: str
    size_bytes: int
    sha256: str
    stored_sha256: str
    width: int | None
    height: int | None
    recorded_at: datetime | None
    recorded_offset_seconds: int | None
    captured_at: datetime | None
    time_source: TimeSource
    state: ResourceState
    is_damaged: bool
    failure_code: FailureCode | None
    failure_message: str | None
    privacy_state: PrivacyState
    visibility: Visibility
    created_at: datetime


class ResourceDetail(ResourceReply):
    """One resource with its EXIF."""

    exif: dict[str, Any] | None
