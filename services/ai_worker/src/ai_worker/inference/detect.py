"""Reads a detector's raw output into the objects of one picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ai_worker.inference.nms import SAME_BOX, suppress
from ai_worker.inference.predictors.family import Family, Raw
from ai_worker.inference.predictors.read import read_boxes
from ai_worker.inference.predictors.registry import family
from ai_worker.inference.preprocess import Mapping
from ai_worker.inference.types import Detections, ModelOutputUnfit, Tensor
from trapper_schemas.v1.batches import StageSpec
from trapper_schemas.v1.models import ModelSpec, ObjectType


def spec_of(spec: StageSpec) -> ModelSpec:
    """Returns how to run the stage's model; ModelOutputUnfit when the catalogue does not say."""
    if spec.model.spec is None:
        raise ModelOutputUnfit(f"the catalogue does not say how to run {spec.model.name} {spec.model.version}")
    return spec.model.spec


def raw_of(outputs: Sequence[Tensor], spec: ModelSpec, *, names: Sequence[str], floor: float) -> Raw:
    """Returns the outputs of one picture with what the catalogue says of the model."""
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


@dataclass(frozen=True, slots=True)
class Finder:
    """Reads the outputs of one detector; labels are looked up once."""

    spec: ModelSpec
    family: Family
    names: Sequence[str]
    floor: float
    threshold: float
    iou: float
    named: NDArray[np.bool_]
    """For each label, whether it has an observation type."""
    is_animal: NDArray[np.bool_]

    @classmethod
    def of(cls, stage: StageSpec, *, names: Sequence[str] = ()) -> "Finder":
        """Returns a finder; `names` are those of the outputs, without which shapes tell them apart."""
        spec = spec_of(stage)
        types = [label.observation_type for label in spec.labels]
        return cls(
            spec,
            family(spec.predictor),
            names,
            floor=stage.stage.floor,
            threshold=threshold_of(stage),
            iou=spec.nms_iou if stage.stage.nms_iou is None else stage.stage.nms_iou,
            named=np.asarray([kind is not None for kind in types], dtype=bool),
            is_animal=np.asarray([kind is ObjectType.ANIMAL for kind in types], dtype=bool),
        )

    def find(self, outputs: Sequence[Tensor], mapping: Mapping) -> Detections:
        """Returns objects at or above the stage's floor that have an observation type, highest score first."""
        boxes, suppressed = read_boxes(raw_of(outputs, self.spec, names=self.names, floor=self.floor), self.family)
        boxes = boxes.take(np.flatnonzero(self.named[boxes.labels]))
        boxes = suppress(mapping.clip(boxes), iou=SAME_BOX if suppressed else self.iou)
        return Detections(mapping.fractions(boxes), boxes.labels, boxes.scores)

    def animals(self, detections: Detections) -> list[int]:
        """Returns the rows for the later stages: animals at or above the job's threshold."""
        return np.flatnonzero((detections.scores >= self.threshold) & self.is_animal[detections.labels]).tolist()


def find_objects(
    outputs: Sequence[Tensor], stage: StageSpec, mapping: Mapping, *, names: Sequence[str] = ()
) -> Detections:
    """Returns the objects of a single picture; for many use one `Finder`."""
    return Finder.of(stage, names=names).find(outputs, mapping)


def threshold_of(stage: StageSpec) -> float:
    """Returns the job's threshold, or the model's typical one."""
    return spec_of(stage).thresholds.typical if stage.stage.threshold is None else stage.stage.threshold
