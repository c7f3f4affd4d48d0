"""Bodies of deployments."""

from datetime import datetime
from uuid import UUID

from pydantic import Field, model_validator

from trapper_kit.text import Line, Name, Text
from trapper_schemas.base import Change, Reply, Request, RowVersion
from trapper_schemas.times import Moment


class _Visit(Request):
    location_id: UUID | None = None
    start_at: Moment | None = None
    end_at: Moment | None = None
    set_up_by: Line | None = Field(default=None, max_length=200)
    camera_id: Line | None = Field(default=None, max_length=200)
    camera_model: Line | None = Field(default=None, max_length=200)
    camera_height_metres: float | None = Field(default=None, ge=0)
    camera_tilt_degrees: float | None = Field(default=None, ge=-90, le=90)
    camera_heading_degrees: float | None = Field(default=None, ge=0, le=360)
    camera_delay_seconds: float | None = Field(default=None, ge=0)
    detection_distance_metres: float | None = Field(default=None, ge=0)
    bait_use: bool | None = None
    feature_type: Line | None = Field(default=None, max_length=200)
    habitat: Line | None = Field(default=None, max_length=200)
    tags: list[Name] = Field(default=[], max_length=100)
    timestamp_issues: bool = False
    comments: Text = Field(default="", max_length=10_000)

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> "_Visit":
        if self.start_at is not None and self.end_at is not None and self.end_at <= self.start_at:
            raise ValueError("end_at must lie after start_at")
        return self


class NewDeployment(_Visit):
    research_project_id: UUID
    deployment_id: Name = Field(max_length=200)


class DeploymentChange(_Visit, Change):
    """Only what is given changes."""

    deployment_id: Name = Field(default="", max_length=200)
    is_active: bool = True


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
    is_active: bool
    created_at: datetime
    version: RowVersion


class ChangedDeployment(DeploymentReply):
    """A deployment after a change, and how many rows changed because of it."""

    resources_changed: int
    observations_changed: int
