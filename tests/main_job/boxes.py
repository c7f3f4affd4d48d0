"""How well boxes agree."""

from collections.abc import Iterable, Sequence
from typing import Any


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two boxes x, y, width, height."""
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(across, 0.0) * max(down, 0.0)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


def sure(image: dict[str, Any], least: float = 0.5) -> list[dict[str, Any]]:
    """The detections that the network is sure of."""
    return [each for each in image["detections"] if each["conf"] >= least]


def is_seen(category: str, box: Sequence[float], detections: Iterable[dict[str, Any]], least: float = 0.5) -> bool:
    """Whether one of the detections is this object."""
    return any(each["category"] == category and overlap(each["bbox"], box) > least for each in detections)


def agree(one: dict[str, Any], other: dict[str, Any], least: float) -> bool:
    """Whether two images show the same objects at the same places."""
    ours, theirs = sure(one), sure(other)
    return (
        len(ours) == len(theirs) > 0
        and all(is_seen(each["category"], each["bbox"], theirs, least) for each in ours)
        and all(is_seen(each["category"], each["bbox"], ours, least) for each in theirs)
    )
