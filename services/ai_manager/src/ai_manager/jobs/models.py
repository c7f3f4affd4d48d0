"""Tables of jobs and their resources: in chunks until planned, by id until the job is sealed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from ai_manager.base import Base
from trapper_kit.db import state_type
from trapper_schemas.v1.jobs import JobState


class Job(Base):
    """An accepted job: how many resources came, how many are planned, and its next turn."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("caller", "idempotency_key"),
        CheckConstraint("planned_through <= total", name="planned"),
        CheckConstraint("(closed_at is null) = (state in ('accepted', 'planned', 'running'))", name="closed"),
        CheckConstraint("closed_at is null or (sealed and planned_through = total)", name="closed_is_whole"),
        CheckConstraint("done + blank + failed <= total", name="one_outcome_each"),
        CheckConstraint("closed_at is not null or not compacted", name="compacted_is_closed"),
        CheckConstraint("reduced_at is null or compacted", name="reduced_is_compacted"),
        Index("jobs_open_idx", "id", postgresql_where="closed_at is null"),
        Index("jobs_to_compact_idx", "id", postgresql_where="closed_at is not null and not compacted"),
        Index("jobs_to_reduce_idx", "closed_at", postgresql_where="compacted and reduced_at is null"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    caller: Mapped[str]
    idempotency_key: Mapped[str]
    body_hash: Mapped[str]
    state: Mapped[JobState] = mapped_column(state_type(JobState))
    sealed: Mapped[bool]
    last_page: Mapped[int]
    last_page_hash: Mapped[str]
    total: Mapped[int]
    planned_through: Mapped[int]
    next_turn: Mapped[int] = mapped_column(BigInteger)
    notification_queue: Mapped[str | None]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    done: Mapped[int] = mapped_column(default=0, server_default="0")
    """This and the next two are added up when the job closes; until then they are 0."""
    blank: Mapped[int] = mapped_column(default=0, server_default="0")
    failed: Mapped[int] = mapped_column(default=0, server_default="0")
    compacted: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Its batches are in `finished_batches`."""
    reduced_at: Mapped[datetime | None]
    """Since then this row is all that there is of the job."""


class ResourceChunk(Base):
    """Some resources of a job in order; deleted once all of them are in batches."""

    __tablename__ = "resource_chunks"

    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    first: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int]
    resources: Mapped[bytes] = mapped_column(LargeBinary)


class UnsealedResource(Base):
    """The id of a resource of a job that is not sealed, to refuse it on a later page."""

    __tablename__ = "unsealed_resources"

    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    resource_id: Mapped[UUID] = mapped_column(primary_key=True)
