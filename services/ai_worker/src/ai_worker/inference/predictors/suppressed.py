"""Outputs of graphs with built-in suppression: a table of corners, score and class, or the same in parts."""

import numpy as np

from ai_worker.inference.predictors.family import (
    LayoutUnclear,
    Raw,
    Reader,
    UnitDiffers,
    boxes_from_centres,
    check_confidences,
    check_unit,
    checked,
    in_pixels,
    tables,
    the_only,
)
from ai_worker.inference.types import Boxes, Floats, ModelOutputUnfit, Tensor

COLUMNS = 6
_CORNERS = 4
_NUMBERED = (1, 2, 3, 4, 6, 5)
"""Of picture, corners, class, score: where corners, score, class stand."""
_WHOLE = 0.01
_TURNED = 1e-3
_BEYOND = 0.25
"""How far a fraction may lie outside the picture."""
_SLACK = 1.0
"""Pixels by which rounding may turn a box over."""
_LABEL_WORDS = ("label", "class", "cls", "categor")
_SCORE_WORDS = ("score", "conf", "prob")
_COUNT_WORDS = ("num", "count", "valid")
_NOTHING = -1
"""What exporters fill the places of objects that are not there with."""


def table_of(raw: Raw) -> Tensor:
    """Returns the table of corners, score and class, also from a single row."""
    return the_only(_tables_of_six(raw) or _tables_of_seven(raw))


def looks_suppressed(rows: Tensor, classes: int) -> bool | None:
    """Returns whether every row reads as corners, score, class; None without rows above zero."""
    rows = rows[np.any(rows != 0, axis=1) & (rows[:, 4] != _NOTHING)].astype(np.float32)
    if not len(rows):
        return None
    whole = np.abs(rows[:, 5] - np.rint(rows[:, 5])).max() < _WHOLE
    in_range = rows[:, 5].min() >= _NOTHING and np.rint(rows[:, 5]).max() < classes
    forward = (rows[:, 2:4] - rows[:, :2]).min() >= -_TURNED * np.abs(rows[:, :4]).max()
    return bool(whole and in_range and forward)


def looks_ranked(rows: Tensor, classes: int) -> bool | None:
    """Returns whether every row reads as relative centre and size, score, class; None without such rows."""
    rows = rows[np.any(rows != 0, axis=1) & (rows[:, 4] != _NOTHING)].astype(np.float32)
    if not len(rows):
        return None
    whole = np.abs(rows[:, 5] - np.rint(rows[:, 5])).max() < _WHOLE
    in_range = rows[:, 5].min() >= 0 and np.rint(rows[:, 5]).max() < classes
    return bool(whole and in_range and rows[:, :4].min() >= -_BEYOND and rows[:, :4].max() <= 1 + _BEYOND)


def _tables_of_six(raw: Raw) -> list[tuple[str, Tensor]]:
    wide = [(name, table[:, :COLUMNS]) for name, table in tables(raw) if table.shape[1] in _widths(raw)]
    single = [(name, output[None]) for name, output in raw.named() if output.shape == (COLUMNS,)]
    return wide or single


def _tables_of_seven(raw: Raw) -> list[tuple[str, Tensor]]:
    """Returns tables that begin with the number of the picture and hold only objects."""
    wide = len(_NUMBERED) + 1
    named = [(name, table) for name, table in tables(raw) if table.shape[1] == wide]
    named = named or [(name, output[None]) for name, output in raw.named() if output.shape == (wide,)]
    return [(name, table[:, _NUMBERED]) for name, table in named if not table[:, 0].any() and table[:, -1].all()]


def _widths(raw: Raw) -> set[int]:
    masks = next((int(output.shape[0]) for output in raw.outputs if output.ndim == 3), 0)  # noqa: PLR2004 - masks
    return {COLUMNS, COLUMNS + masks}


def _read_table(raw: Raw) -> Boxes:
    rows = table_of(raw)
    return _boxes(raw, rows[:, :4], rows[:, 4], rows[:, 5])


def _read_ranked(raw: Raw) -> Boxes:
    rows = table_of(raw)
    check_confidences(np.where(rows[:, 4] == _NOTHING, 0, rows[:, 4]))
    check_unit(raw, rows[:, :4], "fractions")
    chosen = rows[rows[:, 4] >= raw.floor].astype(np.float32)
    _check_labels(chosen[:, 5], raw.classes)
    centres = in_pixels(raw, chosen[:, :4], "fractions")
    return boxes_from_centres(centres, np.rint(chosen[:, 5]), chosen[:, 4])


def _read_parts(raw: Raw) -> Boxes:
    corners, scores, labels, count = _parts(raw)
    return _boxes(raw, corners[:count], scores[:count], labels[:count])


def _boxes(raw: Raw, corners: Tensor, scores: Tensor, labels: Tensor) -> Boxes:
    scores = np.where(scores == _NOTHING, 0, scores)
    check_confidences(scores)
    chosen = np.flatnonzero(scores >= raw.floor)
    places, classes = corners[chosen].astype(np.float32), labels[chosen].astype(np.float32)
    _check_labels(classes, raw.classes)
    if len(places) and raw.unit != "fractions" and 0 < np.abs(places).max() <= _SLACK:
        raise UnitDiffers(
            f"no place beyond {np.abs(places).max():.3g} was seen; expected pixels up to {max(raw.width, raw.height)}. "
            "If they are fractions of the input, say so: --boxes fractions"
        )
    places = in_pixels(raw, places, "pixels")
    if len(places) and (places[:, 2:] - places[:, :2]).min() < -_SLACK:
        raise ModelOutputUnfit("a box ends before it begins; expected corners: left, top, right, bottom")
    return checked(places, np.rint(classes), scores[chosen])


