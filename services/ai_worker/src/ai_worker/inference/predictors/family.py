"""What a family of models is: how its files are usually fed, and how its raw output becomes boxes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ai_worker.inference.types import Boxes, Floats, ModelOutputUnfit, Tensor
from trapper_schemas.v1.models import ModelKind, Thresholds

MAX_OVERSHOOT = 1.01
"""Rounding in half precision may lift a confidence a little above 1; more is no confidence."""


@dataclass(frozen=True, slots=True)
class Raw:
    """The outputs of one picture, without the batch axis, and what the predictor must know to read them."""

    outputs: Sequence[Tensor]
    classes: int
    width: int
    height: int
    floor: float


@dataclass(frozen=True, slots=True)
class Family:
    """One entry of the registry; `find` is None for classifiers and embeddings, which have no boxes."""

    name: str
    kind: ModelKind
    thresholds: Thresholds
    preprocessing: Mapping[str, Any] = field(default_factory=dict[str, Any])
    size: int = 640
    find: Callable[[Raw], Boxes] | None = None
    suppresses_itself: bool = False
    nms_iou: float = 0.45


def rows_of(raw: Raw, columns: int, *, rows_first: bool, reading: str) -> Tensor:
    """The output with `columns` numbers per candidate as (candidates, columns), wherever and however it lies.

    When both sides have that length, `rows_first` says how the family writes it.
    """
    best: Tensor | None = None
    for output in raw.outputs:
        array = output
        if array.ndim != 2:  # noqa: PLR2004 - candidates and their numbers
            continue
        fits_rows, fits_columns = array.shape[1] == columns, array.shape[0] == columns
        if fits_rows and (rows_first or not fits_columns):
            candidate = array
        elif fits_columns:
            candidate = array.T
        else:
            continue
        if best is None or candidate.shape[0] > best.shape[0]:
            best = candidate
    if best is None:
        seen = ", ".join("x".join(map(str, output.shape)) for output in raw.outputs) or "nothing"
        raise ModelOutputUnfit(
            f"the output of one picture is {seen}; expected n x {columns} or {columns} x n ({reading})"
        )
    return best


def boxes_from_centres(centres: Floats, labels: Tensor, scores: Floats) -> Boxes:
    """Checked boxes out of centre x, centre y, width, height."""
    half = centres[:, 2:4] / 2
    corners = np.concatenate([centres[:, :2] - half, centres[:, :2] + half], axis=1)
    return checked(corners.astype(np.float32), labels, scores)


def checked(corners: Floats, labels: Tensor, scores: Floats) -> Boxes:
    """Boxes whose numbers are numbers and whose scores are confidences."""
    if not np.isfinite(corners).all():
        raise ModelOutputUnfit("the output has boxes that are infinite or not numbers")
    return Boxes(corners.astype(np.float32), labels.astype(np.int64), np.minimum(scores, 1).astype(np.float32))


def check_confidences(scores: Tensor) -> None:
    """Every confidence, kept or not, must be a number from 0 to 1."""
    if not scores.size:
        return
    lowest, highest = float(scores.min()), float(scores.max())  # NaN passes through both
    if np.isnan(lowest) or np.isnan(highest):
        raise ModelOutputUnfit("the output has values that are not numbers")
    if lowest < 1 - MAX_OVERSHOOT or highest > MAX_OVERSHOOT:
        raise ModelOutputUnfit(f"confidences from {lowest:.3g} to {highest:.3g} were seen; expected 0 to 1")
