"""A classification project: who looks at which collections, with which models and which settings."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from expert.base import Base, Once, Versioned
from expert.classification_projects.state import ClassificationProjectStatus, KeepLogits, LinkState, link_state
from trapper_kit.db import state_type
from trapper_schemas.ids import uuid7

NMS_IOU = 0.45
MATCH_IOU = 0.5
SEQUENCE_INTERVAL_SECONDS = 300


class ClassificationProject(Once, Versioned, Base):
    """A null threshold takes the provider's typical one; no setting changes a job that was submitted."""

    __tablename__ = "classification_projects"
    __table_args__ = (
        UniqueConstraint("research_project_id", "name"),
        UniqueConstraint("slug"),
        UniqueConstraint("created_by", "idempotency_key"),
        CheckConstraint("detection_threshold between 0 and 1", name="detection_threshold"),
        CheckConstraint("classification_threshold between 0 and 1", name="classification_threshold"),
        CheckConstraint("nms_iou between 0 and 1", name="nms_iou"),
        CheckConstraint("match_iou between 0 and 1", name="match_iou"),
        CheckConstraint("sequence_interval_seconds > 0", name="sequence_interval"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    research_project_id: Mapped[UUID] = mapped_column(ForeignKey("research_projects.id"))
    name: Mapped[str]
    slug: Mapped[str]
    classificator_id: Mapped[UUID] = mapped_column(ForeignKey("classificators.id"), index=True)
    status: Mapped[ClassificationProjectStatus] = mapped_column(
        state_type(ClassificationProjectStatus), default=ClassificationProjectStatus.ONGOING
    )
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    object_detection_ai_model_id: Mapped[UUID | None] = mapped_column(ForeignKey("ai_providers.id"), index=True)
    species_ai_model_id: Mapped[UUID | None] = mapped_column(ForeignKey("ai_providers.id"), index=True)
    embedding_ai_model_id: Mapped[UUID | None] = mapped_column(ForeignKey("ai_providers.id"), index=True)
    required_ai_classification: Mapped[bool] = mapped_column(default=False)
    detection_threshold: Mapped[float | None]
    classification_threshold: Mapped[float | None]
    nms_iou: Mapped[float] = mapped_column(default=NMS_IOU)
    match_iou: Mapped[float] = mapped_column(default=MATCH_IOU)
    keep_logits: Mapped[KeepLogits] = mapped_column(
        state_type(KeepLogits), default=KeepLogits.AUTO, server_default=KeepLogits.AUTO.value
    )
    sequence_interval_seconds: Mapped[int] = mapped_column(default=SEQUENCE_INTERVAL_SECONDS)
    taxa_list_id: Mapped[UUID | None] = mapped_column(  # with which the results of jobs are masked
        ForeignKey("taxa_lists.id", use_alter=True), index=True
    )


class LinkedCollection(Once, Versioned, Base):
    """A collection that a classification project looks at; it may be of another research project."""

    __tablename__ = "classification_project_collections"
    __table_args__ = (
        UniqueConstraint("classification_project_id", "collection_id"),
        UniqueConstraint("classification_project_id", "id"),
        UniqueConstraint("created_by", "idempotency_key"),
        Index("classification_project_collections_collection_idx", "collection_id"),
        CheckConstraint("sequence_interval_seconds > 0", name="sequence_interval"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    classification_project_id: Mapped[UUID] = mapped_column(ForeignKey("classification_projects.id"))
    collection_id: Mapped[UUID] = mapped_column(ForeignKey("collections.id"))
    is_active: Mapped[bool] = mapped_column(default=True)
    sequence_interval_seconds: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    consented_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    consented_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    @property
    def state(self) -> LinkState:
        """What the collection's owners decided."""
        return link_state(consented_at=self.consented_at, revoked_at=self.revoked_at)


class LinkedCollectionResource(Base):
    """A resource in a linked collection: when a job first took it, and when the AI ended for it (the gate)."""

    __tablename__ = "linked_collection_resources"
    __table_args__ = (
        Index(
            "linked_collection_resources_due_idx",
            "linked_collection_id",
            "resource_id",
            postgresql_where="taken_at is null",
        ),
        Index("linked_collection_resources_resource_idx", "resource_id"),
    )

    linked_collection_id: Mapped[UUID] = mapped_column(
        ForeignKey("classification_project_collections.id"), primary_key=True
    )
    resource_id: Mapped[UUID] = mapped_column(ForeignKey("resources.id"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    taken_at: Mapped[datetime | None]
    ai_ended_at: Mapped[datetime | None]
