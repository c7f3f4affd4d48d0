"""An observation as it is answered, in lists and inside its classification."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from expert.algorithms.models import Algorithm
from expert.algorithms.state import AlgorithmSummary
from expert.observations.models import Observation
from expert.observations.queries import Traced
from expert.observations.queries_provenance import Authored
from expert.observations.state import (
    AppliedTo,
    Box,
    ClassificationType,
    ObservationReply,
    PredictionReply,
    ProvenanceStep,
    RankedLabel,
    StepKind,
    TerminalPrediction,
)

_SAME = (
    "id", "classification_id", "classification_project_id", "linked_collection_id", "resource_id", "deployment_id",
    "captured_at", "is_current", "observation_level", "observation_type", "taxon_id", "label", "sex", "life_stage",
    "behaviour", "count", "individual_id", "external_id", "first_frame_index", "distance_m", "detection_confidence",
    "classification_confidence", "occurrence_id", "copied_from_id", "matched_to_id",
)  # fmt: skip


def build_reply(
    row: Observation,
    scientific_name: str | None,
    predictions: Sequence[Traced] = (),
    *,
    with_all: bool = False,
) -> ObservationReply:
    """The reply for an observation; `with_all` answers all predictions, not only the terminal one."""
    terminal = next((traced for traced in predictions if traced.prediction.terminal), None)
    return ObservationReply(
        **{name: getattr(row, name) for name in _SAME},
        classification_type=ClassificationType(row.classification_type),
        scientific_name=scientific_name,
        bbox=_box(row),
        custom_attributes=row.custom_attributes or {},
        tags=row.tags or [],
        terminal_prediction=terminal and _terminal(terminal),
        predictions=[_prediction_reply(traced) for traced in predictions] if with_all else None,
    )


def _box(row: Observation) -> Box | None:
    if row.bbox_x is None or row.bbox_y is None or row.bbox_width is None or row.bbox_height is None:
        return None
    return row.bbox_x, row.bbox_y, row.bbox_width, row.bbox_height


def summarise(algorithm: Algorithm) -> AlgorithmSummary:
    """The algorithm as replies name it."""
    return AlgorithmSummary.model_validate(algorithm, from_attributes=True)


def _applied_to(traced: Traced) -> AppliedTo | None:
    source = traced.source
    if source is None or traced.source_algorithm is None:
        return None
    return AppliedTo(
        id=source.id,
        algorithm=summarise(traced.source_algorithm),
        label=source.label,
        taxon_id=source.taxon_id,
        score=source.score,
        created_at=source.created_at,
    )


def _terminal(traced: Traced) -> TerminalPrediction:
    prediction = traced.prediction
    return TerminalPrediction(
        id=prediction.id,
        algorithm=summarise(traced.algorithm),
        label=prediction.label,
        taxon_id=prediction.taxon_id,
        score=prediction.score,
        rule=prediction.rule,
        applied_to=_applied_to(traced),
        created_at=prediction.created_at,
    )


def _prediction_reply(traced: Traced) -> PredictionReply:
    return PredictionReply(
        **_terminal(traced).model_dump(),
        algorithm_id=traced.algorithm.id,
        top_k=[RankedLabel.model_validate(label) for label in traced.prediction.top_k],
        terminal=traced.prediction.terminal,
    )


def build_steps(rows: Sequence[Authored], predictions: Mapping[UUID, Sequence[Traced]]) -> list[ProvenanceStep]:
    """The steps of an object's provenance: an observation after its predictions, a copy after its original."""
    steps: list[ProvenanceStep] = []
    for row in rows:
        traced = predictions.get(row.observation.id, ())
        steps += [_prediction_step(row.observation, prediction) for prediction in traced]
        terminal = next((made.prediction.id for made in traced if made.prediction.terminal), None)
        steps.append(_observation_step(row, row.observation.copied_from_id or terminal))
    return steps


def _prediction_step(observation: Observation, traced: Traced) -> ProvenanceStep:
    prediction = traced.prediction
    return ProvenanceStep(
        id=prediction.id,
        label=prediction.label,
        taxon_id=prediction.taxon_id,
        score=prediction.score,
        created_at=prediction.created_at,
        derived_from_id=prediction.applied_to_id,
        kind=StepKind.PREDICTION,
        classification_id=observation.classification_id,
        algorithm=summarise(traced.algorithm),
        rule=prediction.rule,
        terminal=prediction.terminal,
        owner_id=None,
        edited_by_id=None,
        is_approved=False,
        approved_by_id=None,
        observation_type=None,
    )


def _observation_step(row: Authored, derived_from_id: UUID | None) -> ProvenanceStep:
    observation = row.observation
    is_ai = observation.classification_type == ClassificationType.AI
    confidence = observation.classification_confidence
    if confidence is None:
        confidence = observation.detection_confidence
    return ProvenanceStep(
        id=observation.id,
        derived_from_id=derived_from_id,
        kind=StepKind(observation.classification_type),
        classification_id=observation.classification_id,
        algorithm=None,
        rule=None,
        terminal=None,
        owner_id=row.owner_id,
        edited_by_id=row.edited_by_id,
        is_approved=row.final_id is not None,
        approved_by_id=row.approved_by_id,
        observation_type=observation.observation_type,
        label=observation.label,
        taxon_id=observation.taxon_id,
        score=confidence if is_ai else None,
        created_at=row.created_at,
    )
