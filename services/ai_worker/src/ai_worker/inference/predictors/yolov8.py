"""YOLOv8, v9 and v11: (4 + classes) x n, centre boxes in input pixels, class scores after the sigmoid."""

import numpy as np

from ai_worker.inference.predictors.candidates import Candidates
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

CANDIDATES = Candidates(before=4, rows_first=False, family="YOLOv8")


def _find(raw: Raw) -> Boxes:
    """The best class of every candidate at or above the floor."""
    table = CANDIDATES.rows(raw).T  # classes as long rows, which is how most files lie in memory
    check_unit(raw, table[:4], "pixels")
    check_centres(table[:4].T)
    confidences = confidences_of(raw, table[4:])
    chosen = np.flatnonzero(confidences.max(axis=0) >= raw.floor)
    kept = confidences[:, chosen].astype(np.float32)
    centres = in_pixels(raw, table[:4, chosen].astype(np.float32).T, "pixels")
    return boxes_from_centres(centres, kept.argmax(axis=0), kept.max(axis=0, initial=0))


FAMILY = Family(
    name="yolov8",
    kind=ModelKind.DETECTION,
    thresholds=Thresholds(typical=0.25, conservative=0.1),
    readers=(CANDIDATES.reader(_find), END_TO_END, PARTS, NUMBERED),
)
