"""Write many observations with their predictions at once; the one statement that writes them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from expert.observations.queries_copy import copy_rows
from expert.observations.state import Box, ClassificationType, LifeStage, ObservationLevel, ObservationType, Sex, clip
from trapper_kit.db import Session
from trapper_schemas.ids import uuid7


@dataclass(frozen=True)
class Parent:
    """The columns that observations copy from their classification."""

    classification_id: UUID
    classification_project_id: UUID
    resource_id: UUID
    linked_collection_id: UUID | None
    classification_type: str
    deployment_id: UUID | None
    captured_at: datetime | None
    is_current: bool = True


@dataclass(frozen=True)
class NewPrediction:
    """A prediction of one algorithm."""

    algorithm_id: UUID
    label: str
    taxon_id: UUID | None
    score: float
    top_k: Sequence[dict[str, Any]]
    terminal: bool
    output_row: int | None = None


@dataclass(frozen=True)
class NewObservation:
    """One object, group, or whole-resource statement."""

    observation_type: ObservationType
    observation_level: ObservationLevel = ObservationLevel.OBJECT
    taxon_id: UUID | None = None
    label: str | None = None
    sex: Sex | None = None
    life_stage: LifeStage | None = None
    behaviour: str | None = None
    count: int | None = None
    individual_id: str | None = None
    bbox: Box | None = None
    first_frame_index: int | None = None
    detection_confidence: float | None = None
    classification_confidence: float | None = None
    custom_attributes: dict[str, Any] | None = None
    tags: list[str] | None = None
    copied_from_id: UUID | None = None
    matched_to_id: UUID | None = None
    occurrence_id: UUID | None = None
    predictions: Sequence[NewPrediction] = ()
    id: UUID | None = None  # of one that is written again; new ones get theirs in order


OBSERVATION_COLUMNS = (
    "id", "classification_id", "classification_project_id", "resource_id", "linked_collection_id",
    "classification_type", "is_current", "deployment_id", "captured_at", "observation_level", "observation_type",
    "taxon_id", "label", "sex", "life_stage", "behaviour", "count", "individual_id", "bbox_x", "bbox_y", "bbox_width",
    "bbox_height", "first_frame_index", "detection_confidence", "classification_confidence", "custom_attributes",
    "tags", "carried_over", "copied_from_id", "matched_to_id", "occurrence_id",
)  # fmt: skip
PREDICTION_COLUMNS = (
    "id", "observation_id", "algorithm_id", "taxon_id", "label", "score", "top_k", "terminal", "output_row",
    "created_at",
)  # fmt: skip


Fresh = tuple[UUID, NewObservation]
"""An AI object observation that begins an occurrence, whose id is that of the observation."""


async def write_many(
    db: Session, groups: Iterable[tuple[Parent, Sequence[NewObservation]]], *, now: datetime
) -> list[Fresh]:
    """All observations of all parents in two COPYs; boxes are clipped to the picture.

    The caller writes the occurrences of the fresh ones, which are returned, in the same transaction.
    """
    fresh: list[Fresh] = []
    observations: list[tuple[Any, ...]] = []
    predictions: list[tuple[Any, ...]] = []
    pairs = [(parent, observation) for parent, members in groups for observation in members]
    ids = _in_order(len(pairs))
    prediction_ids = _in_order(sum(len(observation.predictions) for _, observation in pairs))
    for parent, observation in pairs:
        observation_id = next(ids) if observation.id is None else observation.id
        occurrence_id = observation.occurrence_id
        if occurrence_id is None and _begins_occurrence(parent, observation):
            occurrence_id = observation_id
            fresh.append((observation_id, observation))
        observations.append(_observation(observation_id, parent, observation, occurrence_id))
        predictions += [
            _prediction(next(prediction_ids), observation_id, prediction, now) for prediction in observation.predictions
        ]
    if observations:
        await copy_rows(db, "observations", OBSERVATION_COLUMNS, observations)
    if predictions:
        await copy_rows(db, "predictions", PREDICTION_COLUMNS, predictions)
    return fresh


def _begins_occurrence(parent: Parent, observation: NewObservation) -> bool:
    is_object = observation.observation_level is ObservationLevel.OBJECT
    return is_object and parent.classification_type == ClassificationType.AI.value


def _in_order(count: int) -> Iterator[UUID]:
    """Ids that sort as they are given out, also within one millisecond."""
    return iter(sorted((uuid7() for _ in range(count)), key=attrgetter("int")))


def _json(value: object) -> str | None:
    return None if value is None else to_json(value).decode()


def _observation(
    observation_id: UUID, parent: Parent, observation: NewObservation, occurrence_id: UUID | None
) -> tuple[Any, ...]:
    box = (None, None, None, None) if observation.bbox is None else clip(observation.bbox)
    return (
        observation_id,
        parent.classification_id,
        parent.classification_project_id,
        parent.resource_id,
        parent.linked_collection_id,
        parent.classification_type,
        parent.is_current,
        parent.deployment_id,
        parent.captured_at,
        observation.observation_level.value,
        observation.observation_type.value,
        observation.taxon_id,
        observation.label,
        observation.sex and observation.sex.value,
        observation.life_stage and observation.life_stage.value,
        observation.behaviour,
        observation.count,
        observation.individual_id,
        *box,
        observation.first_frame_index,
        observation.detection_confidence,
        observation.classification_confidence,
        _json(observation.custom_attributes),
        _json(observation.tags),
        False,
        observation.copied_from_id,
        observation.matched_to_id,
        occurrence_id,
    )


def _prediction(prediction_id: UUID, observation_id: UUID, prediction: NewPrediction, now: datetime) -> tuple[Any, ...]:
    return (
        prediction_id,
        observation_id,
        prediction.algorithm_id,
        prediction.taxon_id,
        prediction.label,
        prediction.score,
        _json(list(prediction.top_k)),
        prediction.terminal,
        prediction.output_row,
        now,
    )
