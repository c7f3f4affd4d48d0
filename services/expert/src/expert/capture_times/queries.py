"""Statements about recorded times; tables of features above are named in SQL, since those features import this one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from expert.capture_times.resolve import Clock
from trapper_kit.db import Session

_UNKNOWN = Clock()


@dataclass(frozen=True)
class Place:
    """What a deployment says about times: its clock and its period; all unknown without a deployment."""

    deployment_id: UUID | None = None
    clock: Clock = _UNKNOWN
    start_at: datetime | None = None
    end_at: datetime | None = None


@dataclass(frozen=True)
class RecordedTime:
    """What a resource's row says about its time at present."""

    id: UUID
    file_path: str
    recorded_at: datetime | None
    file_offset: timedelta | None
    time_override: datetime | None
    place: Place
    present: tuple[Any, ...]


@dataclass(frozen=True)
class Scope:
    """Resources of a deployment, of a location or by id; `around` narrows it to four days of recorded time."""

    deployment_id: UUID | None = None
    location_id: UUID | None = None
    resource_ids: Sequence[UUID] | None = None
    around: datetime | None = None


_WINDOW = timedelta(days=2)
_PRESENT = ("captured_at", "recorded_offset_seconds", "offset_source", "time_issue", "outside_deployment")
_RECORDED = """
    select r.id, r.file_path, r.recorded_at, r.time_override,
      case when r.offset_source = 'file' then r.recorded_offset_seconds end as file_offset_seconds,
      r.deployment_id, l.time_zone, coalesce(l.ignore_dst, false) as ignore_dst, d.start_at, d.end_at,
      r.captured_at, r.recorded_offset_seconds, r.offset_source, r.time_issue, r.outside_deployment
    from resources r
      left join deployments d on d.id = r.deployment_id left join locations l on l.id = d.location_id
    where num_nonnulls(r.recorded_at, r.time_override, r.captured_at) > 0 and {scope}
    order by r.id for update of r"""
_WRITE = """
    update resources r set captured_at = v.captured_at, recorded_offset_seconds = v.seconds, offset_source = v.source,
      time_issue = v.issue, outside_deployment = v.outside, version = r.version + 1
    from unnest(cast(:ids as uuid[]), cast(:moments as timestamptz[]), cast(:seconds as int[]),
      cast(:sources as text[]), cast(:issues as text[]),
      cast(:outside as boolean[])) as v(id, captured_at, seconds, source, issue, outside)
    where r.id = v.id"""
_COPY = """
    update observations o set captured_at = r.captured_at, deployment_id = r.deployment_id
    from resources r where o.resource_id = r.id and r.id = any(cast(:ids as uuid[]))
      and (o.captured_at, o.deployment_id) is distinct from (r.captured_at, r.deployment_id)
    returning o.id"""


async def hold_place(db: Session, deployment_id: UUID | None) -> Place:
    """A deployment's clock and period, which stay as they are until the transaction ends."""
    if deployment_id is None:
        return Place()
    statement = text("select location_id, start_at, end_at from deployments where id = :id for share")
    row = (await db.execute(statement, {"id": deployment_id})).one()
    clock = Clock()
    if row.location_id is not None:
        statement = text("select time_zone, ignore_dst from locations where id = :id for share")
        clock = Clock(*(await db.execute(statement, {"id": row.location_id})).one())
    return Place(deployment_id, clock, row.start_at, row.end_at)


async def recorded_times(db: Session, scope: Scope) -> Sequence[RecordedTime]:
    """Times of a scope, locked in the order of ids."""
    conditions = {
        "r.deployment_id = :deployment_id": scope.deployment_id,
        "d.location_id = :location_id": scope.location_id,
        "r.id = any(cast(:resource_ids as uuid[]))": scope.resource_ids,
    }
    given = [condition for condition, value in conditions.items() if value is not None]
    values: dict[str, Any] = {
        "deployment_id": scope.deployment_id,
        "location_id": scope.location_id,
        "resource_ids": scope.resource_ids,
    }
    values = {name: value for name, value in values.items() if value is not None}
    if scope.around is not None:
        given.append("r.recorded_at between :since and :until")
        values |= {"since": scope.around - _WINDOW, "until": scope.around + _WINDOW}
    statement = text(_RECORDED.format(scope=" and ".join(given) or "false"))
    return [
        RecordedTime(
            row.id,
            row.file_path,
            row.recorded_at,
            None if row.file_offset_seconds is None else timedelta(seconds=row.file_offset_seconds),
            row.time_override,
            Place(row.deployment_id, Clock(row.time_zone, row.ignore_dst), row.start_at, row.end_at),
            tuple(getattr(row, name) for name in _PRESENT),
        )
        for row in await db.execute(statement, values)
    ]


async def write_times(db: Session, changed: dict[UUID, tuple[Any, ...]]) -> None:
    """Write (captured_at, offset seconds, offset source, issue, outside) of each resource."""
    if changed:
        names = ("moments", "seconds", "sources", "issues", "outside")
        columns = {name: list(values) for name, values in zip(names, zip(*changed.values(), strict=True), strict=True)}
        await db.execute(text(_WRITE), {"ids": list(changed), **columns})


async def copy_to_observations(db: Session, resource_ids: Sequence[UUID]) -> int:
    """Make observations repeat time and deployment of their resources; the number that changed."""
    if not resource_ids:
        return 0
    return len((await db.execute(text(_COPY), {"ids": list(resource_ids)})).all())
