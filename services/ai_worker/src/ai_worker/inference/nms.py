"""Greedy non-maximum suppression per class, vectorised."""

import numpy as np

from ai_worker.inference.types import Boxes

SAME_BOX = 0.95
"""Overlap from which two boxes of a model that suppresses by itself are one: it did so before they were clipped."""
MAX_CANDIDATES = 30_000
MAX_KEPT = 300
"""Objects of one frame, as in the reference code of the YOLO families."""


def suppress(boxes: Boxes, *, iou: float) -> Boxes:
    """Returns the boxes that stay, highest score first; boxes of different classes do not suppress each other."""
    order = np.argsort(-boxes.scores, kind="stable")[:MAX_CANDIDATES]
    boxes = boxes.take(order)
    corners = boxes.corners.astype(np.float64)
    areas = np.maximum(corners[:, 2] - corners[:, 0], 0) * np.maximum(corners[:, 3] - corners[:, 1], 0)
    left = np.arange(len(boxes))
    kept: list[int] = []
    while left.size and len(kept) < MAX_KEPT:
        best, rest = left[0], left[1:]
        kept.append(int(best))
        x = np.minimum(corners[best, 2], corners[rest, 2]) - np.maximum(corners[best, 0], corners[rest, 0])
        y = np.minimum(corners[best, 3], corners[rest, 3]) - np.maximum(corners[best, 1], corners[rest, 1])
        shared = np.maximum(x, 0) * np.maximum(y, 0)
        same_object = shared > iou * (areas[best] + areas[rest] - shared)
        left = rest[~(same_object & (boxes.labels[rest] == boxes.labels[best]))]
    return boxes.take(np.asarray(kept, dtype=np.intp))
