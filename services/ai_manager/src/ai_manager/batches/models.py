"""Tables of the queue: batches, batches of closed jobs, and the terms that a job's batches share."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, false, func, literal, select
from sqlalchemy.orm import Mapped, column_property, mapped_column

from ai_manager.base import Base
from ai_manager.batches.state import BatchState
from ai_manager.workers.models import Worker
from trapper_kit.db import document_type, state_type
from trapper_schemas.v1.jobs import JobConfig

StateType = state_type(BatchState)
WAITING = literal(BatchState.WAITING, StateType, literal_execute=True)  # never a bind: a partial index must see it
LEASED = literal(BatchState.LEASED, StateType, literal_execute=True)
EXHAUSTED = literal(BatchState.EXHAUSTED, StateType, literal_execute=True)


class Terms(Base):
    """What every lease of a job says, and what decides which workers may have it; written by `jobs`."""

    __tablename__ = "terms"
    __table_args__ = (Index("terms_open_idx", "priority", "runtimes", "model_set", postgresql_where="is_open"),)

    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    runtimes: Mapped[str]
    model_set: Mapped[str]
    models: Mapped[list[str]]
    unpinned: Mapped[bool] = mapped_column(server_default=false())
    """Whether weights are asked for that no operator confirmed; only workers that allow it get these batches."""
    weights_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """What the models weigh together; those of unknown size weigh nothing here."""
    priority: Mapped[int]
    project: Mapped[str]
    job_config: Mapped[JobConfig] = mapped_column(document_type(JobConfig))
    media_grant: Mapped[str]
    media_origins: Mapped[list[str]]
    is_open: Mapped[bool]


class Batch(Base):
    """A row of the queue."""

    __tablename__ = "batches"
    __table_args__ = (
        CheckConstraint("(state = 'leased') = (lease_token is not null)", name="lease_token"),
        CheckConstraint("(lease_token is null) = (lease_expires_at is null)", name="lease_expiry"),
        CheckConstraint("state <> 'leased' or (worker_id is not null and attempt > 0)", name="lease_holder"),
        CheckConstraint("state <> 'done' or result_sha256 is not null", name="done_has_result"),
        CheckConstraint("result_sha256 is null or state in ('done', 'exhausted')", name="result_is_closed"),
        CheckConstraint("size > 0", name="size"),
        CheckConstraint("result_sha256 is null or done + blank + failed = size", name="one_outcome_each"),
        Index(
            "batches_claim_idx",
            "runtimes",
            "model_set",
            "priority",
            "turn",
            "id",
            postgresql_where="state = 'waiting'",
        ),
        Index("batches_turn_idx", "priority", "turn", postgresql_where="state = 'waiting'"),
        Index("batches_expiry_idx", "lease_expires_at", postgresql_where="state = 'leased'"),
        Index("batches_holder_idx", "worker_id", postgresql_where="state = 'leased'"),
        Index(
            "batches_exhausted_idx",
            "id",
            postgresql_where="state = 'exhausted' and result_sha256 is null",
        ),
        Index("batches_job_id_state_idx", "job_id", "state"),
        Index(
            "batches_sums_idx",
            "job_id",
            postgresql_include=["done", "blank", "failed"],
            postgresql_where="result_sha256 is not null",
        ),
        {
            "postgresql_with": {
                "fillfactor": 70,
                "autovacuum_vacuum_scale_factor": 0,
                "autovacuum_vacuum_threshold": 1000,
            }
        },
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id"))
    parent_id: Mapped[UUID | None] = mapped_column(index=True)
    first: Mapped[int]
    size: Mapped[int]
    resources: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    runtimes: Mapped[str]
    model_set: Mapped[str]
    project: Mapped[str]
    priority: Mapped[int]
    turn: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[BatchState] = mapped_column(StateType, default=BatchState.WAITING)
    attempt: Mapped[int] = mapped_column(default=0)
    losses: Mapped[int] = mapped_column(default=0)
    crashes: Mapped[int] = mapped_column(default=0)
    expiries: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(default="")
    worker_id: Mapped[UUID | None]
    lease_token: Mapped[str | None]
    lease_expires_at: Mapped[datetime | None]
    result_sha256: Mapped[str | None]
    done: Mapped[int] = mapped_column(default=0)
    blank: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    fetched: Mapped[bool] = mapped_column(default=False)


_held = select(func.count()).where(Batch.worker_id == Worker.id, Batch.state == LEASED).correlate(Worker)
Worker.leases = column_property(_held.scalar_subquery(), deferred=True)


class FinishedBatch(Base):
    """A batch of a closed job, moved out of the queue to keep that small."""

    __tablename__ = "finished_batches"
    __table_args__ = (
        CheckConstraint("state not in ('waiting', 'leased')", name="closed"),
        CheckConstraint("(state in ('done', 'exhausted')) = (result_sha256 is not null)", name="result"),
        CheckConstraint("result_sha256 is null or done + blank + failed = size", name="one_outcome_each"),
        Index("finished_batches_job_id_idx", "job_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id"))
    parent_id: Mapped[UUID | None]
    first: Mapped[int]
    size: Mapped[int]
    state: Mapped[BatchState] = mapped_column(StateType)
    attempt: Mapped[int]
    losses: Mapped[int]
    crashes: Mapped[int]
    expiries: Mapped[int]
    last_error: Mapped[str]
    worker_id: Mapped[UUID | None]
    result_sha256: Mapped[str | None]
    done: Mapped[int]
    blank: Mapped[int]
    failed: Mapped[int]
    fetched: Mapped[bool]


class WebProcess(Base):
    """A web process of the Manager, and since when it has answered without a gap, by the database's clock."""

    __tablename__ = "web_processes"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    seen_at: Mapped[datetime]
