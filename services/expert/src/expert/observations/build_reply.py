"""An observation as it is answered, in lists and inside its classification."""

from collections.abc import Sequence

from expert.observations.models import Observation, Prediction
from expert.observations.state import Box, ClassificationType, ObservationReply, PredictionReply, RankedLabel

_SAME = (
    "id", "classification_id", "classification_project_id", "linked_collection_id", "resource_id", "deployment_id",
    "captured_at", "is_current", "observation_level", "observation_type", "taxon_id", "label", "sex", "life_stage",
    "behaviour", "count", "individual_id", "external_id", "first_frame_index", "distance_m", "detection_confidence",
    "classification_confidence", "copied_from_id", "matched_to_id",
)  # fmt: skip


def build_reply(
    row: Observation, scientific_name: str | None, predictions: Sequence[Prediction] | None = None
) -> ObservationReply:
    """The reply for an observation; `predictions` of None are not answered."""
    return ObservationReply(
        **{name: getattr(row, name) for name in _SAME},
        classification_type=ClassificationType(row.classification_type),
        scientific_name=scientific_name,
        bbox=_box(row),
        custom_attributes=row.custom_attributes or {},
        tags=row.tags or [],
        predictions=None if predictions is None else [_prediction_reply(prediction) for prediction in predictions],
    )


def _box(row: Observation) -> Box | None:
    if row.bbox_x is None or row.bbox_y is None or row.bbox_width is None or row.bbox_height is None:
        return None
    return row.bbox_x, row.bbox_y, row.bbox_width, row.bbox_height


def _prediction_reply(prediction: Prediction) -> PredictionReply:
    return PredictionReply(
        id=prediction.id,
        algorithm_id=prediction.algorithm_id,
        label=prediction.label,
        taxon_id=prediction.taxon_id,
        score=prediction.score,
        top_k=[RankedLabel.model_validate(label) for label in prediction.top_k],
        terminal=prediction.terminal,
    )
