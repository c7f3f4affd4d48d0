"""Tokens: who may call, for what and until when; only the HMAC is stored."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from ai_manager.base import Base


class Token(Base):
    """A token of a service, or the credential of a worker when `worker_id` is set."""

    __tablename__ = "tokens"
    __table_args__ = (Index("tokens_worker_id_idx", "worker_id", postgresql_where="worker_id is not null"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]]
    worker_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
