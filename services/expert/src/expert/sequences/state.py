"""Chaining of resources into sequences, as pure functions of their times and of what people marked."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from trapper_schemas.ids import uuid7

Position = tuple[datetime, UUID]
"""Where a resource stands in its series: its time, and its id among those of the same time."""
Series = tuple[UUID, bool]
"""A deployment, and whether these are its time-lapse resources: each series is chained by itself."""


def chain(
    positions: Sequence[Position],
    interval: timedelta,
    breaks: Collection[UUID] = (),
    joins: Collection[tuple[Position, Position]] = (),
) -> list[int]:
    """The index of the first resource of each sequence; `positions` are those of one series, in order.

    A gap of more than the interval begins a sequence. Between the two positions of a join none begins, and at a
    resource of `breaks` one always does.
    """
    spans = [(min(join), max(join)) for join in joins]
    starts = [0] if positions else []
    for index, (before, present) in enumerate(pairwise(positions), 1):
        is_joined = any(first < present <= last for first, last in spans)
        if present[1] in breaks or (present[0] - before[0] > interval and not is_joined):
            starts.append(index)
    return starts


def assign_ids(starts: Sequence[int], present: Sequence[UUID | None]) -> list[UUID]:
    """The sequence of each resource, in order; `present` is the one that it is in now, of the same series.

    Ids stay where they can: of merged sequences the earliest one's, of a split sequence the earliest part keeps it.
    """
    assigned: list[UUID] = []
    used: set[UUID] = set()
    for first, last in pairwise([*starts, len(present)]):
        free = (sequence_id for sequence_id in present[first:last] if sequence_id is not None)
        sequence_id = next((known for known in free if known not in used), None) or uuid7()
        used.add(sequence_id)
        assigned += [sequence_id] * (last - first)
    return assigned
