"""A batch of results as it was fetched: where its blob lies, whether it is applied, and its own counts."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from expert.base import Base
from expert.jobs.state import FrozenJobConfig
from expert.results.state import ReceivedState
from trapper_kit.db import document_type, state_type
from trapper_schemas.ids import uuid7


class ReceivedBatch(Base):
    """The blob is in the store under `sha256` before this row exists."""

    __tablename__ = "received_batches"
    __table_args__ = (
        UniqueConstraint("job_id", "batch_id"),
        CheckConstraint("(state = 'applied') = (applied_at is not null)", name="applied_at"),
        CheckConstraint("(state = 'refused') = (reason is not null)", name="refused_says_why"),
        Index("received_batches_kept_idx", "id", postgresql_where="state = 'kept'"),
        Index("received_batches_sha256_idx", "sha256"),
        Index("received_batches_blob_missing_idx", "id", postgresql_where="blob_missing_at is not null"),
        Index("received_batches_unacknowledged_idx", "id", postgresql_where="acknowledged_at is null"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("ai_classification_jobs.id"))
    batch_id: Mapped[UUID]
    sha256: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    blob_missing_at: Mapped[datetime | None]  # when a sweep found that the store has lost the blob
    state: Mapped[ReceivedState] = mapped_column(state_type(ReceivedState))
    reason: Mapped[str | None]
    created_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    times_applied: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    blank: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    with_animals: Mapped[int] = mapped_column(default=0)
    logits_algorithm_id: Mapped[UUID | None] = mapped_column(ForeignKey("algorithms.id"), index=True)
    """The algorithm whose logits the blob holds, or null when it holds none."""
    features_algorithm_id: Mapped[UUID | None] = mapped_column(ForeignKey("algorithms.id"), index=True)
    """The algorithm whose features the blob holds, or null when it holds none."""
    superseded: Mapped[int] = mapped_column(default=0, server_default="0")
    """Resources that a re-parse left alone, because their current row is of another job."""


class JobConfigVersion(Base):
    """The configuration of one re-parse of a job; version 1 is the job's own and stands in its row."""

    __tablename__ = "ai_job_config_versions"
    __table_args__ = (CheckConstraint("version > 1", name="version"),)

    job_id: Mapped[UUID] = mapped_column(ForeignKey("ai_classification_jobs.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    job_config: Mapped[FrozenJobConfig] = mapped_column(document_type(FrozenJobConfig))
    created_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime]
