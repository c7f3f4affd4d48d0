"""Families that this Worker can run, by the name in the catalogue."""

from ai_worker.inference.predictors import (
    classifier,
    depth,
    embedding,
    nanodet,
    rtdetr,
    yolov5,
    yolov8,
    yolov10,
    yolox,
)
from ai_worker.inference.predictors.family import Family
from ai_worker.inference.types import ModelOutputUnfit

FAMILIES: dict[str, Family] = {
    module.FAMILY.name: module.FAMILY
    for module in (yolov5, yolov8, yolov10, yolox, rtdetr, nanodet, classifier, embedding, depth)
}


def family(name: str) -> Family:
    """Returns the family of this name; ModelOutputUnfit lists the known ones."""
    if name not in FAMILIES:
        raise ModelOutputUnfit(f"the predictor {name!r} is not known here; known are {', '.join(sorted(FAMILIES))}")
    return FAMILIES[name]
