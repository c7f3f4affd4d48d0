"""Statements that merge a checklist into the taxa, set by set; their number does not depend on the number of rows."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol, cast

from sqlalchemy import CursorResult, text

from expert.taxa.parse_checklist import ChecklistRow, VernacularRow
from expert.taxa.state import RANKS
from trapper_kit.db import Session
from trapper_schemas.ids import uuid7

_BEGIN = """
set local statement_timeout = 0;
select pg_advisory_xact_lock(hashtextextended('taxa import', 0));
create temporary table import_rows (
  number integer, key text, parent_key text, accepted_key text, scientific_name text, canonical_name text, rank text,
  higher text[], vernacular_names jsonb, new_id uuid, taxon_id uuid, parent_id uuid, accepted_id uuid) on commit drop;
create temporary table import_names (key text, language text, name text) on commit drop;
create temporary table import_higher (
  path text[], rank text, name text, new_id uuid, taxon_id uuid) on commit drop
"""
_ROW_COLUMNS = (
    "number", "key", "parent_key", "accepted_key", "scientific_name", "canonical_name", "rank", "higher",
    "vernacular_names", "new_id",
)  # fmt: skip

_DROP_DOUBLES = """
delete from import_rows r using (select key, min(number) as number from import_rows group by key having count(*) > 1) d
where r.key = d.key and r.number > d.number returning r.number, r.key
"""
_MATCH_KEYS = """
update import_rows r set taxon_id = k.taxon_id from taxon_keys k where k.checklist = :checklist and k.key = r.key
"""
_ADOPT = """
with pairs as (
  select distinct on (r.number) r.number, r.accepted_key, t.id
  from import_rows r join taxa t on lower(t.canonical_name) = lower(r.canonical_name)
    and (t.rank is null or r.rank is null or t.rank = r.rank)
  where r.taxon_id is null
    and not exists (select from taxon_keys k where k.taxon_id = t.id and k.checklist = :checklist)
  order by r.number, lower(t.scientific_name) = lower(r.scientific_name) desc, t.id),
adopted as (select distinct on (id) number, id from pairs order by id, accepted_key is not null, number)
update import_rows r set taxon_id = a.id from adopted a where a.number = r.number
"""
_INSERT = """
insert into taxa (id, scientific_name, canonical_name, rank, path, vernacular_names, provisional, checklist)
select new_id, scientific_name, canonical_name, rank, '/' || new_id || '/', vernacular_names, false, :checklist
from import_rows where taxon_id is null order by number
"""
_INSERTED = "update import_rows set taxon_id = new_id where taxon_id is null"
_KEYS = """
insert into taxon_keys (checklist, key, taxon_id) select :checklist, key, taxon_id from import_rows
on conflict do nothing
"""
_DESCRIBE = """
update taxa t set scientific_name = r.scientific_name, canonical_name = r.canonical_name,
  rank = coalesce(r.rank, t.rank), provisional = false, checklist = :checklist
from import_rows r
where r.taxon_id = t.id and r.taxon_id <> r.new_id and (t.checklist is null or t.checklist = :checklist)
  and (t.scientific_name, t.canonical_name, t.rank, t.provisional, t.checklist)
    is distinct from (r.scientific_name, r.canonical_name, coalesce(r.rank, t.rank), false, :checklist)
"""
_VERNACULAR = """
update taxa t set vernacular_names = n.names || t.vernacular_names
from (
  select r.taxon_id, jsonb_object_agg(v.language, v.name order by v.number desc) as names
  from (
    select key, language, name, ctid::text as number from import_names
    union all select r.key, e.key, e.value, '' from import_rows r, jsonb_each_text(r.vernacular_names) e) v
  join import_rows r on r.key = v.key group by r.taxon_id) n
