"""Statements that count resources, keep the sums, and read them with the changes that are not folded yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select, text

from expert.access.state import Caller
from expert.classification_projects.models import LinkedCollection
from expert.classification_projects.queries import readable_links
from expert.observations.state import ClassificationType
from expert.resources.state import ResourceState
from expert.statistics.state import COUNTERS
from expert.taxa.models import Taxon
from trapper_kit.db import Session

_KEY = ("linked_collection_id", "facet", "deployment_id", "local_day", "local_hour", "source", "observation_type",
        "taxon_id")  # fmt: skip
_COUNTED = ("classification_project_id", "resource_id", "linked_collection_id", "deployment_id", "local_day",
            "local_hour", *COUNTERS[1:], "labels")  # fmt: skip
COUNT = f"""
    select k.classification_project_id, k.resource_id, link.id as linked_collection_id, r.deployment_id,
      there.at::date as local_day, extract(hour from there.at)::smallint as local_hour,
      ai.id is not null as with_ai, coalesce(people.any, false) as by_people,
      coalesce(final.is_approved, false) as approved,
      coalesce(people.any, false) and not coalesce(final.is_approved, false) as in_review,
      ai.id is null and (r.state = '{ResourceState.UNREADABLE.value}' or link.ai_ended) as failed,
      coalesce(seen.blank, false) as blank, coalesce(seen.observations, 0) as observations,
      coalesce(seen.labels, '[]') as labels
    from keys k
      join resources r on r.id = k.resource_id and r.is_active
      join lateral (
        select l.id, bool_or(m.ai_ended_at is not null) over () as ai_ended
        from linked_collection_resources m
          join classification_project_collections l on l.id = m.linked_collection_id
          join collections c on c.id = l.collection_id
        where m.resource_id = k.resource_id and l.classification_project_id = k.classification_project_id
        order by (l.revoked_at is null and (l.consented_at is not null or c.visibility = 'public')) desc,
          l.created_at, l.id limit 1) link on true
      left join lateral (
        select a.id from classifications a
        where a.resource_id = k.resource_id and a.classification_project_id = k.classification_project_id
          and a.type = '{ClassificationType.AI.value}' and a.superseded_by_id is null
        order by a.id desc limit 1) ai on true
      left join classifications final on final.resource_id = k.resource_id
        and final.classification_project_id = k.classification_project_id
        and final.type = '{ClassificationType.FINAL.value}'
      left join lateral (
        select true as any from classifications p
        where p.resource_id = k.resource_id and p.classification_project_id = k.classification_project_id
          and p.type = '{ClassificationType.USER.value}' limit 1) people on true
      left join lateral (
        select bool_and(n.observation_type = 'blank') filter (where n.speaks) as blank,
          (sum(n.n) filter (where n.speaks and n.observation_type <> 'blank'))::int as observations,
          jsonb_agg(jsonb_build_object('source', n.source, 'type', n.observation_type, 'taxon', n.taxon_id, 'n', n.n)
            order by n.source, n.observation_type, n.taxon_id) as labels
        from (
          select s.source, s.source = 'approved' or final.source_classification_id is null as speaks,
            o.observation_type, o.taxon_id, count(*) as n
          from (values ('ai', ai.id), ('approved', final.source_classification_id)) s (source, id)
            join observations o on o.classification_id = s.id
          group by s.source, o.observation_type, o.taxon_id) n) seen on true
      left join deployments d on d.id = r.deployment_id
      left join locations at_place on at_place.id = d.location_id
      left join lateral (select counts_local_time(r.captured_at, at_place.time_zone) as at) there on true"""  # noqa: S608 - constants
"""What the resources of `keys` count as now; those that are archived or in no link any more are left out."""
_SUMS = ", ".join(
    f"sum(w.weight * w.{name}::int)::bigint as {name}" if name != "resources" else "sum(w.weight)::bigint as resources"
    for name in COUNTERS
)
_NO_SUMS = ", ".join(f"0::bigint as {name}" for name in COUNTERS[1:-1])


def cells(weighted: str) -> str:
    """A query of the sums over rows of a weighted relation, one for each deployment, day, hour and label."""
    return f"""
    select w.linked_collection_id,
      case when grouping(w.deployment_id) = 0 then 'deployment' when grouping(w.local_day) = 0 then 'day'
        else 'hour' end as facet,
      w.deployment_id, w.local_day, w.local_hour, null::text as source, null::text as observation_type,
      null::uuid as taxon_id, {_SUMS}
    from {weighted} w
    group by grouping sets ((w.linked_collection_id, w.deployment_id), (w.linked_collection_id, w.local_day),
      (w.linked_collection_id, w.local_hour))
    union all
    select w.linked_collection_id, 'label', null, null, null, l.source, l.type, l.taxon,
      sum(w.weight)::bigint, {_NO_SUMS}, sum(w.weight * l.n)::bigint
    from {weighted} w, jsonb_to_recordset(w.labels) as l (source text, type text, taxon uuid, n int)
    group by w.linked_collection_id, l.source, l.type, l.taxon"""  # noqa: S608 - constants


_CHANGED = f"""
    counted as materialized ({COUNT}),
    weighted as (
      select c.*, 1 as weight from counted c
      union all
      select {", ".join(f"b.{name}" for name in _COUNTED)}, -1 from counted_resources b join keys using
        (classification_project_id, resource_id)),
    cells as (select * from ({cells("weighted")}) c where ({", ".join(f"c.{name}" for name in COUNTERS)})
      is distinct from ({", ".join("0" for _ in COUNTERS)}))"""  # noqa: S608 - constants
_TAKE = """
    with oldest as (select id from count_changes order by id limit :limit),
      taken as (delete from count_changes c using oldest o where c.id = o.id
        returning c.classification_project_id, c.resource_id)
    select classification_project_id, resource_id, count(*) from taken group by 1, 2"""
_FOLD = f"""
    with keys as (
      select * from unnest(cast(:projects as uuid[]), cast(:resources as uuid[]))
        as k (classification_project_id, resource_id)),
    {_CHANGED},
    summed as (
      insert into project_counts as p (id, {", ".join((*_KEY, *COUNTERS))})
      select gen_random_uuid(), {", ".join((*_KEY, *COUNTERS))} from cells
      on conflict ({", ".join(_KEY)}) do update set {", ".join(f"{n} = p.{n} + excluded.{n}" for n in COUNTERS)}),
    kept as (
      insert into counted_resources ({", ".join(_COUNTED)}) select {", ".join(_COUNTED)} from counted
      on conflict (classification_project_id, resource_id) do update
        set {", ".join(f"{name} = excluded.{name}" for name in _COUNTED[2:])})
    delete from counted_resources g using keys k
    where (g.classification_project_id, g.resource_id) = (k.classification_project_id, k.resource_id)
      and not exists (select from counted c where (c.classification_project_id, c.resource_id)
        = (k.classification_project_id, k.resource_id))"""  # noqa: S608 - constants
_READ = f"""
    with keys as materialized (
      select distinct classification_project_id, resource_id from (
        select classification_project_id, resource_id from count_changes
        where classification_project_id = :project_id order by id limit :tail) c),
    {_CHANGED}
    select {", ".join(_KEY[1:])}, {", ".join(f"sum({name})::bigint as {name}" for name in COUNTERS)}
    from (
      select {", ".join((*_KEY, *COUNTERS))} from project_counts
      where linked_collection_id = any(cast(:links as uuid[]))
      union all select {", ".join((*_KEY, *COUNTERS))} from cells
      where linked_collection_id = any(cast(:links as uuid[]))) c
    group by {", ".join(_KEY[1:])} having sum(resources) <> 0
    order by {", ".join(_KEY[1:])}"""  # noqa: S608 - constants
_ONLY_FOLD = "select pg_try_advisory_xact_lock(hashtextextended('statistics.fold', 0))"


@dataclass(frozen=True)
class Cell:
    """A sum over the resources that share what is not null here."""

    facet: str
    deployment_id: UUID | None
    local_day: date | None
    local_hour: int | None
    source: str | None
    observation_type: str | None
    taxon_id: UUID | None
    resources: int
    with_ai: int
    by_people: int
    approved: int
    in_review: int
    failed: int
    blank: int
    observations: int


@dataclass(frozen=True)
class Effort:
    """A deployment with how many nights its camera stood; None while its start or end is unknown."""

    id: UUID
    deployment_id: str
    start_at: datetime | None
    end_at: datetime | None
    trap_nights: int | None


async def fold_changes(db: Session, *, limit: int) -> int:
    """Count the resources of up to `limit` changes again and add the differences; returns how many were taken.

    The changes and the sums are one transaction. Folding in two processes at once would add a difference twice, so
    the second one takes nothing.
    """
    if not (await db.execute(text(_ONLY_FOLD))).scalar_one():
        return 0
    rows = (await db.execute(text(_TAKE), {"limit": limit})).all()
    if rows:
        values = {"projects": [row[0] for row in rows], "resources": [row[1] for row in rows]}
        await db.execute(text(_FOLD), values)
    return sum(row[2] for row in rows)


async def readable_links_of(db: Session, caller: Caller, project_id: UUID) -> Sequence[UUID]:
    """The project's linked collections that the caller may read."""
    statement = select(LinkedCollection.id).where(
        LinkedCollection.classification_project_id == project_id, LinkedCollection.id.in_(readable_links(caller))
    )
    return (await db.scalars(statement)).all()


