"""Statements that keep sequences: set-based, one statement for all rows of a batch; named in SQL for their arrays."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text

from expert.operations.state import CLOSED
from expert.research_projects.state import CaptureMethod
from expert.resources.state import ResourceState
from expert.sequences.state import Position, Series
from trapper_kit.db import Session

REBUILD = "sequences.rebuild"
"""The kind of operation that builds the sequences of a linked collection from nothing."""
_ROWS_AT_ONCE = 50_000
_CLOSED = ", ".join(f"'{state.value}'" for state in sorted(CLOSED))
_IS_OPEN = f"o.kind = '{REBUILD}' and o.state not in ({_CLOSED}) and o.parameters->>'linked_collection_id' = l.id::text"
_FAILED_LATELY = f"""o.kind = '{REBUILD}' and o.ended_at > clock_timestamp() - interval '1 hour'
      and o.parameters->>'linked_collection_id' = l.id::text"""


@dataclass(frozen=True)
class Link:
    """A linked collection, locked: nobody else changes its sequences."""

    id: UUID
    classification_project_id: UUID
    interval: timedelta


class Row(NamedTuple):
    """A linked resource with where it stands now (nowhere when it is in no sequence), and where it was chained."""

    resource_id: UUID
    series: Series | None
    position: Position | None
    sequence_id: UUID | None
    former_series: Series | None
    former_position: Position | None


class Made(NamedTuple):
    """A sequence that is not in the database yet."""

    series: Series
    first_at: datetime
    last_at: datetime


_ROWS = f"""
    select r.id as resource_id, d.deployment_id, d.is_time_lapse, d.captured_at,
      m.sequence_id, m.deployment_id as former_deployment_id, m.is_time_lapse as former_is_time_lapse,
      m.captured_at as former_at
    from resources r
      left join lateral (select r.deployment_id,
          coalesce(r.capture_method = '{CaptureMethod.TIME_LAPSE.value}', false) as is_time_lapse, r.captured_at
        where r.state = '{ResourceState.DESCRIBED.value}' and r.is_active
          and r.captured_at is not null and r.deployment_id is not null
      ) d on true
      left join sequence_members m on m.linked_collection_id = :link_id and m.resource_id = r.id
    where {{condition}}"""  # noqa: S608 - constants
_LINKED = """exists (select from linked_collection_resources l
      where l.linked_collection_id = :link_id and l.resource_id = r.id)"""
_SERIES = """linked_collection_id = :link_id and deployment_id = :deployment_id and is_time_lapse = :is_time_lapse"""


async def unbuilt(db: Session, *, limit: int) -> Sequence[UUID]:
    """Linked collections whose sequences were never built, or with another interval, and that nobody builds."""
    statement = f"""
        select l.id from classification_project_collections l
          join classification_projects p on p.id = l.classification_project_id
          left join link_sequences s on s.linked_collection_id = l.id
        where (s.interval_seconds is distinct from coalesce(l.sequence_interval_seconds, p.sequence_interval_seconds)
            or s.built_at is null and not exists (select from operations o where {_FAILED_LATELY}))
          and not exists (select from operations o where {_IS_OPEN})
        order by l.id limit :limit"""  # noqa: S608 - constants
    return (await db.scalars(text(statement), {"limit": limit})).all()


async def begin_build(db: Session, link_id: UUID) -> tuple[UUID, Sequence[UUID]] | None:
    """Note that the sequences of a linked collection are built with its interval of now.

    Returns its project and the deployments to do; None for an unknown one.
    """
    statement = """
        insert into link_sequences (linked_collection_id, interval_seconds)
        select l.id, coalesce(l.sequence_interval_seconds, p.sequence_interval_seconds)
        from classification_project_collections l join classification_projects p on p.id = l.classification_project_id
        where l.id = :link_id
        on conflict (linked_collection_id) do update set interval_seconds = excluded.interval_seconds, built_at = null
        returning (select classification_project_id from classification_project_collections where id = :link_id)"""
    project_id = await db.scalar(text(statement), {"link_id": link_id})
    if project_id is None:
        return None
    deployments = """
        select r.deployment_id from linked_collection_resources l join resources r on r.id = l.resource_id
        where l.linked_collection_id = :link_id and r.deployment_id is not null
        union select deployment_id from sequence_members where linked_collection_id = :link_id"""
    return project_id, (await db.scalars(text(deployments), {"link_id": link_id})).all()


async def lock_link(db: Session, link_id: UUID) -> Link | None:
    """The linked collection with the interval that its sequences have, locked; None when they were never built.

    The transaction has plain index scans alone: checks of foreign keys are planned once for a connection, perhaps while
    a table is small, and a bitmap of a queue (`sequence_changes`) holds every row that was taken from it.
    """
    statement = """
        select l.id, l.classification_project_id, s.interval_seconds, set_config('enable_seqscan', 'off', true),
          set_config('enable_bitmapscan', 'off', true)
        from link_sequences s
          join classification_project_collections l on l.id = s.linked_collection_id
        where l.id = :link_id for update of s"""
    row = (await db.execute(text(statement), {"link_id": link_id})).one_or_none()
    return None if row is None else Link(row[0], row[1], timedelta(seconds=row[2]))


async def end_build(db: Session, link_id: UUID) -> None:
    """Note that the sequences are built."""
    statement = "update link_sequences set built_at = clock_timestamp() where linked_collection_id = :link_id"
    await db.execute(text(statement), {"link_id": link_id})


async def next_deployment(db: Session, operation_id: UUID, after: UUID | None) -> UUID | None:
    """The next deployment that a rebuild was given."""
    statement = """
        select item_id from operation_items
        where operation_id = :operation_id and (cast(:after as uuid) is null or item_id > :after)
        order by item_id limit 1"""
    return await db.scalar(text(statement), {"operation_id": operation_id, "after": after})


async def changed_links(db: Session, *, quiet: timedelta, at_most: timedelta, limit: int) -> Sequence[UUID]:
    """Built linked collections with changes: none new for `quiet`, or one older than `at_most`."""
    statement = """
        select s.linked_collection_id from link_sequences s cross join lateral (
          select (select changed_at from sequence_changes c where c.linked_collection_id = s.linked_collection_id
              order by changed_at limit 1) as oldest,
            (select changed_at from sequence_changes c where c.linked_collection_id = s.linked_collection_id
              order by changed_at desc limit 1) as newest
        ) c
        where s.built_at is not null
          and (c.newest <= clock_timestamp() - cast(:quiet as interval)
            or c.oldest <= clock_timestamp() - cast(:at_most as interval))
        order by c.oldest limit :limit"""
    return (await db.scalars(text(statement), {"quiet": quiet, "at_most": at_most, "limit": limit})).all()


async def take_changes(db: Session, link_id: UUID, *, limit: int) -> Sequence[UUID]:
    """Delete and return the oldest changes; a resource that changes again later is there again.

    What an open transaction changes is locked by it and left for the next turn, since its resource cannot be read yet.
    """
    statement = """
        delete from sequence_changes where linked_collection_id = :link_id and resource_id in (
          select resource_id from sequence_changes where linked_collection_id = :link_id
          order by changed_at limit :limit for update skip locked)
        returning resource_id"""
    return (await db.scalars(text(statement), {"link_id": link_id, "limit": limit})).all()


async def take_changes_of(db: Session, link_id: UUID, deployment_id: UUID) -> None:
    """Delete the changes of a deployment's resources, which are read after this, but not those of open transactions."""
    statement = """
        delete from sequence_changes where linked_collection_id = :link_id and resource_id in (
          select c.resource_id from sequence_changes c join resources r on r.id = c.resource_id
          where c.linked_collection_id = :link_id and r.deployment_id = :deployment_id for update of c skip locked)"""
    await db.execute(text(statement), {"link_id": link_id, "deployment_id": deployment_id})