where n.taxon_id = t.id and n.names || t.vernacular_names <> t.vernacular_names
"""
_HIGHER_NODES = """
insert into import_higher (path, rank, name, new_id)
select path, split_part(path[cardinality(path)], ':', 1), split_part(path[cardinality(path)], ':', 2), gen_random_uuid()
from (select distinct higher[1\\:depth] as path from import_rows, generate_series(1, cardinality(higher)) depth) paths
"""
_HIGHER_MATCH = """
with above as (
  select h.path, h.name, t.id, t.path as taxon_path from import_higher h
  left join import_higher p on p.path = trim_array(h.path, 1) left join taxa t on t.id = p.taxon_id
  where h.rank = :rank),
pairs as (
  select distinct on (a.path) a.path, t.id from above a
  join taxa t on lower(t.canonical_name) = lower(a.name) and t.rank = :rank
    and (t.parent_id is null or a.id is null or starts_with(t.path, a.taxon_path))
  order by a.path, t.parent_id is null, t.id)
update import_higher h set taxon_id = p.id from pairs p where p.path = h.path
"""
_HIGHER_INSERT = """
insert into taxa (id, scientific_name, canonical_name, rank, path, vernacular_names, provisional, checklist, parent_id)
select h.new_id, h.name, h.name, h.rank, coalesce(t.path, '/') || h.new_id || '/', '{}', false, :checklist, t.id
from import_higher h left join import_higher p on p.path = trim_array(h.path, 1) left join taxa t on t.id = p.taxon_id
where h.rank = :rank and h.taxon_id is null
"""
_HIGHER_LINK = """
update taxa t set parent_id = p.taxon_id, path = a.path || t.id || '/'
from import_higher h join import_higher p on p.path = trim_array(h.path, 1) join taxa a on a.id = p.taxon_id
where h.rank = :rank and t.id = h.taxon_id and t.parent_id is null and not starts_with(a.path, t.path)
"""
_HIGHER_INSERTED = "update import_higher set taxon_id = new_id where rank = :rank and taxon_id is null"
_RELATIVES = """
update import_rows r set parent_id = x.parent_id, accepted_id = x.accepted_id
from (
  select r.number, coalesce(p.taxon_id, pk.taxon_id, h.taxon_id) as parent_id,
    coalesce(a.taxon_id, ak.taxon_id) as accepted_id
  from import_rows r
  left join import_rows p on p.key = r.parent_key
  left join taxon_keys pk on pk.checklist = :checklist and pk.key = r.parent_key
  left join import_higher h on h.path = r.higher
  left join import_rows a on a.key = r.accepted_key
  left join taxon_keys ak on ak.checklist = :checklist and ak.key = r.accepted_key) x
where x.number = r.number and (x.parent_id is not null or x.accepted_id is not null)
"""
_LINK = """
update taxa t set parent_id = coalesce(nullif(r.parent_id, t.id), t.parent_id),
  accepted_id = nullif(r.accepted_id, t.id)
from import_rows r
where r.taxon_id = t.id and t.checklist = :checklist and (t.parent_id, t.accepted_id)
  is distinct from (coalesce(nullif(r.parent_id, t.id), t.parent_id), nullif(r.accepted_id, t.id))
"""
_FLATTEN = """
with recursive chain (id, accepted_id, depth) as (
  select t.id, t.accepted_id, 1 from taxa t where t.accepted_id is not null
  union all
  select c.id, a.accepted_id, c.depth + 1 from chain c join taxa a on a.id = c.accepted_id
  where a.accepted_id is not null and c.depth < 20),
final as (select distinct on (id) id, accepted_id, depth from chain order by id, depth desc)
update taxa t set accepted_id = case when f.depth < 20 then f.accepted_id end from final f
where f.id = t.id and f.depth > 1
"""
_TREE = """
create temporary table import_tree on commit drop as
with recursive tree (id, path) as (
  select id, '/' || id || '/' from taxa where parent_id is null
  union all select t.id, tree.path || t.id || '/' from taxa t join tree on t.parent_id = tree.id)
