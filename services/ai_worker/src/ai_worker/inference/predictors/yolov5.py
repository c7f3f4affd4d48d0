"""YOLOv5 (MegaDetector v5, v1000 redwood): n x (5 + classes), objectness times class score, after the sigmoid."""

import numpy as np

from ai_worker.inference.predictors.candidates import Candidates, by_objectness
from ai_worker.inference.predictors.family import (
    Family,
    Raw,
    boxes_from_centres,
    check_centres,
    check_unit,
    confidences_of,
    in_pixels,
)
from ai_worker.inference.predictors.suppressed import END_TO_END, NUMBERED, PARTS
from ai_worker.inference.types import Boxes
from trapper_schemas.v1.models import ModelKind, Thresholds

CANDIDATES = Candidates(before=5, rows_first=True, family="YOLOv5")


def _find(raw: Raw) -> Boxes:
    """The best class of every candidate at or above the floor."""
    rows = CANDIDATES.rows(raw)
    check_unit(raw, rows[:, :4], "pixels")
    check_centres(rows[:, :4])
    table = confidences_of(raw, rows[:, 4:])
    chosen, confidences = by_objectness(table, raw.floor)
    centres = in_pixels(raw, rows[chosen, :4].astype(np.float32), "pixels")
    return boxes_from_centres(centres, confidences.argmax(axis=1), confidences.max(axis=1, initial=0))


FAMILY = Family(
    name="yolov5",
    kind=ModelKind.DETECTION,
    thresholds=Thresholds(typical=0.2, conservative=0.05),
    readers=(CANDIDATES.reader(_find), END_TO_END, PARTS, NUMBERED),
)
