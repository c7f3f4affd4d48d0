"""The determination of occurrences in SQL, for any number of them at once; `state.determine` is the same rule."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text

from expert.observations.state import ClassificationType
from trapper_kit.db import Session

_MEMBERS = """
    select o.id, o.occurrence_id, o.taxon_id, o.classification_type, o.is_current,
      case when o.classification_type = '{ai}' then coalesce(o.classification_confidence, o.detection_confidence)
        else o.classification_confidence end as score, f.approved_at
    from observations o
      left join classifications f on f.source_classification_id = o.classification_id and f.type = '{final}'
    where o.occurrence_id {scope}
      and (f.id is not null or (o.classification_type = '{ai}' and o.is_current))"""
_RULE = """
    members as ({members}),
    identified as (
      select distinct on (occurrence_id) occurrence_id, id, taxon_id from identifications
      where occurrence_id {scope} and withdrawn_at is null and replaced_by_id is null
      order by occurrence_id, created_at desc, id desc),
    approved as (
      select distinct on (occurrence_id) occurrence_id, id, taxon_id, score from members where approved_at is not null
      order by occurrence_id, taxon_id is not null desc, approved_at desc, id desc),
    predicted as (
      select distinct on (m.occurrence_id) m.occurrence_id, p.id, p.taxon_id, p.score
      from members m join predictions p on p.observation_id = m.id and p.terminal and p.taxon_id is not null
      where m.classification_type = '{ai}' and m.is_current
      order by m.occurrence_id, p.score desc, p.id),
    present as (select distinct occurrence_id from members),
    determined as (
      select o.id,
        case when i.occurrence_id is not null then i.taxon_id when a.occurrence_id is not null then a.taxon_id
          else p.taxon_id end as taxon_id,
        case when i.occurrence_id is not null then null when a.occurrence_id is not null then a.score
          else p.score end as score,
        case when i.occurrence_id is not null then 'identification' when a.occurrence_id is not null then 'approval'
          when p.occurrence_id is not null then 'prediction' end as source,
        coalesce(i.id, a.id, p.id) as source_id,
        c.occurrence_id is not null as is_current,
        c.occurrence_id is null and i.occurrence_id is not null as is_unmatched
      from occurrences o
        left join identified i on i.occurrence_id = o.id
        left join approved a on a.occurrence_id = o.id
        left join predicted p on p.occurrence_id = o.id
        left join present c on c.occurrence_id = o.id
      where o.id {scope})"""
_STORED = (
    "(o.determination_taxon_id, o.determination_score, o.determination_source, o.is_current, o.is_unmatched) "
    "is distinct from (d.taxon_id, d.score, d.source, d.is_current, d.is_unmatched)"
)


def _rule(scope: str) -> str:
    names = {"scope": scope, "ai": ClassificationType.AI, "final": ClassificationType.FINAL}
    return _RULE.format(members=_MEMBERS.format(**names), **names)


DIFFERING = f"with {_rule('is not null')} select o.id from occurrences o join determined d using (id) where {_STORED}"  # noqa: S608
"""Occurrences whose stored determination is not what the rule gives."""


async def refresh_determinations(db: Session, occurrence_ids: Collection[UUID]) -> set[UUID]:
    """Determine these occurrences anew, in two statements; the ids of those that changed.

    They are locked in the order of their ids, so that two transactions never wait for each other crosswise.
    """
    if not occurrence_ids:
        return set()
    values = {"ids": list(occurrence_ids)}
    await db.execute(text("select id from occurrences where id = any(:ids) order by id for no key update"), values)
    statement = f"""with {_rule("= any(:ids)")}
        update occurrences o set determination_taxon_id = d.taxon_id, determination_score = d.score,
          determination_source = d.source, is_current = d.is_current, is_unmatched = d.is_unmatched
        from determined d where d.id = o.id and {_STORED} returning o.id"""  # noqa: S608 - constants
    return set((await db.execute(text(statement), values)).scalars())


async def source_of(db: Session, occurrence_id: UUID) -> UUID | None:
    """The identification, approved observation or prediction that the determination comes from."""
    statement = f"with {_rule('= any(:ids)')} select source_id from determined"  # noqa: S608 - constants
    return (await db.execute(text(statement), {"ids": [occurrence_id]})).scalar_one()