async def rows_of(db: Session, link_id: UUID, resource_ids: Collection[UUID]) -> list[Row]:
    """Linked resources by id."""
    condition = f"r.id = any(cast(:ids as uuid[])) and {_LINKED}"
    return await _rows(db, condition, {"link_id": link_id, "ids": list(resource_ids)})


async def rows_of_deployment(db: Session, link_id: UUID, deployment_id: UUID) -> list[Row]:
    """Linked resources that are of a deployment, and those that were chained in it."""
    there = f"r.deployment_id = :d and {_LINKED}"
    former = f"""r.deployment_id is distinct from :d and r.id in (select resource_id from sequence_members
      where linked_collection_id = :link_id and deployment_id = :d) and {_LINKED}"""  # noqa: S608 - constants
    values: dict[str, object] = {"link_id": link_id, "d": deployment_id}
    return [*await _rows(db, there, values), *await _rows(db, former, values)]


async def _rows(db: Session, condition: str, values: dict[str, object]) -> list[Row]:
    rows: list[Row] = []
    result = await db.execute(text(_ROWS.format(condition=condition)), values)
    for (
        resource_id,
        deployment_id,
        is_time_lapse,
        captured_at,
        sequence_id,
        former_id,
        former_lapse,
        former_at,
    ) in result.all():
        series = position = former_series = former_position = None
        if deployment_id is not None:
            series, position = (deployment_id, is_time_lapse), (captured_at, resource_id)
        if former_id is not None:
            former_series, former_position = (former_id, former_lapse), (former_at, resource_id)
        rows.append(Row(resource_id, series, position, sequence_id, former_series, former_position))
    return rows


