"""From a detector's raw output to the objects of one picture."""

from collections.abc import Sequence

import numpy as np

from ai_worker.inference.nms import strongest, suppress
from ai_worker.inference.predictors.family import Raw
from ai_worker.inference.predictors.registry import family
from ai_worker.inference.preprocess import Mapping
from ai_worker.inference.types import Detections, ModelOutputUnfit, Tensor
from trapper_schemas.v1.batches import StageSpec
from trapper_schemas.v1.models import ModelSpec, ObservationType


def spec_of(spec: StageSpec) -> ModelSpec:
    """How to run the stage's model; ModelOutputUnfit when the catalogue does not say."""
    if spec.model.spec is None:
        raise ModelOutputUnfit(f"the catalogue does not say how to run {spec.model.name} {spec.model.version}")
    return spec.model.spec


def find_objects(outputs: Sequence[Tensor], stage: StageSpec, mapping: Mapping) -> Detections:
    """Everything at or above the stage's floor that has an observation type, highest score first."""
    spec = spec_of(stage)
    how = spec.preprocessing
    predictor = family(spec.predictor)
    if predictor.find is None:
        raise ModelOutputUnfit(f"the predictor {spec.predictor!r} finds no objects")
    raw = Raw(outputs, len(spec.labels), how.width, how.height, stage.stage.floor)
    boxes = predictor.find(raw)
    named = np.fromiter((label.observation_type is not None for label in spec.labels), dtype=bool)
    boxes = boxes.take(np.flatnonzero(named[boxes.labels]))
    if predictor.suppresses_itself:
        boxes = strongest(boxes)
    else:
        iou = spec.nms_iou if stage.stage.nms_iou is None else stage.stage.nms_iou
        boxes = suppress(boxes, iou=iou)
    fractions = mapping.fractions(boxes)
    inside = np.flatnonzero((fractions[:, 2] > 0) & (fractions[:, 3] > 0))
    return Detections(fractions[inside], boxes.labels[inside], boxes.scores[inside])


def animals(found: Detections, stage: StageSpec) -> list[int]:
    """The rows that the later stages look at: animals at or above the job's threshold."""
    labels = spec_of(stage).labels
    threshold = threshold_of(stage)
    return [
        row
        for row, (label, score) in enumerate(zip(found.labels, found.scores, strict=True))
        if score >= threshold and labels[label].observation_type is ObservationType.ANIMAL
    ]


def threshold_of(stage: StageSpec) -> float:
    """The job's own, or else the model's typical one."""
    return spec_of(stage).thresholds.typical if stage.stage.threshold is None else stage.stage.threshold
