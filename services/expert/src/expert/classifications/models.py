"""Classifications of four types, their approvals, and the former versions of people's rows."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, literal
from sqlalchemy.orm import Mapped, mapped_column

from expert.base import Base, Once
from expert.observations.state import ClassificationType
from trapper_kit.db import state_type
from trapper_schemas.ids import uuid7

FINAL = literal(ClassificationType.FINAL, state_type(ClassificationType), literal_execute=True)
AI = literal(ClassificationType.AI, state_type(ClassificationType), literal_execute=True)
"""Never bound: a partial index must see them."""


class Classification(Once, Base):
    """A final row points to what is accepted; an ai, user or feedback row says something and belongs to a final one."""

    __tablename__ = "classifications"
    __table_args__ = (
        ForeignKeyConstraint(
            ["classification_project_id", "linked_collection_id"],
            ["classification_project_collections.classification_project_id", "classification_project_collections.id"],
            name="classifications_linked_collection_of_the_project_fkey",
        ),
        UniqueConstraint("created_by", "idempotency_key"),
        CheckConstraint("(type = 'final') = (final_classification_id is null)", name="belongs_to_final"),
        CheckConstraint("(type = 'final') = (is_approved is not null)", name="final_only"),
        CheckConstraint(
            "coalesce(is_approved, false) = (approved_at is not null) "
            "and (type <> 'final' or (is_approved = (source_classification_id is not null)))",
            name="approval",
        ),
        CheckConstraint("type in ('user', 'feedback') or owner_id is null", name="owner"),
        CheckConstraint("type not in ('user', 'feedback') or owner_id is not null", name="owned"),
        CheckConstraint(
            "(type = 'ai') = (num_nonnulls(job_id, import_operation_id) = 1) "
            "and num_nonnulls(job_id, import_operation_id) <= 1 and (type = 'ai') = (content_hash is not null) "
            "and num_nonnulls(provider_id, received_batch_id, batch_row, job_config_version) "
            "= case when job_id is null then 0 else 4 end",
            name="provenance",
        ),
        CheckConstraint("type <> 'feedback' or source_classification_id is not null", name="feedback_source"),
        CheckConstraint("superseded_by_id is null or type = 'ai'", name="superseded"),
        CheckConstraint("locked_at is null or type in ('ai', 'user')", name="locked"),
        Index(
            "classifications_final_key",
            "resource_id",
            "classification_project_id",
            unique=True,
            postgresql_where="type = 'final'",
        ),
        Index(
            "classifications_current_ai_key",
            "resource_id",
            "classification_project_id",
            "provider_id",
            unique=True,
            postgresql_nulls_not_distinct=True,  # imported rows are of no provider
            postgresql_where="type = 'ai' and superseded_by_id is null",
        ),
        Index(
            "classifications_results_idx",
            "classification_project_id",
            "received_batch_id",
            postgresql_where="type = 'ai' and superseded_by_id is null",
        ),
        Index("classifications_list_idx", "classification_project_id", "id"),
        Index("classifications_resource_idx", "resource_id", "classification_project_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    type: Mapped[ClassificationType] = mapped_column(state_type(ClassificationType))
    classification_project_id: Mapped[UUID] = mapped_column(ForeignKey("classification_projects.id"))
    resource_id: Mapped[UUID] = mapped_column(ForeignKey("resources.id"))
    linked_collection_id: Mapped[UUID | None] = mapped_column(index=True)
    final_classification_id: Mapped[UUID | None] = mapped_column(ForeignKey("classifications.id"), index=True)
    source_classification_id: Mapped[UUID | None] = mapped_column(ForeignKey("classifications.id"), index=True)
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"), index=True)
    edited_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"), index=True)  # null: as its owner made it
    static_attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    provider_id: Mapped[UUID | None] = mapped_column(ForeignKey("ai_providers.id"), index=True)
    job_id: Mapped[UUID | None] = mapped_column(ForeignKey("ai_classification_jobs.id"), index=True)
    import_operation_id: Mapped[UUID | None] = mapped_column(ForeignKey("operations.id"), index=True)
    job_config_version: Mapped[int | None]  # the configuration that it was parsed with
    received_batch_id: Mapped[UUID | None] = mapped_column(ForeignKey("received_batches.id"), index=True)
    batch_row: Mapped[int | None]  # the resource's index in the blob
    content_hash: Mapped[str | None]  # of all that the row says, so that an equal answer writes nothing
    superseded_by_id: Mapped[UUID | None] = mapped_column(
        # Deferred: the former row points to its successor a moment before that is written, for the unique index's sake.
        ForeignKey("classifications.id", deferrable=True, initially="DEFERRED"),
        index=True,
    )
    locked_at: Mapped[datetime | None]

    is_approved: Mapped[bool | None]
    approved_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"), index=True)
    approved_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=0, server_default="0")


class Approval(Base):
    """One approval of a row; it ends when another row is approved for the resource, or when it is taken back."""

    __tablename__ = "approvals"
    __table_args__ = (
        CheckConstraint("ended_at is not null or ended_by_id is null", name="ended"),
        Index("approvals_current_key", "final_classification_id", unique=True, postgresql_where="ended_at is null"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    final_classification_id: Mapped[UUID] = mapped_column(ForeignKey("classifications.id"), index=True)
    classification_id: Mapped[UUID] = mapped_column(ForeignKey("classifications.id"), index=True)
    approved_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"), index=True)
    approved_at: Mapped[datetime]
    ended_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"), index=True)
    ended_at: Mapped[datetime | None]


class ClassificationVersion(Base):
    """What a person's row was before an edit, with who wrote it; the row itself holds the newest version."""

    __tablename__ = "classification_versions"

    classification_id: Mapped[UUID] = mapped_column(ForeignKey("classifications.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"), index=True)
    written_at: Mapped[datetime]
    static_attributes: Mapped[dict[str, Any]]
    observations: Mapped[list[Any]]  # as the API answers observations