select id, path from tree
"""
_PATHS = "update taxa t set path = tree.path from import_tree tree where tree.id = t.id and t.path <> tree.path"
_CIRCLES = """
update taxa t set parent_id = null, path = '/' || t.id || '/'
where not exists (select from import_tree tree where tree.id = t.id) returning t.id
"""
_WARNINGS = """
select number, 'the parent ' || parent_key || ' is in no row and no earlier import' as reason from import_rows
where parent_key is not null and parent_id is null
union all select number, 'the accepted name ' || accepted_key || ' is in no row and no earlier import' from import_rows
where accepted_key is not null and accepted_id is null
union all select number, 'its parents form a circle, so it has no lineage' from import_rows
where taxon_id = any (:circles)
order by 1
"""


class _Driver(Protocol):
    async def copy_records_to_table(
        self, table: str, *, records: Iterable[Sequence[object]], columns: Sequence[str]
    ) -> object: ...


async def begin_import(db: Session) -> None:
    """Makes the temporary tables; another import waits until the transaction ends."""
    for statement in _BEGIN.split(";"):
        await db.execute(text(statement))


async def copy_taxa(db: Session, rows: Sequence[ChecklistRow]) -> None:
    """Adds rows to the temporary table."""
    records = (
        (
            row.number, row.key, row.parent_key, row.accepted_key, row.scientific_name, row.canonical_name, row.rank,
            [f"{rank}:{name}" for rank, name in row.higher] or None, json.dumps(dict(row.vernacular_names)), uuid7(),
        )
        for row in rows
    )  # fmt: skip
    await _copy(db, "import_rows", _ROW_COLUMNS, records)


async def copy_vernaculars(db: Session, rows: Sequence[VernacularRow]) -> None:
    """Adds vernacular names to the temporary table."""
    await _copy(db, "import_names", ("key", "language", "name"), ((row.key, row.language, row.name) for row in rows))


async def _copy(db: Session, table: str, columns: Sequence[str], records: Iterable[Sequence[object]]) -> None:
    connection = await (await db.connection()).get_raw_connection()
    await cast("_Driver", connection.driver_connection).copy_records_to_table(
        table, records=records, columns=list(columns)
    )


async def drop_doubles(db: Session) -> list[tuple[int, str]]:
    """Number and key of rows whose key an earlier row has; they are left out."""
    return [(number, key) for number, key in await db.execute(text(_DROP_DOUBLES))]


async def merge_import(db: Session, checklist: str, counts: Counter[str]) -> list[tuple[int, str]]:
    """Merges the temporary tables into the taxa and counts it; rows with a reason why their lineage is incomplete."""

    async def run(statement: str, **values: object) -> int:
        named = {name: value for name, value in {"checklist": checklist, **values}.items() if f":{name}" in statement}
        result = cast("CursorResult[tuple[()]]", await db.execute(text(statement), named))
        return result.rowcount

    counts["matched"] = await run(_MATCH_KEYS)
    counts["adopted"] = await run(_ADOPT)
    counts["added"] = await run(_INSERT)
    for statement in ("analyze import_rows", _INSERTED, _KEYS, _DESCRIBE, _VERNACULAR, _HIGHER_NODES):
        await run(statement)
    for rank in RANKS:
        for statement in (_HIGHER_MATCH, _HIGHER_LINK, _HIGHER_INSERT, _HIGHER_INSERTED):
            inserted = await run(statement, rank=rank.value)
            counts["added"] += inserted if statement == _HIGHER_INSERT else 0
    for statement in (_RELATIVES, _LINK, _FLATTEN, _TREE, _PATHS):
        await run(statement)
    circles = list((await db.scalars(text(_CIRCLES))).all())
    counts["synonyms"] = (
        await db.execute(text("select count(*) from import_rows where accepted_id is not null"))
    ).scalar_one()
    return [(number, reason) for number, reason in await db.execute(text(_WARNINGS), {"circles": circles})]
