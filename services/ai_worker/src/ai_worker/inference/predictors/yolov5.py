"""YOLOv5 (MegaDetector v5, v1000 redwood): n x (5 + classes), objectness times class score, after the sigmoid."""

import numpy as np

from ai_worker.inference.predictors.family import Family, Raw, boxes_from_centres, check_confidences, rows_of
from ai_worker.inference.types import Boxes
from trapper_schemas.v1.models import ModelKind, Thresholds


def find(raw: Raw) -> Boxes:
    """The best class of every candidate at or above the floor."""
    rows = rows_of(raw, 5 + raw.classes, rows_first=True, reading=f"5 + {raw.classes} classes, as YOLOv5 writes")
    check_confidences(rows[:, 4:])
    possible = rows[np.flatnonzero(rows[:, 4] >= raw.floor)].astype(np.float32)
    confidences = possible[:, 5:] * possible[:, 4:5]
    scores = confidences.max(axis=1, initial=0)
    chosen = np.flatnonzero(scores >= raw.floor)
    return boxes_from_centres(possible[chosen], confidences[chosen].argmax(axis=1), scores[chosen])


FAMILY = Family(
    name="yolov5",
    kind=ModelKind.DETECTION,
    thresholds=Thresholds(typical=0.2, conservative=0.05),
    find=find,
)
