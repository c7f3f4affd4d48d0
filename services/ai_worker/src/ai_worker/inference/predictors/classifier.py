"""Classifiers: one row of numbers per crop, read as probabilities, and features beside it."""

from dataclasses import dataclass

import numpy as np

from ai_worker.inference.predictors.family import Family, check_confidences, sigmoid
from ai_worker.inference.types import Floats, ModelOutputUnfit, Tensor
from trapper_schemas.v1.models import ModelKind, ModelSpec, Thresholds

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
_SMALLEST_PROBABILITY = 1e-8
HALF_MAX = 65504.0
"""The largest number of float16, as which logits and features travel."""


@dataclass(frozen=True, slots=True)
class Probabilities:
    """Probabilities and logits of one crop."""

    probabilities: Floats
    logits: Floats


def read(row: Tensor, spec: ModelSpec) -> Probabilities:
    """Returns probabilities and logits of one crop; logarithms replace logits where the file has none."""
    values = np.asarray(row, dtype=np.float32).reshape(-1)
    if len(values) != len(spec.labels):
        raise ModelOutputUnfit(
            f"The model has {len(values)} classes; the label file has {len(spec.labels)} labels. "
            "Give one label per class, in class order"
        )
    if not np.isfinite(values).all():
        raise ModelOutputUnfit("the output has values that are infinite or not numbers")
    if spec.activation == "softmax":
        powers = np.exp(values - values.max())
        return Probabilities(powers / powers.sum(), np.clip(values, -HALF_MAX, HALF_MAX))
    if spec.activation == "sigmoid":
        return Probabilities(sigmoid(values), np.clip(values, -HALF_MAX, HALF_MAX))
    check_confidences(values, ". If they are logits, say so: --activation softmax")
    probabilities = np.clip(values, 0, 1)
    return Probabilities(probabilities, np.log(np.maximum(probabilities, _SMALLEST_PROBABILITY)))


def top(probabilities: Floats, count: int) -> tuple[Tensor, Floats]:
    """Returns the best labels and their scores, ties in label order."""
    order = np.argsort(-probabilities, kind="stable")[:count]
    return order, probabilities[order]


FAMILY = Family(
    name="classifier",
    kind=ModelKind.CLASSIFICATION,
    thresholds=Thresholds(typical=0.5, conservative=0.2),
    preprocessing={"resize": "squash", "mean": IMAGENET_MEAN, "std": IMAGENET_STD},
    size=224,
)
