"""NanoDet-Plus: n x (classes + 4 x bins); class scores after the sigmoid, box sides as distributions over bins.

Cells lie on grids of strides 8, 16, 32, 64 with their corners as centres; a side's distance is the mean of its
distribution, in strides.
"""

from functools import lru_cache

import numpy as np

from ai_worker.inference.predictors.family import Family, Raw, Reader, checked, confidences_of, tables, the_only
from ai_worker.inference.types import Boxes, Floats, ModelOutputUnfit, Tensor
from trapper_schemas.v1.models import ModelKind, Thresholds

_STRIDES = ((8, 16, 32, 64), (8, 16, 32))
_SIDES = 4
_BINS = 8
"""Of every published NanoDet-Plus; another number could as well mean that labels are missing."""


def _find(raw: Raw) -> Boxes:
    """The best class of every cell at or above the floor."""
    rows = the_only(_fitting(raw))
    cells, strides = _grid(raw.width, raw.height, rows.shape[0])
    confidences = confidences_of(raw, rows[:, : raw.classes]).astype(np.float32)
    scores = confidences.max(axis=1, initial=0)
    chosen = np.flatnonzero(scores >= raw.floor)
    sides = rows[chosen, raw.classes :].astype(np.float32).reshape(-1, _SIDES, _BINS)
    powers = np.exp(sides - sides.max(axis=2, keepdims=True))
    weights = powers / powers.sum(axis=2, keepdims=True)
    distances = (weights * np.arange(_BINS, dtype=np.float32)).sum(axis=2) * strides[chosen, None]
    centres = cells[chosen] * strides[chosen, None]
    corners = np.concatenate([centres - distances[:, :2], centres + distances[:, 2:]], axis=1)
    limits = np.asarray([raw.width, raw.height] * 2, np.float32)
    return checked(np.clip(corners, 0, limits), confidences[chosen].argmax(axis=1), scores[chosen])


def _split(raw: Raw) -> tuple[Tensor, Tensor]:
    rows = the_only(_fitting(raw))
    return rows[:, raw.classes :], rows[:, : raw.classes]


def _fitting(raw: Raw) -> list[tuple[str, Tensor]]:
    columns = raw.classes + _SIDES * _BINS
    return [
        (name, table if table.shape[1] == columns else table.T) for name, table in tables(raw) if columns in table.shape
    ]


def _expected(raw: Raw) -> str:
    return f"n x {raw.classes + _SIDES * _BINS} ({raw.classes} classes + 4 x {_BINS} bins, as NanoDet-Plus writes)"


@lru_cache(maxsize=16)
def _grid(width: int, height: int, rows: int) -> tuple[Floats, Floats]:
    for strides in _STRIDES:
        sides = [(-(-width // stride), -(-height // stride)) for stride in strides]
        if sum(across * down for across, down in sides) == rows:
            cells = [
                np.stack(np.meshgrid(np.arange(across), np.arange(down)), axis=-1).reshape(-1, 2)
                for across, down in sides
            ]
            stride_of = [np.full(across * down, stride) for stride, (across, down) in zip(strides, sides, strict=True)]
            return np.concatenate(cells).astype(np.float32), np.concatenate(stride_of).astype(np.float32)
    raise ModelOutputUnfit(f"{rows} cells were seen; a NanoDet of {width} x {height} has other numbers of them")


FAMILY = Family(
    name="nanodet",
    kind=ModelKind.DETECTION,
    thresholds=Thresholds(typical=0.35, conservative=0.1),
    preprocessing={
        "channels": "bgr",
        "scale": 1.0,
        "mean": (103.53, 116.28, 123.675),
        "std": (57.375, 57.12, 58.395),
        "resize": "squash",
    },
    size=416,
    readers=(Reader("candidates", _expected, lambda raw: bool(_fitting(raw)), _find, split=_split),),
    nms_iou=0.6,
)
