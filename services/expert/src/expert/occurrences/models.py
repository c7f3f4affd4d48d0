"""Tables of occurrences and of what people identified them as."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from expert.base import Base
from expert.occurrences.state import DeterminationSource
from trapper_kit.db import state_type
from trapper_schemas.ids import uuid7


class Occurrence(Base):
    """One individual that was seen; a fresh one has the id of its first observation."""

    __tablename__ = "occurrences"
    __table_args__ = (
        CheckConstraint("determination_score between 0 and 1", name="score"),
        CheckConstraint(
            "determination_source is not null or num_nonnulls(determination_taxon_id, determination_score) = 0",
            name="source",
        ),
        CheckConstraint(
            "determination_taxon_id is not null or coalesce(determination_source, 'approval') = 'approval'",
            name="taxon",
        ),
        CheckConstraint("not (is_current and is_unmatched)", name="unmatched"),
        Index("occurrences_list_idx", "classification_project_id", "id"),
        Index("occurrences_taxon_idx", "determination_taxon_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    classification_project_id: Mapped[UUID] = mapped_column(ForeignKey("classification_projects.id"))
    determination_taxon_id: Mapped[UUID | None] = mapped_column(ForeignKey("taxa.id"))
    determination_score: Mapped[float | None]
    determination_source: Mapped[DeterminationSource | None] = mapped_column(state_type(DeterminationSource))
    is_current: Mapped[bool]  # whether a current or an approved observation belongs to it
    is_unmatched: Mapped[bool]  # identified, and a newer AI run saw nothing there
    created_at: Mapped[datetime]


class Identification(Base):
    """What a person identified an occurrence as; it stands until the person withdraws it or gives another."""

    __tablename__ = "identifications"
    __table_args__ = (
        CheckConstraint("num_nonnulls(prediction_id, agreed_with_id) <= 1", name="agreement"),
        CheckConstraint("num_nonnulls(withdrawn_at, replaced_by_id) <= 1", name="ended_once"),
        CheckConstraint("agreed_with_id <> id and replaced_by_id <> id", name="another"),
        Index("identifications_occurrence_idx", "occurrence_id", "id"),
        Index(
            "identifications_standing_key",
            "occurrence_id",
            "created_by",
            unique=True,
            postgresql_where="withdrawn_at is null and replaced_by_id is null",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    occurrence_id: Mapped[UUID] = mapped_column(ForeignKey("occurrences.id"))
    created_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    taxon_id: Mapped[UUID] = mapped_column(ForeignKey("taxa.id"), index=True)
    prediction_id: Mapped[UUID | None] = mapped_column(ForeignKey("predictions.id"), index=True)  # agreed with
    agreed_with_id: Mapped[UUID | None] = mapped_column(ForeignKey("identifications.id"), index=True)
    replaced_by_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("identifications.id", deferrable=True, initially="DEFERRED"), index=True
    )
    comment: Mapped[str | None]
    created_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
