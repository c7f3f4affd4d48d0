"""Embeddings: one row of features per crop, for similarity search."""

import numpy as np

from ai_worker.inference.predictors.classifier import HALF_MAX, IMAGENET_MEAN, IMAGENET_STD
from ai_worker.inference.predictors.family import Family
from ai_worker.inference.types import Floats, ModelOutputUnfit, Tensor
from trapper_schemas.v1.models import ModelKind, Thresholds


def read(row: Tensor, dimension: int) -> Floats:
    """Returns the features of one crop, clipped to the range of float16."""
    values = np.asarray(row, dtype=np.float32).reshape(-1)
    if len(values) != dimension:
        raise ModelOutputUnfit(f"the model has {len(values)} features; expected {dimension}")
    if not np.isfinite(values).all():
        raise ModelOutputUnfit("the features have values that are infinite or not numbers")
    return np.clip(values, -HALF_MAX, HALF_MAX)


FAMILY = Family(
    name="embedding",
    kind=ModelKind.EMBEDDING,
    thresholds=Thresholds(typical=0, conservative=0),
    preprocessing={"resize": "squash", "mean": IMAGENET_MEAN, "std": IMAGENET_STD},
    size=224,
)
