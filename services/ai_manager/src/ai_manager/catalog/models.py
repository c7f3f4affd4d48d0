"""A model: one immutable version under a name; several may run the same weights in different ways."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from ai_manager.base import Base
from ai_manager.catalog.state import ModelState, Origin
from trapper_kit.db import state_type


class Model(Base):
    """A row of the catalogue; `entry` is the whole of it as it goes over the wire."""

    __tablename__ = "models"
    __table_args__ = (
        Index("models_name_version_key", "name", "version", unique=True, postgresql_where="state <> 'retired'"),
        CheckConstraint("held_bytes is null or sha256 is not null", name="held_has_hash"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    version: Mapped[str]
    sha256: Mapped[str | None] = mapped_column(index=True)
    entry: Mapped[dict[str, Any]]
    state: Mapped[ModelState] = mapped_column(state_type(ModelState))
    origin: Mapped[Origin] = mapped_column(state_type(Origin))
    held_bytes: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]

    @property
    def held(self) -> bool:
        """Whether the Manager has the weights itself."""
        return self.held_bytes is not None
