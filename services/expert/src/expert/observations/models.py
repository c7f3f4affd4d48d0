"""Observations and the predictions behind them; the constraints hold what a row may say."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.naming import conv

from expert.base import Base
from expert.observations.state import RULES, WHOLE, LifeStage, ObservationLevel, ObservationType, Sex
from trapper_kit.db import state_type
from trapper_schemas.ids import uuid7


def _external_id_key(table: str, project: str) -> Index:
    return Index(
        f"{table}_external_id_key", project, "external_id", unique=True, postgresql_where="external_id is not null"
    )


class Observation(Base):
    """An object, group, or whole resource in a classification; the second block repeats what its parents say."""

    __tablename__ = "observations"
    __table_args__ = (
        *(CheckConstraint(rule.check, name=conv(rule.constraint)) for rule in RULES),
        CheckConstraint(
            "detection_confidence between 0 and 1 and classification_confidence between 0 and 1", name="confidences"
        ),
        CheckConstraint("distance_m >= 0 and distance_uncertainty_m >= 0", name="distance"),
        CheckConstraint("count is null or count > 0", name="count"),
        CheckConstraint("first_frame_index >= 0", name="frame"),
        Index("observations_project_list_idx", "classification_project_id", "is_current", "id"),
        Index("observations_type_list_idx", "classification_project_id", "observation_type", "id"),
        _external_id_key("observations", "classification_project_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    classification_id: Mapped[UUID] = mapped_column(ForeignKey("classifications.id"), index=True)

    classification_project_id: Mapped[UUID] = mapped_column(ForeignKey("classification_projects.id"))
    resource_id: Mapped[UUID] = mapped_column(ForeignKey("resources.id"), index=True)
    linked_collection_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("classification_project_collections.id"), index=True
    )
    classification_type: Mapped[str]
    is_current: Mapped[bool]
    deployment_id: Mapped[UUID | None] = mapped_column(ForeignKey("deployments.id"), index=True)
    captured_at: Mapped[datetime | None]

    observation_level: Mapped[ObservationLevel] = mapped_column(state_type(ObservationLevel))
    observation_type: Mapped[ObservationType] = mapped_column(state_type(ObservationType))
    taxon_id: Mapped[UUID | None] = mapped_column(ForeignKey("taxa.id"), index=True)
    label: Mapped[str | None]  # what the model said, also when no taxon is known for it
    sex: Mapped[Sex | None] = mapped_column(state_type(Sex))
    life_stage: Mapped[LifeStage | None] = mapped_column(state_type(LifeStage))
    behaviour: Mapped[str | None]
    count: Mapped[int | None]
    individual_id: Mapped[str | None]
    external_id: Mapped[str | None]  # of the system that it was imported from
    bbox_x: Mapped[float | None]
    bbox_y: Mapped[float | None]
    bbox_width: Mapped[float | None]
    bbox_height: Mapped[float | None]
    first_frame_index: Mapped[int | None]
    distance_m: Mapped[float | None]
    distance_uncertainty_m: Mapped[float | None]
    detection_confidence: Mapped[float | None]
    classification_confidence: Mapped[float | None]
    attribute_confidences: Mapped[dict[str, Any] | None]
    custom_attributes: Mapped[dict[str, Any] | None]
    tags: Mapped[list[str] | None]
    carried_over: Mapped[bool] = mapped_column(default=False)
    occurrence_id: Mapped[UUID | None] = mapped_column(  # of objects of AI and approved rows, and of copies of them
        ForeignKey("occurrences.id", deferrable=True, initially="DEFERRED"), index=True
    )
    copied_from_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("observations.id", deferrable=True, initially="DEFERRED"), index=True
    )
    matched_to_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("observations.id", deferrable=True, initially="DEFERRED"), index=True
    )


class Prediction(Base):
    """What one algorithm said about one object; exactly one of them is terminal."""

    __tablename__ = "predictions"
    __table_args__ = (
        CheckConstraint("score between 0 and 1", name="score"),
        Index("predictions_terminal_key", "observation_id", unique=True, postgresql_where="terminal"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    observation_id: Mapped[UUID] = mapped_column(ForeignKey("observations.id"), index=True)
    algorithm_id: Mapped[UUID] = mapped_column(ForeignKey("algorithms.id"), index=True)
    taxon_id: Mapped[UUID | None] = mapped_column(ForeignKey("taxa.id"), index=True)
    label: Mapped[str]
    score: Mapped[float]
    top_k: Mapped[list[Any]]  # of {label, score, taxon_id}, best first
    terminal: Mapped[bool]
    applied_to_id: Mapped[UUID | None] = mapped_column(ForeignKey("predictions.id"), index=True)
    rule: Mapped[str | None]
    output_row: Mapped[int | None]  # row of the received batch's logits and features
    created_at: Mapped[datetime]


class SequenceObservation(Base):
    """A statement about a whole sequence, as Camtrap DP has at its event level; who or what said it is one of three."""

    __tablename__ = "sequence_observations"
    __table_args__ = (
        CheckConstraint("num_nonnulls(owner_id, algorithm_id, import_operation_id) = 1", name="provenance"),
        CheckConstraint("count > 0", name="count"),
        CheckConstraint("probability between 0 and 1", name="probability"),
        CheckConstraint(
            f"not ({WHOLE}) or num_nonnulls(taxon_id, count, sex, life_stage, behaviour, individual_id) = 0",
            name="nothing_seen",
        ),
        CheckConstraint(
            "observation_type not in ('human', 'vehicle') or num_nonnulls(taxon_id, sex) = 0", name="no_animal"
        ),
        CheckConstraint("individual_id is null or count is null or count = 1", name="individual"),
        Index("sequence_observations_project_idx", "classification_project_id", "id"),
        _external_id_key("sequence_observations", "classification_project_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    classification_project_id: Mapped[UUID] = mapped_column(ForeignKey("classification_projects.id"))
    sequence_id: Mapped[UUID | None] = mapped_column(  # null once no resource is left in its sequence
        ForeignKey("sequences.id", ondelete="SET NULL"), index=True
    )
    observation_type: Mapped[ObservationType] = mapped_column(state_type(ObservationType))
    taxon_id: Mapped[UUID | None] = mapped_column(ForeignKey("taxa.id"), index=True)
    count: Mapped[int | None]
    sex: Mapped[Sex | None] = mapped_column(state_type(Sex))
    life_stage: Mapped[LifeStage | None] = mapped_column(state_type(LifeStage))
    behaviour: Mapped[str | None]
    individual_id: Mapped[str | None]
    probability: Mapped[float | None]
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"), index=True)
    algorithm_id: Mapped[UUID | None] = mapped_column(ForeignKey("algorithms.id"), index=True)
    import_operation_id: Mapped[UUID | None] = mapped_column(ForeignKey("operations.id"), index=True)
    external_id: Mapped[str | None]
    created_at: Mapped[datetime]
