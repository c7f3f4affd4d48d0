"""Statements about labels without a taxon, and about observations that say what a label said before."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Integer, Select, Uuid, bindparam, func, or_, select, text
from sqlalchemy.orm import aliased
from sqlalchemy.sql.selectable import Exists

from expert.algorithms.models import Algorithm, CategoryLabel
from expert.algorithms.state import AlgorithmKind
from expert.base import number_of_key
from expert.observations.state import ClassificationType, ObservationType
from expert.taxa.models import Taxon
from expert.unresolved_labels.state import LabelMatch
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, has_part, page_of
from trapper_schemas.v1.models import NO_RANK, ObjectType

_NO_TAXON = (ObjectType.HUMAN, ObjectType.VEHICLE)
_STALE = f"""
    with changes as (select * from unnest(:maps, :indexes, :taxa) as c (category_map_id, index, taxon_id)),
    page as (
      select id, classification_id, occurrence_id, observation_type from observations
      where classification_project_id = :project and is_current and id > :after
        and classification_type = '{ClassificationType.AI}'
      order by id limit :rows),
    stale as (
      select distinct on (p.id) p.id, p.observation_id, o.occurrence_id,
        coalesce(c.taxon_id, l.taxon_id) as taxon_id
      from page o
        join classifications s on s.id = o.classification_id and s.locked_at is null
        join predictions p on p.observation_id = o.id
        join algorithms a on a.id = p.algorithm_id
        join category_labels l on l.category_map_id = a.category_map_id and l.label = p.label
        left join changes c on c.category_map_id = l.category_map_id and c.index = l.index
      where o.observation_type = '{ObservationType.ANIMAL}'
        and coalesce(c.taxon_id, l.taxon_id) is not null
        and coalesce(c.taxon_id, l.taxon_id) is distinct from p.taxon_id
      order by p.id, l.index)"""  # noqa: S608 - constants


class Page(NamedTuple):
    """What a page of observations came to; the last id is None when it is empty."""

    rows: int
    last_id: UUID | None
    observation_ids: Sequence[UUID]
    occurrence_ids: Sequence[UUID]


@dataclass(frozen=True)
class UnresolvedRow:
    """A label without a taxon, and the algorithm that it is of."""

    algorithm: Algorithm
    label: CategoryLabel


def _names_a_taxon() -> ColumnElement[bool]:
    """Whether a label is to have a taxon: one with a name or key, or any of a classifier."""
    named = or_(CategoryLabel.scientific_name.is_not(None), func.jsonb_array_length(CategoryLabel.taxon_keys) > 0)
    return or_(named, _of_classifier())


def _of_classifier() -> Exists:
    model = aliased(Algorithm)
    of_map = model.category_map_id == CategoryLabel.category_map_id
    return select(model.id).where(of_map, model.kind == AlgorithmKind.CLASSIFICATION).correlate(CategoryLabel).exists()


_UNRESOLVED = (
    CategoryLabel.taxon_id.is_(None),
    CategoryLabel.rank.is_distinct_from(NO_RANK),
    or_(CategoryLabel.observation_type.is_(None), CategoryLabel.observation_type.not_in(_NO_TAXON)),
    _names_a_taxon(),
)


async def list_unresolved(
    db: Session, page_request: PageRequest, *, algorithm_id: UUID | None, name: str | None
) -> list[UnresolvedRow]:
    """A page of labels without a taxon, by algorithm and index."""
    joined = select(CategoryLabel, Algorithm).join(
        Algorithm, Algorithm.category_map_id == CategoryLabel.category_map_id
    )
    statement = cast("Select[CategoryLabel]", joined.where(*_UNRESOLVED))  # of pairs, which a page need not know
    if algorithm_id is not None:
        statement = statement.where(Algorithm.id == algorithm_id)
    if name is not None:
        statement = statement.where(has_part(CategoryLabel.label, name))
    keys = [Algorithm.id, CategoryLabel.index]
    rows = (await db.execute(page_of(statement, keys, page_request, [UUID, number_of_key]))).all()
    pairs = cast("Sequence[tuple[CategoryLabel, Algorithm]]", rows)
    return [UnresolvedRow(algorithm, label) for label, algorithm in pairs]


async def unresolved(db: Session) -> Sequence[CategoryLabel]:
    """Every label without a taxon."""
    return (await db.scalars(select(CategoryLabel).where(*_UNRESOLVED))).all()


async def of_synonyms(db: Session) -> list[LabelMatch]:
    """Labels whose taxon became a synonym, with its accepted taxon."""
    statement = (
        select(CategoryLabel.category_map_id, CategoryLabel.index, Taxon.accepted_id)
        .join(Taxon, Taxon.id == CategoryLabel.taxon_id)
        .where(Taxon.accepted_id.is_not(None))
    )
    return [LabelMatch(*row) for row in await db.execute(statement)]


async def by_vernacular(db: Session, names: Collection[str]) -> dict[str, list[UUID]]:
    """Accepted taxa by a vernacular name in lower case, in any language."""
    statement = """
        select distinct lower(v.value), t.id from taxa t, jsonb_each_text(t.vernacular_names) v
        where lower(v.value) = any(:names) and t.accepted_id is null order by 1, 2"""
    found: dict[str, list[UUID]] = {}
    for name, taxon_id in await db.execute(text(statement), {"names": list(names)}):
        found.setdefault(name, []).append(taxon_id)
    return found


async def names_of(db: Session, ids: Collection[UUID]) -> dict[UUID, str]:
    """The scientific names of taxa."""
    rows = await db.execute(select(Taxon.id, Taxon.scientific_name).where(Taxon.id.in_(ids)))
    return {row[0]: row[1] for row in rows}


async def write_matches(db: Session, matches: Sequence[LabelMatch]) -> None:
    """Give labels their taxa."""
    statement = """
        update category_labels l set taxon_id = c.taxon_id
        from unnest(:maps, :indexes, :taxa) as c (category_map_id, index, taxon_id)
        where l.category_map_id = c.category_map_id and l.index = c.index"""
    await db.execute(text(statement).bindparams(*_ARRAYS), _arrays(matches))


_ARRAYS = (
    bindparam("maps", type_=ARRAY(Uuid)),
    bindparam("indexes", type_=ARRAY(Integer)),
    bindparam("taxa", type_=ARRAY(Uuid)),
)


def _arrays(matches: Sequence[LabelMatch]) -> dict[str, object]:
    return {
        "maps": [each.category_map_id for each in matches],
        "indexes": [each.index for each in matches],
        "taxa": [each.taxon_id for each in matches],
    }


async def count_current(db: Session, project_id: UUID) -> int:
    """How many current AI observations a project has."""
    statement = f"""
        select count(*) from observations where classification_project_id = :project and is_current
          and classification_type = '{ClassificationType.AI}'"""  # noqa: S608 - constants
    return (await db.execute(text(statement), {"project": project_id})).scalar_one()


async def find_stale(db: Session, project_id: UUID, after: UUID, rows: int, matches: Sequence[LabelMatch]) -> Page:
    """The next observations, and those of them whose predictions have another taxon than their label.

    `matches` are labels that would get a taxon. Approved rows are never stale.
    """
    statement = f"""{_STALE}
        select (select count(*) from page), (select max(id::text)::uuid from page),
          array(select distinct observation_id from stale order by 1),
          array(select distinct occurrence_id from stale where occurrence_id is not null order by 1)"""  # noqa: S608 - constants
    values = {"project": project_id, "after": after, "rows": rows, **_arrays(matches)}
    return Page(*(await db.execute(text(statement).bindparams(*_ARRAYS), values)).one())


async def lock_classifications(db: Session, observation_ids: Collection[UUID]) -> None:
    """Nobody approves the rows of these observations until the transaction ends; in the order of ids."""
    statement = """
        select c.id from classifications c
        where c.id in (select classification_id from observations where id = any(:ids)) order by c.id for share"""
    await db.execute(text(statement), {"ids": list(observation_ids)})


async def point_anew(db: Session, project_id: UUID, after: UUID, rows: int) -> None:
    """Give the predictions of the next observations the taxa of their labels, and observations what they say."""
    values = {"project": project_id, "after": after, "rows": rows, **_arrays(())}
    moved = f"""{_STALE} update predictions p set taxon_id = s.taxon_id from stale s where s.id = p.id
        returning p.observation_id, p.taxon_id, p.terminal"""  # noqa: S608 - constants
    changed = [(row[0], row[1]) for row in await db.execute(text(moved).bindparams(*_ARRAYS), values) if row[2]]
    statement = text("""
        update observations o set taxon_id = s.taxon_id from unnest(:ids, :taxa) as s (id, taxon_id)
        where o.id = s.id""").bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("taxa", type_=ARRAY(Uuid)))
    await db.execute(statement, {"ids": [row[0] for row in changed], "taxa": [row[1] for row in changed]})
