"""RT-DETR: n x (4 + classes), or boxes of n x 4 beside n x classes, or labels, boxes and scores, or its best as n x 6.

Boxes are centres and sizes as fractions of the input, but corners in pixels where the graph ends in the family's own
postprocessing (labels, boxes, scores). Class scores are confidences, or logits where the export left the sigmoid out,
which registration finds out. No suppression.
"""

import numpy as np

from ai_worker.inference.predictors.candidates import Candidates
from ai_worker.inference.predictors.family import (
    Family,
    LayoutUnclear,
    Raw,
    Reader,
    boxes_from_centres,
    check_centres,
    check_unit,
    confidences_of,
    in_pixels,
    tables,
)
from ai_worker.inference.predictors.suppressed import END_TO_END, PARTS, RANKED
from ai_worker.inference.types import Boxes, Tensor
from trapper_schemas.v1.models import ModelKind, Thresholds

JOINED = Candidates(before=4, rows_first=True, family="RT-DETR")
_BOX = 4
_BOX_WORDS = ("box", "dets")
_MAIN_NAMES = frozenset({"pred_boxes", "pred_logits", "boxes", "logits", "scores", "dets", "labels"})


def _find(raw: Raw) -> Boxes:
    """The best class of every query at or above the floor."""
    places, values = _places_and_scores(raw)
    check_unit(raw, places, "fractions")
    if raw.unit == "pixels":  # nothing that was published writes so, and other families write corners
        check_centres(places)
    confidences = confidences_of(raw, values)
    scores = confidences.max(axis=1, initial=0)
    chosen = np.flatnonzero(scores >= raw.floor)
    centres = in_pixels(raw, places[chosen].astype(np.float32), "fractions")
    return boxes_from_centres(centres, confidences[chosen].argmax(axis=1), scores[chosen].astype(np.float32))


def _places_and_scores(raw: Raw) -> tuple[Tensor, Tensor]:
    pairs = _pairs(raw)
    if len(pairs) > 1:  # a decoder's earlier layers beside its last one
        pairs = [pair for pair in pairs if {pair[0].lower(), pair[2].lower()} <= _MAIN_NAMES]
        if len(pairs) != 1:
            raise LayoutUnclear(f"outputs {raw.seen()}; several could be boxes and scores: export only one of each")
    if pairs:
        return pairs[0][1], pairs[0][3]
    rows = JOINED.rows(raw)
    return rows[:, :_BOX], rows[:, _BOX:]


def _pairs(raw: Raw) -> list[tuple[str, Tensor, str, Tensor]]:
    """Every two outputs that could be boxes and scores; with four classes only their names tell."""
    pairs: list[tuple[str, Tensor, str, Tensor]] = []
    for place, places in tables(raw):
        for score, scores in tables(raw):
            if place == score or places.shape[1] != _BOX or scores.shape != (len(places), raw.classes):
                continue
            if raw.classes == _BOX and not (_is_box(place) and not _is_box(score)):
                continue
            pairs.append((place, places, score, scores))
    return pairs


def _is_box(name: str) -> bool:
    return any(word in name.lower() for word in _BOX_WORDS)


def _fits(raw: Raw) -> bool:
    return bool(_pairs(raw)) or JOINED.fits(raw)


def _expected(raw: Raw) -> str:
    return f"{JOINED.expected(raw)}, or n x 4 beside n x {raw.classes}"


def _classes_in(raw: Raw) -> int | None:
    shapes = [table.shape for _, table in tables(raw)]
    beside = [shape[1] for shape in shapes if (shape[0], _BOX) in shapes and shape[1] != _BOX]
    return beside[0] if len(beside) == 1 else JOINED.classes_in(raw)


FAMILY = Family(
    name="rtdetr",
    kind=ModelKind.DETECTION,
    thresholds=Thresholds(typical=0.3, conservative=0.1),
    preprocessing={"resize": "squash"},
    readers=(
        Reader(
            "queries",
            _expected,
            _fits,
            _find,
            unit="fractions",
            classes_in=_classes_in,
        ),
        PARTS,
        END_TO_END,
        RANKED,
    ),
    logits_usual=True,
)