async def window(
    db: Session, link_id: UUID, series: Series, first: Position, last: Position
) -> list[tuple[Position, UUID]]:
    """Members of a series from one position to another, and the members next to them, each with its sequence."""
    statement = f"""
        (select captured_at, resource_id, sequence_id from sequence_members
          where {_SERIES} and (captured_at, resource_id) < (:first_at, cast(:first_id as uuid))
          order by captured_at desc, resource_id desc limit 1)
        union all
        (select captured_at, resource_id, sequence_id from sequence_members
          where {_SERIES} and (captured_at, resource_id) >= (:first_at, cast(:first_id as uuid))
            and (captured_at, resource_id) <= (:last_at, cast(:last_id as uuid)))
        union all
        (select captured_at, resource_id, sequence_id from sequence_members
          where {_SERIES} and (captured_at, resource_id) > (:last_at, cast(:last_id as uuid))
          order by captured_at, resource_id limit 1)"""  # noqa: S608 - constants
    values = {"link_id": link_id, "deployment_id": series[0], "is_time_lapse": series[1]}
    bounds = {"first_at": first[0], "first_id": first[1], "last_at": last[0], "last_id": last[1]}
    return [((row[0], row[1]), row[2]) for row in await db.execute(text(statement), values | bounds)]


async def markers(db: Session, link_id: UUID) -> list[tuple[UUID, UUID | None]]:
    """What people marked: a resource before which a sequence begins, or two resources of one sequence."""
    statement = "select resource_id, joined_resource_id from sequence_markers where linked_collection_id = :link_id"
    return [(row[0], row[1]) for row in await db.execute(text(statement), {"link_id": link_id})]


async def insert_sequences(db: Session, link: Link, made: Mapping[UUID, Made], counted: Mapping[UUID, int]) -> None:
    """Insert sequences with their number of members, which follow in this transaction."""
    if not made:
        return
    statement = """
        insert into sequences (id, classification_project_id, linked_collection_id, deployment_id, is_time_lapse,
          first_at, last_at, resource_count)
        select v.id, cast(:project_id as uuid), cast(:link_id as uuid), v.deployment_id, v.is_time_lapse, v.first_at,
          v.last_at, v.members
        from unnest(cast(:ids as uuid[]), cast(:deployments as uuid[]), cast(:lapses as boolean[]),
          cast(:firsts as timestamptz[]), cast(:lasts as timestamptz[]), cast(:members as int[]))
          as v(id, deployment_id, is_time_lapse, first_at, last_at, members)"""
    values = {
        "project_id": link.classification_project_id,
        "link_id": link.id,
        "ids": list(made),
        "deployments": [row.series[0] for row in made.values()],
        "lapses": [row.series[1] for row in made.values()],
        "firsts": [row.first_at for row in made.values()],
        "lasts": [row.last_at for row in made.values()],
        "members": [counted[sequence_id] for sequence_id in made],
    }
    await db.execute(text(statement), values)


