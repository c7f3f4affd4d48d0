"""Depth maps: one relative number per place of the picture, larger where it is nearer."""

from collections.abc import Sequence

import numpy as np

from ai_worker.inference.predictors.classifier import IMAGENET_MEAN, IMAGENET_STD
from ai_worker.inference.predictors.family import Family
from ai_worker.inference.types import Floats, ModelOutputUnfit, Tensor
from trapper_schemas.v1.models import ModelKind, Thresholds

_SIDES = 2
_SMALLEST_SIDE = 8
"""A map that is coarser tells nothing about the objects of a picture."""


def read(outputs: Sequence[Tensor], names: Sequence[str], main: str | None) -> tuple[str, Floats]:
    """Returns the map as (rows, columns) and the name of the only output that can be one."""
    maps = [
        (name, np.squeeze(np.asarray(output, dtype=np.float32)))
        for name, output in zip(names, outputs, strict=True)
        if main in {None, name} and _is_map(output)
    ]
    if len(maps) != 1:
        seen = ", ".join(
            f"{name} {'x'.join(map(str, output.shape))}" for name, output in zip(names, outputs, strict=True)
        )
        raise ModelOutputUnfit(f"outputs {seen}; expected one map with a number for each place of the picture")
    name, values = maps[0]
    if not np.isfinite(values).all():
        raise ModelOutputUnfit("the map has values that are infinite or not numbers")
    return name, values


def _is_map(output: Tensor) -> bool:
    sides = [side for side in output.shape if side != 1]
    return len(sides) == _SIDES and min(sides) >= _SMALLEST_SIDE and np.issubdtype(output.dtype, np.floating)


FAMILY = Family(
    name="depth",
    kind=ModelKind.DEPTH,
    thresholds=Thresholds(typical=0, conservative=0),
    preprocessing={"resize": "squash", "interpolation": "bicubic", "mean": IMAGENET_MEAN, "std": IMAGENET_STD},
    size=518,
)
