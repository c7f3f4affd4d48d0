"""YOLOv8, v9 and v11: (4 + classes) x n, centre boxes in input pixels, class scores after the sigmoid."""

import numpy as np

from ai_worker.inference.predictors.family import Family, Raw, boxes_from_centres, check_confidences, rows_of
from ai_worker.inference.types import Boxes
from trapper_schemas.v1.models import ModelKind, Thresholds


def find(raw: Raw) -> Boxes:
    """The best class of every candidate at or above the floor."""
    rows = rows_of(raw, 4 + raw.classes, rows_first=False, reading=f"4 + {raw.classes} classes, as YOLOv8 writes")
    table = rows.T  # classes as long rows, which is how most files lie in memory
    confidences = table[4:]
    check_confidences(confidences)
    chosen = np.flatnonzero(confidences.max(axis=0) >= raw.floor)
    candidates = table[:, chosen].astype(np.float32)
    labels = candidates[4:].argmax(axis=0)
    return boxes_from_centres(candidates[:4].T, labels, candidates[4:].max(axis=0, initial=0))


FAMILY = Family(
    name="yolov8",
    kind=ModelKind.DETECTION,
    thresholds=Thresholds(typical=0.25, conservative=0.1),
    find=find,
)
