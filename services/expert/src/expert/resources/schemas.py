"""Bodies of resources."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from expert.capture_times.state import OffsetSource, TimeIssue
from expert.research_projects.state import CaptureMethod
from expert.resources.state import PrivacyState, ResourceKind, ResourceState, Visibility
from trapper_kit.pictures.read_time import TimeSource
from trapper_schemas.base import Change, Reply, RowVersion
from trapper_schemas.times import Moment
from trapper_schemas.v1.results import FailureCode


class ResourceReply(Reply):
    """A photo or video; `recorded_at` is the camera's wall clock without zone, `captured_at` the moment to sort by.

    `captured_at` follows from the offset in the file, else from the time zone of the deployment's location, and from
    `time_override` before both. `time_issue` says why it is absent or may be wrong by an hour; `outside_deployment`
    that it lies outside of the deployment's period.
    """

    id: UUID
    research_project_id: UUID
    deployment_id: UUID | None
    file_name: str
    file_path: str
    kind: ResourceKind
    media_type: str
    external_id: str | None = Field(description="of the system that it was imported from")
    remote_url: str | None = Field(description="where the file lies, when it is not stored here; null for stored files")
    size_bytes: int | None = Field(
        description="size of the stored file in bytes, from 0; null for a file that lies elsewhere"
    )
    sha256: str | None = Field(description="of what was uploaded; null for a file that lies elsewhere")
    stored_sha256: str | None = Field(description="of what is stored now; null for a file that lies elsewhere")
    width: int | None
    height: int | None
    recorded_at: datetime | None
    recorded_offset_seconds: int | None
    captured_at: datetime | None
    time_source: TimeSource
    offset_source: OffsetSource
    time_override: datetime | None
    time_issue: TimeIssue | None
    time_issue_message: str | None
    outside_deployment: bool
    capture_method: CaptureMethod | None = Field(description="null when it is not known: taken as activityDetection")
    state: ResourceState
    is_damaged: bool
    failure_code: FailureCode | None
    failure_message: str | None
    privacy_state: PrivacyState
    visibility: Visibility
    is_active: bool
    created_at: datetime
    version: RowVersion


class ResourceDetail(ResourceReply):
    """One resource with its EXIF."""

    exif: dict[str, Any] | None


class ResourceChange(Change):
    """Only what is given changes; null takes a deployment or a time of a person's back."""

    deployment_id: UUID | None = None
    time_override: Moment | None = None
    capture_method: CaptureMethod | None = None
    visibility: Visibility = Visibility.PRIVATE
    is_active: bool = True


class ChangedResource(ResourceDetail):
    """A resource after a change, and how many rows changed because of it, itself included."""

    resources_changed: int
    observations_changed: int


class ResourcePlaceReply(Reply):
    """A path under which the bytes were uploaded, and the deployment for which."""

    collection_id: UUID
    file_name: str
    path: str
    deployment_id: UUID | None


class ResourcePlaces(Reply):
    """Places in the order of upload."""

    items: list[ResourcePlaceReply]