async def write_members(db: Session, link_id: UUID, series: Series, members: Sequence[tuple[Position, UUID]]) -> None:
    """Put resources at their positions into sequences of a series."""
    statement = """
        insert into sequence_members (linked_collection_id, resource_id, sequence_id, deployment_id, is_time_lapse,
          captured_at)
        select cast(:link_id as uuid), v.resource_id, v.sequence_id, cast(:deployment_id as uuid),
          cast(:is_time_lapse as boolean), v.at
        from unnest(cast(:resources as uuid[]), cast(:sequences as uuid[]), cast(:times as timestamptz[]))
          as v(resource_id, sequence_id, at)
        on conflict (linked_collection_id, resource_id) do update set sequence_id = excluded.sequence_id,
          deployment_id = excluded.deployment_id, is_time_lapse = excluded.is_time_lapse,
          captured_at = excluded.captured_at"""
    for begin in range(0, len(members), _ROWS_AT_ONCE):
        part = members[begin : begin + _ROWS_AT_ONCE]
        values = {
            "link_id": link_id,
            "deployment_id": series[0],
            "is_time_lapse": series[1],
            "resources": [position[1] for position, _ in part],
            "sequences": [sequence_id for _, sequence_id in part],
            "times": [position[0] for position, _ in part],
        }
        await db.execute(text(statement), values)


async def move_rest(db: Session, former: UUID, after: Position, to: UUID) -> int:
    """Move the members of a sequence after a position to another one; their number."""
    statement = """
        with moved as (
          update sequence_members set sequence_id = :to
          where sequence_id = :former and (captured_at, resource_id) > (:at, cast(:after_id as uuid)) returning 1)
        select count(*) from moved"""
    values = {"former": former, "to": to, "at": after[0], "after_id": after[1]}
    return (await db.execute(text(statement), values)).scalar_one()


async def remove_members(db: Session, link_id: UUID, resource_ids: Sequence[UUID]) -> None:
    """Take resources out of their sequences."""
    if resource_ids:
        statement = "delete from sequence_members where linked_collection_id = :link_id and resource_id = any(:ids)"
        await db.execute(text(statement), {"link_id": link_id, "ids": list(resource_ids)})


async def move_statements(db: Session, successors: Mapping[UUID, UUID]) -> None:
    """Move what is said about whole sequences that have no member left to those that their members went to."""
    if not successors:
        return
    statement = """
        update sequence_observations o set sequence_id = v.latter
        from unnest(cast(:former as uuid[]), cast(:latter as uuid[])) as v(former, latter)
        where o.sequence_id = v.former and not exists (select from sequence_members where sequence_id = v.former)"""
    values = {"former": list(successors), "latter": list(successors.values())}
    await db.execute(text(statement), values)


async def count_members(db: Session, deltas: Mapping[UUID, int]) -> None:
    """Bring counts and times of sequences in line with their members, and delete those without any."""
    if not deltas:
        return
    values = {"ids": list(deltas), "deltas": list(deltas.values())}
    if min(deltas.values()) < 0:
        await db.execute(
            text("""
            delete from sequences s using unnest(cast(:ids as uuid[]), cast(:deltas as int[])) as v(id, delta)
            where s.id = v.id and s.resource_count + v.delta = 0"""),
            values,
        )
    await db.execute(
        text("""
        update sequences s set resource_count = s.resource_count + v.delta,
          first_at = (select captured_at from sequence_members where sequence_id = s.id
            order by captured_at, resource_id limit 1),
          last_at = (select captured_at from sequence_members where sequence_id = s.id
            order by captured_at desc, resource_id desc limit 1)
        from unnest(cast(:ids as uuid[]), cast(:deltas as int[])) as v(id, delta) where s.id = v.id"""),
        values,
    )
