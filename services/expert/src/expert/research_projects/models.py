"""A research project: the owner of places, media and classification projects."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from expert.base import Base, Once, Versioned
from expert.research_projects.state import CaptureMethod, ResearchProjectStatus, SamplingDesign
from trapper_kit.db import state_type
from trapper_schemas.ids import uuid7


class ResearchProject(Once, Versioned, Base):
    """The owner of its rows; other projects use its media by linking collections."""

    __tablename__ = "research_projects"
    __table_args__ = (
        CheckConstraint("length(acronym) between 1 and 10", name="acronym_length"),
        CheckConstraint("(status = 'active') = (activated_at is not null)", name="activated"),
        Index("research_projects_name_key", text("lower(name)"), unique=True),
        Index("research_projects_acronym_key", text("lower(acronym)"), unique=True),
        UniqueConstraint("created_by", "idempotency_key"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    name: Mapped[str]
    acronym: Mapped[str]
    abstract: Mapped[str] = mapped_column(default="")
    keywords: Mapped[list[str]] = mapped_column(default=list)
    sampling_design: Mapped[SamplingDesign | None] = mapped_column(state_type(SamplingDesign))
    capture_method: Mapped[CaptureMethod | None] = mapped_column(state_type(CaptureMethod))
    individual_animals: Mapped[bool] = mapped_column(default=False)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    status: Mapped[ResearchProjectStatus] = mapped_column(
        state_type(ResearchProjectStatus), default=ResearchProjectStatus.REQUESTED
    )
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    activated_at: Mapped[datetime | None]
