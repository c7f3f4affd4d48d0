"""YOLOX: n x (5 + classes) on a grid of strides 8, 16, 32; offsets and log sizes unless the file decodes them."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ai_worker.inference.predictors.candidates import Candidates, by_objectness
from ai_worker.inference.predictors.family import Family, Raw, boxes_from_centres, confidences_of
from ai_worker.inference.predictors.suppressed import END_TO_END, PARTS
from ai_worker.inference.types import Boxes, Floats, ModelOutputUnfit
from trapper_schemas.v1.models import ModelKind, Thresholds

CANDIDATES = Candidates(before=5, rows_first=True, family="YOLOX")
_STRIDES = ((8, 16, 32), (8, 16, 32, 64))
_LARGEST_LOG_SIDE = 12.0  # e^12 strides are beyond every picture; keeps exp finite
_CLEARLY = 1.5
"""How much better one reading of the centres must be than the other."""


def _find(raw: Raw) -> Boxes:
    """The best class of every cell at or above the floor, decoded here when the file left that to us."""
    rows = CANDIDATES.rows(raw)
    cells, strides = _grid(raw.width, raw.height, rows.shape[0])
    table = confidences_of(raw, rows[:, 4:])
    decoded = _is_decoded(rows[:, :2], cells, strides)
    chosen, confidences = by_objectness(table, raw.floor)
    centres = rows[chosen, :4].astype(np.float32)
    if not decoded:
        stride = strides[chosen, None]
        centres[:, :2] = (centres[:, :2] + cells[chosen]) * stride
        centres[:, 2:] = np.exp(np.minimum(centres[:, 2:], _LARGEST_LOG_SIDE)) * stride
    return boxes_from_centres(centres, confidences.argmax(axis=1), confidences.max(axis=1, initial=0))


def _is_decoded(centres: NDArray[np.generic], cells: Floats, strides: Floats) -> bool:
    """Whether centres are pixels already: a cell's box lies near the cell, and a raw offset is near 0."""
    centres = centres.astype(np.float32)
    as_pixels = np.median(np.abs(centres / strides[:, None] - cells))
    as_offsets = np.median(np.abs(centres))
    if max(as_pixels, as_offsets) < _CLEARLY * min(as_pixels, as_offsets):
        raise ModelOutputUnfit(
            "centres lie neither near 0, as offsets do, nor near their cells, as pixels do; expected one of them"
        )
    return bool(as_pixels < as_offsets)


@lru_cache(maxsize=16)
def _grid(width: int, height: int, rows: int) -> tuple[Floats, Floats]:
    for strides in _STRIDES:
        sides = [(width // stride, height // stride) for stride in strides]
        if sum(across * down for across, down in sides) == rows:
            break
    else:
        expected = " or ".join(
            str(sum((width // stride) * (height // stride) for stride in strides)) for strides in _STRIDES
        )
        raise ModelOutputUnfit(f"{rows} cells were seen; a YOLOX of {width} x {height} has {expected}")
    cells = [
        np.stack(np.meshgrid(np.arange(across), np.arange(down)), axis=-1).reshape(-1, 2) for across, down in sides
    ]
    stride_of = [np.full(across * down, stride) for stride, (across, down) in zip(strides, sides, strict=True)]
    return np.concatenate(cells).astype(np.float32), np.concatenate(stride_of).astype(np.float32)


FAMILY = Family(
    name="yolox",
    kind=ModelKind.DETECTION,
    thresholds=Thresholds(typical=0.3, conservative=0.1),
    preprocessing={"resize": "letterbox-top-left", "channels": "bgr", "scale": 1.0, "pad_value": 114},
    readers=(CANDIDATES.reader(_find), END_TO_END, PARTS),
)
