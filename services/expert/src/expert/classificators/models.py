"""Which attributes people fill in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from expert.base import Base
from trapper_schemas.ids import uuid7


class Classificator(Base):
    """Static attributes are asked once per resource, dynamic ones per observation; each is a list in order."""

    __tablename__ = "classificators"
    __table_args__ = (UniqueConstraint("research_project_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    research_project_id: Mapped[UUID] = mapped_column(ForeignKey("research_projects.id"))
    name: Mapped[str]
    static_attributes: Mapped[list[Any]] = mapped_column(default=list)
    dynamic_attributes: Mapped[list[Any]] = mapped_column(default=list)
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
