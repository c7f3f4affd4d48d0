"""A place where cameras stand."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from expert.base import Base, Once, Versioned
from trapper_schemas.ids import uuid7


class Location(Once, Versioned, Base):
    """`location_id` is the name its people gave it, unique in the research project."""

    __tablename__ = "locations"
    __table_args__ = (
        CheckConstraint("longitude between -180 and 180", name="longitude"),
        CheckConstraint("latitude between -90 and 90", name="latitude"),
        CheckConstraint("(longitude is null) = (latitude is null)", name="both_coordinates"),
        CheckConstraint("coordinate_uncertainty_metres > 0", name="coordinate_uncertainty"),
        UniqueConstraint("research_project_id", "location_id"),
        UniqueConstraint("research_project_id", "id"),
        UniqueConstraint("created_by", "idempotency_key"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    research_project_id: Mapped[UUID] = mapped_column(ForeignKey("research_projects.id"))
    location_id: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    longitude: Mapped[float | None]
    latitude: Mapped[float | None]
    coordinate_uncertainty_metres: Mapped[float | None]
    time_zone: Mapped[str | None]
    ignore_dst: Mapped[bool] = mapped_column(default=False)
    habitat: Mapped[str | None]
    is_public: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
