"""Tables of results: the blob or its hash, failures by resource, and late results as hashes."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from ai_manager.base import Base


class SavedResult(Base):
    """The blob of a closed batch, listed until the Expert acknowledged it."""

    __tablename__ = "saved_results"
    __table_args__ = (
        Index(
            "saved_results_waiting_idx",
            "job_id",
            "closed_at",
            "batch_id",
            postgresql_where="acknowledged_at is null",
        ),
        CheckConstraint("blob_deleted_at is null or acknowledged_at is not null", name="deleted_is_acknowledged"),
        CheckConstraint("blob_deleted_at is null or blob is null", name="deleted_has_no_blob"),
        Index("saved_results_job_id_idx", "job_id", "batch_id"),
        Index(
            "saved_results_kept_idx",
            "acknowledged_at",
            postgresql_where="acknowledged_at is not null and blob_deleted_at is null",
        ),
    )

    batch_id: Mapped[UUID] = mapped_column(primary_key=True)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id"))
    sha256: Mapped[str] = mapped_column(index=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    exhausted: Mapped[bool]
    closed_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    blob_deleted_at: Mapped[datetime | None]
    """Since then the blob is not kept for this batch."""
    blob: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True, deferred_raiseload=True)
    """A small one, committed with this row; others lie in the blob store under their hash. Read by `blob_of` alone."""


class ResourceFailure(Base):
    """One resource that failed."""

    __tablename__ = "resource_failures"
    __table_args__ = (Index("resource_failures_job_id_idx", "job_id", "resource_id"),)

    batch_id: Mapped[UUID] = mapped_column(primary_key=True)
    resource_id: Mapped[UUID] = mapped_column(primary_key=True)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id"))
    code: Mapped[str]
    message: Mapped[str]


class LateResult(Base):
    """A result that came after its lease was over; some per worker and day are kept as hashes for audit."""

    __tablename__ = "late_results"
    __table_args__ = (Index("late_results_day_idx", "day"),)

    worker_id: Mapped[UUID] = mapped_column(ForeignKey("workers.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    came_at: Mapped[datetime]
