"""Tables of AI jobs and their resources; the configuration is frozen in `job_config`."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from expert.base import Base, Once
from expert.jobs.state import FIRST_CONFIG, FrozenJobConfig, JobKind, JobStage, Outcome, StageAfterIngest
from trapper_kit.db import document_type, state_type
from trapper_schemas.ids import uuid7


class AiClassificationJob(Once, Base):
    """One submission of resources of a linked collection; counts are written at its end."""

    __tablename__ = "ai_classification_jobs"
    __table_args__ = (
        CheckConstraint("(stage in ('finished', 'failed', 'cancelled')) = (closed_at is not null)", name="closed_at"),
        CheckConstraint("stage <> 'failed' or error is not null", name="failed_says_why"),
        CheckConstraint("total > 0", name="total"),
        CheckConstraint("stage in ('created', 'failed', 'cancelled') or manager_job_id is not null", name="submitted"),
        UniqueConstraint("created_by", "idempotency_key"),
        ForeignKeyConstraint(
            ["classification_project_id", "linked_collection_id"],
            ["classification_project_collections.classification_project_id", "classification_project_collections.id"],
            name="ai_classification_jobs_linked_collection_of_the_project_fkey",
        ),
        Index("ai_classification_jobs_list_idx", "classification_project_id", "id"),
        Index(
            "ai_classification_jobs_open_idx",
            "looked_at",
            postgresql_where="stage not in ('finished', 'failed', 'cancelled')",
        ),
        Index(
            "ai_classification_jobs_withdraw_idx",
            "id",
            postgresql_where="manager_settled_at is null and stage in ('failed', 'cancelled')",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    classification_project_id: Mapped[UUID] = mapped_column(ForeignKey("classification_projects.id"))
    linked_collection_id: Mapped[UUID] = mapped_column(index=True)
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("ai_provider_connections.id"), index=True)
    detection_provider_id: Mapped[UUID] = mapped_column(ForeignKey("ai_providers.id"), index=True)
    operation_id: Mapped[UUID | None] = mapped_column(ForeignKey("operations.id", ondelete="SET NULL"), index=True)
    kind: Mapped[JobKind] = mapped_column(state_type(JobKind))
    stage: Mapped[JobStage] = mapped_column(state_type(JobStage))
    stages: Mapped[list[Any]]  # of {stage, at}: every stage that it entered, in order
    job_config: Mapped[FrozenJobConfig] = mapped_column(document_type(FrozenJobConfig))
    models_key: Mapped[str]
    job_config_version: Mapped[int] = mapped_column(default=FIRST_CONFIG, server_default="1")
    """The version that its results are parsed with; each re-parse adds one."""
    interactive: Mapped[bool]
    total: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    blank: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    cancelled: Mapped[int] = mapped_column(default=0)
    with_animals: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    attempts: Mapped[int] = mapped_column(default=0)  # of submitting; the pause before the next grows with it
    looked_at: Mapped[datetime]  # when it was last submitted, asked about, or put off; the queue's order
    next_look_at: Mapped[datetime]
    manager_job_id: Mapped[UUID | None] = mapped_column(index=True)  # its id there, known once it is submitted
    manager_state: Mapped[str | None]
    progress: Mapped[float] = mapped_column(default=0.0)
    eta_seconds: Mapped[float | None]
    images_per_second: Mapped[float | None]
    unacknowledged: Mapped[int] = mapped_column(default=0)  # closed batches there, as last heard
    blocked: Mapped[dict[str, Any] | None]  # why no worker takes it, as last told by the Manager
    manager_settled_at: Mapped[datetime | None]  # nothing is left to say to the Manager about this job


class JobStageRun(Base):
    """One run of a stage after ingest; the newest of a stage counts, those before it are its history."""

    __tablename__ = "job_stage_runs"

    operation_id: Mapped[UUID] = mapped_column(ForeignKey("operations.id", ondelete="CASCADE"), primary_key=True)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("ai_classification_jobs.id"), index=True)
    stage: Mapped[StageAfterIngest] = mapped_column(state_type(StageAfterIngest))


class JobResource(Base):
    """One resource in a job, with how it ended."""

    __tablename__ = "job_resources"
    __table_args__ = (
        CheckConstraint("(outcome = 'failed') = (code is not null)", name="failed_says_why"),
        Index(
            "job_resources_auto_key",
            "linked_collection_id",
            "resource_id",
            unique=True,
            postgresql_where="auto",
        ),
        Index("job_resources_outcome_idx", "job_id", "outcome", "resource_id"),
    )

    job_id: Mapped[UUID] = mapped_column(ForeignKey("ai_classification_jobs.id"), primary_key=True)
    resource_id: Mapped[UUID] = mapped_column(ForeignKey("resources.id"), primary_key=True, index=True)
    linked_collection_id: Mapped[UUID] = mapped_column(ForeignKey("classification_project_collections.id"))
    auto: Mapped[bool]
    outcome: Mapped[Outcome] = mapped_column(state_type(Outcome))
    has_animals: Mapped[bool] = mapped_column(default=False)
    code: Mapped[str | None]
    message: Mapped[str | None]
    received_batch_id: Mapped[UUID | None] = mapped_column(ForeignKey("received_batches.id"), index=True)
    batch_row: Mapped[int | None]
