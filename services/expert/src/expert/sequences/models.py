"""Tables of sequences, their members, what people marked, and which resources have changed since."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from expert.base import Base
from trapper_schemas.ids import uuid7


class LinkSequences(Base):
    """How the sequences of a linked collection were built; `built_at` is null while they are built."""

    __tablename__ = "link_sequences"
    __table_args__ = (CheckConstraint("interval_seconds > 0", name="interval"),)

    linked_collection_id: Mapped[UUID] = mapped_column(
        ForeignKey("classification_project_collections.id"), primary_key=True
    )
    interval_seconds: Mapped[int]
    built_at: Mapped[datetime | None]


class ResourceSequence(Base):
    """One sequence of a linked collection; its id becomes the eventID of Camtrap DP and stays."""

    __tablename__ = "sequences"
    __table_args__ = (
        ForeignKeyConstraint(
            ["classification_project_id", "linked_collection_id"],
            ["classification_project_collections.classification_project_id", "classification_project_collections.id"],
            name="sequences_linked_collection_of_the_project_fkey",
        ),
        CheckConstraint("resource_count > 0", name="resource_count"),
        CheckConstraint("first_at <= last_at", name="times"),
        Index("sequences_project_idx", "classification_project_id", "first_at", "id"),
        Index("sequences_link_idx", "linked_collection_id", "first_at", "id"),
        Index("sequences_deployment_idx", "deployment_id", "first_at", "id"),
        Index(
            "sequences_external_id_key",
            "classification_project_id",
            "external_id",
            unique=True,
            postgresql_where="external_id is not null",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    classification_project_id: Mapped[UUID]
    linked_collection_id: Mapped[UUID]
    deployment_id: Mapped[UUID] = mapped_column(ForeignKey("deployments.id"))
    is_time_lapse: Mapped[bool]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    resource_count: Mapped[int]
    external_id: Mapped[str | None]  # of the system that it was imported from


class SequenceMember(Base):
    """A resource in its sequence, with the time, deployment and method by which it was chained."""

    __tablename__ = "sequence_members"
    __table_args__ = (
        ForeignKeyConstraint(
            ["linked_collection_id", "resource_id"],
            ["linked_collection_resources.linked_collection_id", "linked_collection_resources.resource_id"],
            name="sequence_members_resource_of_the_link_fkey",
        ),
        Index(
            "sequence_members_series_idx",
            "linked_collection_id",
            "deployment_id",
            "is_time_lapse",
            "captured_at",
            "resource_id",
        ),
        Index("sequence_members_sequence_idx", "sequence_id", "captured_at", "resource_id"),
    )

    resource_id: Mapped[UUID] = mapped_column(primary_key=True)
    linked_collection_id: Mapped[UUID] = mapped_column(primary_key=True)
    sequence_id: Mapped[UUID] = mapped_column(ForeignKey("sequences.id"))
    deployment_id: Mapped[UUID]
    is_time_lapse: Mapped[bool]
    captured_at: Mapped[datetime]


class SequenceMarker(Base):
    """A person's split before a resource, or the join of a resource with another one of its series."""

    __tablename__ = "sequence_markers"
    __table_args__ = (
        ForeignKeyConstraint(
            ["linked_collection_id", "resource_id"],
            ["linked_collection_resources.linked_collection_id", "linked_collection_resources.resource_id"],
            name="sequence_markers_resource_of_the_link_fkey",
        ),
        Index(
            "sequence_markers_key",
            "linked_collection_id",
            "resource_id",
            "joined_resource_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    linked_collection_id: Mapped[UUID]
    resource_id: Mapped[UUID]
    joined_resource_id: Mapped[UUID | None]  # null for a split before the resource
    created_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SequenceChange(Base):
    """A resource whose sequence may be another one now; triggers write these, chaining deletes them."""

    __tablename__ = "sequence_changes"
    __table_args__ = (Index("sequence_changes_order_idx", "linked_collection_id", "changed_at"),)

    linked_collection_id: Mapped[UUID] = mapped_column(primary_key=True)
    resource_id: Mapped[UUID] = mapped_column(primary_key=True)
    changed_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
