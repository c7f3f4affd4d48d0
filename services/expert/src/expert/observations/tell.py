"""An observation as callers are told it, in lists and inside its classification."""

from expert.observations.models import Observation, Prediction
from expert.observations.state import ObservationTold, PredictionTold

_SAME = (
    "id", "classification_id", "classification_type", "classification_project_id", "linked_collection_id",
    "resource_id", "deployment_id", "captured_at", "is_current", "taxon_id", "label", "behaviour", "count",
    "individual_id", "first_frame_index", "distance_m", "detection_confidence", "classification_confidence",
    "copied_from_id", "matched_to_id",
)  # fmt: skip


def tell(row: Observation, scientific_name: str | None, predictions: list[Prediction] | None = None) -> ObservationTold:
    """The row in words of the API."""
    corners = (row.bbox_x, row.bbox_y, row.bbox_width, row.bbox_height)
    return ObservationTold(
        **{name: getattr(row, name) for name in _SAME},
        observation_level=row.observation_level.value,
        observation_type=row.observation_type.value,
        sex=row.sex and row.sex.value,
        life_stage=row.life_stage and row.life_stage.value,
        scientific_name=scientific_name,
        bbox=[corner for corner in corners if corner is not None] or None,
        custom_attributes=row.custom_attributes or {},
        tags=row.tags or [],
        predictions=None if predictions is None else [_tell_prediction(one) for one in predictions],
    )


def _tell_prediction(one: Prediction) -> PredictionTold:
    return PredictionTold(
        id=one.id,
        algorithm_id=one.algorithm_id,
        label=one.label,
        taxon_id=one.taxon_id,
        score=one.score,
        top_k=one.top_k,
        terminal=one.terminal,
    )
