"""Which Managers are connected, and which of their models projects may choose."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from expert.base import Base
from trapper_kit.db import state_type
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.models import ModelKind


class AiProviderConnection(Base):
    """A Manager: its address, and the credential and notifications' address encrypted with a key of this service."""

    __tablename__ = "ai_provider_connections"
    __table_args__ = (Index("ai_provider_connections_name_key", text("lower(name)"), unique=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    name: Mapped[str]
    url: Mapped[str]
    encrypted_credential: Mapped[str]
    encrypted_notifications_url: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    synced_at: Mapped[datetime | None]
    sync_problem: Mapped[str | None]


class AiProvider(Base):
    """One version of a model at one Manager; sha256 is null while nobody confirmed its weights."""

    __tablename__ = "ai_providers"
    __table_args__ = (
        UniqueConstraint("connection_id", "name", "version"),
        CheckConstraint("threshold_typical between 0 and 1", name="threshold_typical"),
        CheckConstraint("threshold_conservative between 0 and 1", name="threshold_conservative"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    provider_type: Mapped[ModelKind] = mapped_column(state_type(ModelKind))
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("ai_provider_connections.id"))
    algorithm_id: Mapped[UUID | None] = mapped_column(ForeignKey("algorithms.id"), index=True)
    name: Mapped[str]
    version: Mapped[str]
    sha256: Mapped[str | None] = mapped_column(index=True)
    is_unpinned: Mapped[bool] = mapped_column(default=False)
    availability: Mapped[str]
    threshold_typical: Mapped[float | None]
    threshold_conservative: Mapped[float | None]
    nms_iou: Mapped[float | None]
    embedding_dimension: Mapped[int | None]
    licence: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    blocked: Mapped[dict[str, str] | None]  # why no worker can run it, as last read from the Manager
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
