"""Observations and the predictions behind them; the constraints hold what a row may say."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.naming import conv

from expert.base import Base
from expert.observations.state import RULES, LifeStage, ObservationLevel, ObservationType, Sex
from trapper_kit.db import state_type
from trapper_schemas.ids import uuid7


class Observation(Base):
    """One object, or a group, in an ai, user or feedback row; the second block repeats what its parents say."""

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
