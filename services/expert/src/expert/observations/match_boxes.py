"""Matches the boxes of a new result to those of the former one: pure geometry."""

from collections.abc import Sequence

from expert.observations.state import Box


def overlap(first: Box, second: Box) -> float:
    """Intersection over union."""
    width = min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0])
    height = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    union = first[2] * first[3] + second[2] * second[3] - common
    return min(1.0, common / union) if union > 0 else 0.0  # boxes so small that their area is none


def match_boxes(new: Sequence[tuple[str, Box]], old: Sequence[tuple[str, Box]], *, at_least: float) -> dict[int, int]:
    """New index to old index: same type, overlap of at least `at_least`, one to one, best first."""
    pairs = sorted(
        (
            (-shared, i, j)
            for i, (kind, box) in enumerate(new)
            for j, (old_kind, old_box) in enumerate(old)
            if kind == old_kind and (shared := overlap(box, old_box)) >= at_least
        ),
    )
    chosen: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, j in pairs:
        if i not in chosen and j not in taken:
            chosen[i] = j
            taken.add(j)
    return chosen
