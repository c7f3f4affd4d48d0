"""An observation as it is answered, in lists and inside its classification."""

from collections.abc import Sequence

from expert.observations.models import Observation, Prediction
from expert.observations.state import ClassificationType, ObservationReply, PredictionReply

_SAME = (
    "id", "classification_id", "classification_project_id", "linked_collection_id", "resource_id", "deployment_id",
    "captured_at", "is_current", "observation_level", "observation_type", "taxon_id", "label", "sex", "life_stage",
    "behaviour", "count", "individual_id", "first_frame_index", "distance_m", "detection_confidence",
    "classification_confidence", "copied_from_id", "matched_to_id",
)  # fmt: skip


def build_reply(
    row: Observation, scientific_name: str | None, predictions: Sequence[Prediction] | None = None
) -> ObservationReply:
    """The reply for an observation; `predictions` of None are not answered."""
    corners = (row.bbox_x, row.bbox_y, row.bbox_width, row.bbox_height)
    return ObservationReply(
        **{name: getattr(row, name) for name in _SAME},
        classification_type=ClassificationType(row.classification_type),
        scientific_name=scientific_name,
        bbox=[corner for corner in corners if corner is not None] or None,
        custom_attributes=row.custom_attributes or {},
        tags=row.tags or [],
        predictions=None if predictions is None else [_prediction_reply(prediction) for prediction in predictions],
    )


def _prediction_reply(prediction: Prediction) -> PredictionReply:
    return PredictionReply(
        id=prediction.id,
        algorithm_id=prediction.algorithm_id,
        label=prediction.label,
        taxon_id=prediction.taxon_id,
        score=prediction.score,
        top_k=prediction.top_k,
        terminal=prediction.terminal,
    )