def _check_labels(labels: Floats, classes: int) -> None:
    if not labels.size:
        return
    if not (labels.min() >= 0 and np.rint(labels.max()) < classes):  # NaN fails, too
        shown = labels.max() if labels.min() >= 0 else labels.min()
        raise ModelOutputUnfit(
            f"class {shown:g} was seen; expected 0 to {classes - 1}, for {classes} label{'s' * (classes != 1)}"
        )
    if np.abs(labels - np.rint(labels)).max() > _WHOLE:
        raise ModelOutputUnfit("a class that is no whole number was seen; expected corners, score, class")


def _parts(raw: Raw) -> tuple[Tensor, Tensor, Tensor, int | None]:
    """Returns corners, scores, labels and the number of valid rows."""
    boxes = _boxes_among(raw)
    if boxes is None:
        raise ModelOutputUnfit(f"outputs {raw.seen()}; expected {_expected_parts(raw)}")
    name, corners = boxes
    vectors = [
        (output_name, output.reshape(-1))
        for output_name, output in raw.named()
        if output_name != name and _is_vector(output)
    ]
    count = _count_among(vectors, len(corners))
    vectors = [vector for vector in vectors if vector[1].size == len(corners) and vector is not count]
    if corners.shape[1] > _CORNERS:
        vectors.append(("scores", corners[:, _CORNERS]))
    scores, labels = _roles(vectors)
    counted = None if count is None else max(0, min(int(count[1][0]), len(corners)))
    return corners[:, :_CORNERS], scores, labels, counted


def _fits_parts(raw: Raw) -> bool:
    boxes = _boxes_among(raw)
    if boxes is None:
        return False
    name, corners = boxes
    sizes = [output.size for output_name, output in raw.named() if output_name != name and _is_vector(output)]
    return sizes.count(len(corners)) >= (2 if corners.shape[1] == _CORNERS else 1)


def _boxes_among(raw: Raw) -> tuple[str, Tensor] | None:
    """Returns the only output with four numbers, or four and a score, per object."""
    pairs = [pair for pair in tables(raw) if pair[1].shape[1] in (_CORNERS, _CORNERS + 1)]
    if not pairs:  # a single object, where the file has no axis for pictures
        pairs = [(name, output[None]) for name, output in raw.named() if output.ndim == 1 and output.size == _CORNERS]
    return pairs[0] if len(pairs) == 1 else None


def _is_vector(output: Tensor) -> bool:
    return sum(side != 1 for side in output.shape) <= 1


def _count_among(vectors: list[tuple[str, Tensor]], objects: int) -> tuple[str, Tensor] | None:
    for vector in vectors:
        name, values = vector
        named_as_count = any(word in name.lower() for word in _COUNT_WORDS)
        if values.size == 1 and (named_as_count or (objects != 1 and np.issubdtype(values.dtype, np.integer))):
            return vector
    return None


def _roles(vectors: list[tuple[str, Tensor]]) -> tuple[Tensor, Tensor]:
    """Returns which vectors are scores and which are labels, by name and type."""
    labels = [vector for vector in vectors if _are_labels(*vector)]
    scores = [vector for vector in vectors if not _are_labels(*vector)]
    if len(labels) != 1 or len(scores) != 1:
        names = ", ".join(name for name, _ in vectors)
        raise LayoutUnclear(
            f"which of the outputs {names} are scores and which are classes is told neither by their names nor by "
            "their types; export them under names with `scores` and `labels`"
        )
    return scores[0][1], labels[0][1]


def _are_labels(name: str, values: Tensor) -> bool:
    if np.issubdtype(values.dtype, np.integer):
        return True
    lowered = name.lower()
    return any(word in lowered for word in _LABEL_WORDS) and not any(word in lowered for word in _SCORE_WORDS)


def _expected_table(_: Raw) -> str:
    return "n x 6 (corners, score, class, suppressed in the graph)"


def _expected_parts(_: Raw) -> str:
    return "n x 4 beside n scores and n classes (suppressed in the graph)"


END_TO_END = Reader(
    layout="end-to-end",
    expected=_expected_table,
    fits=lambda raw: bool(_tables_of_six(raw)),
    read=_read_table,
    final=True,
)
NUMBERED = Reader(
    layout="end-to-end",
    expected=lambda _: "n x 7 (picture, corners, class, score, as YOLOv7 writes)",
    fits=lambda raw: bool(_tables_of_seven(raw)),
    read=_read_table,
    final=True,
    last=True,
)
RANKED = Reader(
    layout="ranked",
    expected=lambda _: "n x 6 (centre, size, score, class, as Ultralytics writes RT-DETR)",
    fits=lambda raw: bool(_tables_of_six(raw)),
    read=_read_ranked,
    unit="fractions",
    final=True,
)
PARTS = Reader(layout="parts", expected=_expected_parts, fits=_fits_parts, read=_read_parts, final=True)
