"""Tables of workers and enrolment tokens."""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, false, text
from sqlalchemy.orm import Mapped, mapped_column

from ai_manager.base import Base


class EnrolmentToken(Base):
    """An enrolment token: uses, end, runtimes and project."""

    __tablename__ = "enrolment_tokens"
    __table_args__ = (CheckConstraint("uses_left >= 0", name="uses_left"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    runtimes: Mapped[list[str]]
    project: Mapped[str]
    offline: Mapped[bool] = mapped_column(server_default=false())
    uses_left: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Worker(Base):
    """A machine that computes; an empty project means every project."""

    __tablename__ = "workers"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    version: Mapped[str]
    protocols: Mapped[list[Any]]
    devices: Mapped[list[Any]]
    runtimes: Mapped[list[str]]
    models_on_disk: Mapped[list[str]]
    project: Mapped[str]
    offline: Mapped[bool] = mapped_column(server_default=false())
    """Whether it may lease batches for days, to work without a connection."""
    images_per_second: Mapped[dict[str, Any]]
    memory_bytes: Mapped[int | None] = mapped_column(BigInteger)
    """What the models of one batch may weigh together, as of its last claim; null when it did not say."""
    allow_unpinned: Mapped[bool | None]
    """Whether it runs weights that nobody confirmed, as of its last claim."""
    load: Mapped[float | None]
    device_load: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    paused: Mapped[bool]
    drain: Mapped[bool]
    enrolled_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    heartbeat_number: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    """Of the newest heartbeat: `complete` of an older one that comes late is ignored."""
    revoked_at: Mapped[datetime | None]
    if TYPE_CHECKING:
        leases: Mapped[int]
        """How many batches it holds; mapped beside the batches, which know workers, and loaded on request."""


class WorkerLosses(Base):
    """How many batches a worker lost, by kind of loss; the sums are a metric."""

    __tablename__ = "worker_losses"

    worker_id: Mapped[UUID] = mapped_column(ForeignKey("workers.id"), primary_key=True)
    loss: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
