"""YOLOv10: end to end, n x 6 (corners in input pixels, score, class); no suppression of ours."""

from ai_worker.inference.predictors.family import Family
from ai_worker.inference.predictors.suppressed import END_TO_END, PARTS
from trapper_schemas.v1.models import ModelKind, Thresholds

FAMILY = Family(
    name="yolov10",
    kind=ModelKind.DETECTION,
    thresholds=Thresholds(typical=0.2, conservative=0.05),
    readers=(END_TO_END, PARTS),
)
