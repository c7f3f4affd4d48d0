"""RT-DETR: end to end; one output of n x (4 + classes), or boxes of n x 4 beside scores of n x classes.

Boxes are centres and sizes as fractions of the input; class scores are taken as they are when they are confidences,
and through the sigmoid when the export left that out, as the family's own code does. No suppression.
"""

import numpy as np

from ai_worker.inference.predictors.family import (
    MAX_OVERSHOOT,
    Family,
    Raw,
    boxes_from_centres,
    check_confidences,
    rows_of,
)
from ai_worker.inference.types import Boxes, Floats, ModelOutputUnfit, Tensor
from trapper_schemas.v1.models import ModelKind, Thresholds

_LARGEST_FRACTION = 2.0
"""Fractions may reach a little beyond the picture; pixels are far larger."""


def find(raw: Raw) -> Boxes:
    """The best class of every query at or above the floor."""
    places, confidences = _places_and_scores(raw)
    confidences = _as_confidences(confidences)
    check_confidences(confidences)
    scores = confidences.max(axis=1, initial=0)
    chosen = np.flatnonzero(scores >= raw.floor)
    centres = places[chosen].astype(np.float32)
    if not np.abs(places).max(initial=0) > _LARGEST_FRACTION:
        centres = centres * np.asarray([raw.width, raw.height] * 2, np.float32)
    return boxes_from_centres(centres, confidences[chosen].argmax(axis=1), scores[chosen])


def _places_and_scores(raw: Raw) -> tuple[Tensor, Tensor]:
    tables = [output for output in raw.outputs if output.ndim == 2]  # noqa: PLR2004 - queries and their numbers
    for places in tables:
        for scores in tables:
            fits = places.shape[1] == 4 and scores.shape == (places.shape[0], raw.classes)  # noqa: PLR2004 - a box
            if fits and places is not scores:
                return places, scores
    try:
        rows = rows_of(raw, 4 + raw.classes, rows_first=True, reading=f"4 + {raw.classes} classes, as RT-DETR writes")
    except ModelOutputUnfit as problem:
        raise ModelOutputUnfit(f"{problem}, or n x 4 beside n x {raw.classes}") from problem
    return rows[:, :4], rows[:, 4:]


def _as_confidences(scores: Tensor) -> Floats:
    values = scores.astype(np.float32)
    if values.size and (values.min() < 1 - MAX_OVERSHOOT or values.max() > MAX_OVERSHOOT):
        return (1 / (1 + np.exp(-np.clip(values, -80, 80)))).astype(np.float32)
    return values


FAMILY = Family(
    name="rtdetr",
    kind=ModelKind.DETECTION,
    thresholds=Thresholds(typical=0.3, conservative=0.1),
    preprocessing={"resize": "squash"},
    find=find,
    suppresses_itself=True,
)
