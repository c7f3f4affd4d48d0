"""Bodies of deployments."""

from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from trapper_kit.text import CleanText
from trapper_schemas.base import Reply, Request


class _Visit(Request):
    location_id: UUID | None = None
    start_at: AwareDatetime | None = None
    end_at: AwareDatetime | None = None
    set_up_by: CleanText | None = Field(default=None, max_length=200)
    camera_id: CleanText | None = Field(default=None, max_length=200)
    camera_model: CleanText | None = Field(default=None, max_length=200)
    camera_height_metres: float | None = Field(default=None, ge=0)
    camera_tilt_degrees: float | None = Field(default=None, ge=-90, le=90)
    camera_heading_degrees: float | None = Field(default=None, ge=0, le=360)
    camera_delay_seconds: float | None = Field(default=None, ge=0)
    detection_distance_metres: float | None = Field(default=None, ge=0)
    bait_use: bool | None = None
    feature_type: CleanText | None = Field(default=None, max_length=200)
    habitat: CleanText | None = Field(default=None, max_length=200)
    tags: list[CleanText] = Field(default=[], max_length=100)
    timestamp_issues: bool = False
    comments: CleanText = Field(default="", max_length=10_000)

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> "_Visit":
        if self.start_at is not None and self.end_at is not None and self.end_at <= self.start_at:
            raise ValueError("a deployment ends after its start")
        return self


class MakeDeployment(_Visit):
    research_project_id: UUID
    deployment_id: CleanText = Field(min_length=1, max_length=200)


class ChangeDeployment(_Visit):
    """Only what is given changes."""

    deployment_id: CleanText = Field(default="", min_length=1, max_length=200)


class DeploymentReply(Reply):
    id: UUID
    research_project_id: UUID
    deployment_id: str
    location_id: UUID | None
    start_at: datetime | None
    end_at: datetime | None
    set_up_by: str | None
    camera_id: str | None
    camera_model: str | None
    camera_height_metres: float | None
    camera_tilt_degrees: float | None
    camera_heading_degrees: float | None
    camera_delay_seconds: float | None
    detection_distance_metres: float | None
    bait_use: bool | None
    feature_type: str | None
    habitat: str | None
    tags: list[str]
    timestamp_issues: bool
    comments: str
    created_at: datetime
