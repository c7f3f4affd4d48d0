"""A camera's visit to a place, from when it was set up until it was taken down."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from expert.base import Base, Once, Versioned
from trapper_schemas.ids import uuid7


class Deployment(Once, Versioned, Base):
    """`deployment_id` is the name that its people gave it; place and times may be unknown."""

    __tablename__ = "deployments"
    __table_args__ = (
        ForeignKeyConstraint(
            ["research_project_id", "location_id"],
            ["locations.research_project_id", "locations.id"],
            name="deployments_location_of_its_project_fkey",
        ),
        CheckConstraint("end_at > start_at", name="end_after_start"),
        CheckConstraint("camera_height_metres >= 0", name="camera_height"),
        CheckConstraint("camera_tilt_degrees between -90 and 90", name="camera_tilt"),
        CheckConstraint("camera_heading_degrees between 0 and 360", name="camera_heading"),
        CheckConstraint("camera_delay_seconds >= 0", name="camera_delay"),
        CheckConstraint("detection_distance_metres >= 0", name="detection_distance"),
        UniqueConstraint("research_project_id", "deployment_id"),
        UniqueConstraint("research_project_id", "id"),
        UniqueConstraint("created_by", "idempotency_key"),
        Index("deployments_location_idx", "location_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    research_project_id: Mapped[UUID] = mapped_column(ForeignKey("research_projects.id"))
    deployment_id: Mapped[str]
    location_id: Mapped[UUID | None]
    start_at: Mapped[datetime | None]
    end_at: Mapped[datetime | None]
    set_up_by: Mapped[str | None]
    camera_id: Mapped[str | None]
    camera_model: Mapped[str | None]
    camera_height_metres: Mapped[float | None]
    camera_tilt_degrees: Mapped[float | None]
    camera_heading_degrees: Mapped[float | None]
    camera_delay_seconds: Mapped[float | None]
    detection_distance_metres: Mapped[float | None]
    bait_use: Mapped[bool | None]
    feature_type: Mapped[str | None]
    habitat: Mapped[str | None]
    tags: Mapped[list[str]] = mapped_column(default=list)
    timestamp_issues: Mapped[bool] = mapped_column(default=False)
    comments: Mapped[str] = mapped_column(default="")
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