async def read_cells(db: Session, project_id: UUID, link_ids: Sequence[UUID], *, tail: int) -> list[Cell]:
    """The sums over linked collections, with the project's first `tail` changes that are not folded yet."""
    values = {"project_id": project_id, "links": list(link_ids), "tail": tail}
    return [Cell(*row) for row in await db.execute(text(_READ), values)]


async def count_waiting(db: Session, project_id: UUID, *, beyond: int, at_most: int) -> int:
    """How many changes of a project wait beyond the first ones, up to a limit."""
    statement = """select count(*) from (select from count_changes where classification_project_id = :project_id
      order by id offset :beyond limit :at_most) c"""
    values = {"project_id": project_id, "beyond": beyond, "at_most": at_most}
    return (await db.execute(text(statement), values)).scalar_one()


async def efforts(db: Session, deployment_ids: Sequence[UUID]) -> dict[UUID, Effort]:
    """Deployments by id, with the local midnights between their start and end."""
    statement = """
    select d.id, d.deployment_id, d.start_at, d.end_at,
      counts_local_time(d.end_at, l.time_zone)::date - counts_local_time(d.start_at, l.time_zone)::date
    from deployments d left join locations l on l.id = d.location_id where d.id = any(cast(:ids as uuid[]))"""
    rows = await db.execute(text(statement), {"ids": list(deployment_ids)})
    return {row[0]: Effort(*row) for row in rows}


async def scientific_names(db: Session, taxon_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Scientific names by taxon."""
    rows = await db.execute(select(Taxon.id, Taxon.scientific_name).where(Taxon.id.in_(taxon_ids)))
    return {row[0]: row[1] for row in rows}
