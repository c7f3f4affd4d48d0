"""From a detector's raw output to the objects of one picture."""

from collections.abc import Sequence

import numpy as np

from ai_worker.inference.nms import strongest, suppress
from ai_worker.inference.predictors.family import Raw
from ai_worker.inference.predictors.read import read_boxes
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


def raw_of(outputs: Sequence[Tensor], spec: ModelSpec, *, names: Sequence[str], floor: float) -> Raw:
    """The outputs of one picture with what the catalogue says of the model."""
    return Raw(
        outputs,
        classes=len(spec.labels),
        width=spec.preprocessing.width,
        height=spec.preprocessing.height,
        floor=floor,
        names=names,
        layout=spec.layout,
        unit=spec.boxes,
        sigmoid=spec.activation == "sigmoid",
        main=spec.output,
    )


def find_objects(
    outputs: Sequence[Tensor], stage: StageSpec, mapping: Mapping, *, names: Sequence[str] = ()
) -> Detections:
    """Everything at or above the stage's floor that has an observation type, highest score first.

    `names` are those of the outputs, in their order; without them, outputs are told apart by shape alone.
    """
    spec = spec_of(stage)
    boxes, suppressed = read_boxes(raw_of(outputs, spec, names=names, floor=stage.stage.floor), family(spec.predictor))
    named = np.fromiter((label.observation_type is not None for label in spec.labels), dtype=bool)
    boxes = boxes.take(np.flatnonzero(named[boxes.labels]))
    if suppressed:
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
