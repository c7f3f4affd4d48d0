"""Tables of models: one immutable version per row; several may use the same weights."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from ai_manager.base import Base
from trapper_kit.db import state_type
from trapper_schemas.v1.models import ModelState, Origin


class Model(Base):
    """A row of the catalogue; `entry` is the whole wire document."""

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
    proof: Mapped[dict[str, Any] | None]
    """The golden run where it was published, or None."""
    created_at: Mapped[datetime]

    @property
    def held(self) -> bool:
        """Returns whether the Manager has the weights itself."""
        return self.held_bytes is not None


class ProposedPin(Base):
    """A hash that a worker computed for an unpinned entry; it has no effect until an operator confirms it."""

    __tablename__ = "proposed_pins"

    model_id: Mapped[UUID] = mapped_column(ForeignKey("models.id"), primary_key=True)
    worker_id: Mapped[UUID] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    worker_name: Mapped[str]
    """As it was called then; proposals outlive workers."""
    proposed_at: Mapped[datetime]
