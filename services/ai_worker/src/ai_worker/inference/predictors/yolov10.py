"""YOLOv10: end to end, n x 6 (corners in input pixels, score, class); no suppression of ours."""

import numpy as np

from ai_worker.inference.predictors.family import Family, Raw, check_confidences, checked, rows_of
from ai_worker.inference.types import Boxes, ModelOutputUnfit
from trapper_schemas.v1.models import ModelKind, Thresholds


def find(raw: Raw) -> Boxes:
    """The model's own boxes at or above the floor."""
    rows = rows_of(raw, 6, rows_first=True, reading="corners, score, class, as YOLOv10 writes")
    check_confidences(rows[:, 4])
    chosen = rows[rows[:, 4] >= raw.floor].astype(np.float32)
    labels = np.rint(chosen[:, 5])
    if labels.size and not (labels.min() >= 0 and labels.max() < raw.classes):  # NaN fails, too
        raise ModelOutputUnfit(f"class {labels.max():g} was seen; expected 0 to {raw.classes - 1}")
    return checked(chosen[:, :4], labels, chosen[:, 4])


FAMILY = Family(
    name="yolov10",
    kind=ModelKind.DETECTION,
    thresholds=Thresholds(typical=0.2, conservative=0.05),
    find=find,
    suppresses_itself=True,
)
