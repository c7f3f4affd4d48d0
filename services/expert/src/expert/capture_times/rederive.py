"""Derive moments anew from what cameras recorded, after a deployment, a place or an order of files became known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from expert.capture_times import queries
from expert.capture_times.infer_folds import CardFile, infer_folds
from expert.capture_times.queries import Place, RecordedTime, Scope
from expert.capture_times.resolve import Clock, ResolvedTime, resolve, zone_offset
from expert.capture_times.state import TimeIssue
from trapper_kit.db import Session

_WIDEST_OFFSET = timedelta(hours=14)
"""A time with an unknown offset may be off by as much."""


@dataclass(frozen=True)
class Rederived:
    """How many rows have another time or deployment than before."""

    resources: int = 0
    observations: int = 0


async def rederive(db: Session, scope: Scope) -> Rederived:
    """Bring `captured_at` of resources and observations in line with deployments and locations; in this transaction."""
    times = await queries.recorded_times(db, scope)
    folds = _folds(times)
    changed: dict[UUID, tuple[Any, ...]] = {}
    for time in times:
        values = _values(time, folds.get(time.id))
        if values != time.present:
            changed[time.id] = values
    await queries.write_times(db, changed)
    touched = {*(time.id for time in times), *(scope.resource_ids or ())}
    observations = await queries.copy_to_observations(db, sorted(touched))
    return Rederived(len(changed), observations)


def is_outside(moment: datetime | None, offset: timedelta | None, place: Place) -> bool:
    """Whether a moment lies outside of the deployment's period, certainly when its offset is unknown."""
    if moment is None:
        return False
    slack = timedelta(0) if offset is not None else _WIDEST_OFFSET
    return (place.start_at is not None and moment < place.start_at - slack) or (
        place.end_at is not None and moment > place.end_at + slack
    )


def columns_of(resolved: ResolvedTime, place: Place) -> tuple[Any, ...]:
    """Captured_at, offset in seconds, source of the offset, issue, and whether it is outside of the deployment."""
    seconds = None if resolved.offset is None else int(resolved.offset.total_seconds())
    issue = None if resolved.issue is None else resolved.issue.value
    outside = is_outside(resolved.captured_at, resolved.offset, place)
    return resolved.captured_at, seconds, resolved.offset_source.value, issue, outside


def _values(time: RecordedTime, fold: int | None) -> tuple[Any, ...]:
    if time.recorded_at is None:
        resolved = ResolvedTime(None, issue=TimeIssue(time.present[3]) if time.present[3] else None)
    else:
        resolved = resolve(time.recorded_at, time.file_offset, time.place.clock)
    if fold is not None and time.recorded_at is not None and time.place.clock.time_zone is not None:
        offset = zone_offset(ZoneInfo(time.place.clock.time_zone), time.recorded_at, fold=fold)
        resolved = replace(resolve(time.recorded_at, offset, Clock()), offset_source=resolved.offset_source)
    values = columns_of(resolved, time.place)
    if time.time_override is None:
        return values
    outside = is_outside(time.time_override, timedelta(0), time.place)
    return time.time_override, *values[1:4], outside


def _folds(times: Sequence[RecordedTime]) -> dict[UUID, int]:
    """Folds of those that are read by the zone of their place, card by card."""
    cards: dict[tuple[UUID | None, str], list[CardFile]] = {}
    for time in times:
        clock = time.place.clock
        if time.recorded_at is not None and time.file_offset is None and clock.time_zone and not clock.ignore_dst:
            file = CardFile(time.id, time.file_path, time.recorded_at)
            cards.setdefault((time.place.deployment_id, clock.time_zone), []).append(file)
    folds: dict[UUID, int] = {}
    for (_, time_zone), files in cards.items():
        folds |= infer_folds(ZoneInfo(time_zone), files)
    return folds
