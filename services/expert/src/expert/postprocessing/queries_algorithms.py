"""Statements about source algorithms, their labels, and the output algorithms of methods."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, func, literal, or_, select, text
from sqlalchemy.orm import aliased

from expert.algorithms import queries as algorithms
from expert.algorithms.models import Algorithm, CategoryLabel, CategoryMap
from expert.algorithms.state import AlgorithmKind
from expert.postprocessing.state import PARAMETER, MethodKey
from expert.taxa.models import Taxon
from expert.taxa_lists.models import TaxaList
from trapper_kit.db import Session
from trapper_schemas.ids import uuid7

_LONGEST_NAME = 200


@dataclass(frozen=True)
class MapLabel:
    """A label of a model by its index."""

    index: int
    label: str
    taxon_id: UUID | None


@dataclass(frozen=True)
class KnownAlgorithm:
    """An algorithm as it was read; unlike the row it outlives its transaction."""

    id: UUID
    name: str
    version: str
    category_map_id: UUID | None
    derived_from_id: UUID | None
    parameters: Mapping[str, object]

    @property
    def method(self) -> str | None:
        """The method that made it; None for a model."""
        method = self.parameters.get(PARAMETER)
        return None if method is None else str(method)


_KNOWN = (
    Algorithm.id,
    Algorithm.name,
    Algorithm.version,
    Algorithm.category_map_id,
    Algorithm.derived_from_id,
    Algorithm.parameters,
)


async def read_algorithm(db: Session, algorithm_id: UUID) -> KnownAlgorithm | None:
    """The algorithm, or None."""
    row = (await db.execute(select(*_KNOWN).where(Algorithm.id == algorithm_id))).one_or_none()
    return None if row is None else KnownAlgorithm(*row)


async def labels_of(db: Session, category_map_id: UUID) -> list[MapLabel]:
    """The labels of a category map in index order."""
    statement = (
        select(CategoryLabel.index, CategoryLabel.label, CategoryLabel.taxon_id)
        .where(CategoryLabel.category_map_id == category_map_id)
        .order_by(CategoryLabel.index)
    )
    return [MapLabel(*row) for row in await db.execute(statement)]


async def derived_from(db: Session, algorithm_id: UUID) -> dict[UUID, KnownAlgorithm]:
    """Every algorithm that is derived from this one by methods, at any distance."""
    chain = select(Algorithm.id).where(Algorithm.id == algorithm_id).cte("chain", recursive=True)
    chain = chain.union(select(Algorithm.id).join(chain, Algorithm.derived_from_id == chain.c.id))
    statement = select(*_KNOWN).where(Algorithm.id.in_(select(chain.c.id)), Algorithm.id != algorithm_id)
    return {row[0]: KnownAlgorithm(*row) for row in await db.execute(statement)}


async def find_taxa_list(db: Session, project_id: UUID, taxa_list_id: UUID) -> TaxaList | None:
    """The list when it is of the project or of everybody."""
    of_project = TaxaList.classification_project_id == project_id
    statement = select(TaxaList).where(
        TaxaList.id == taxa_list_id, or_(TaxaList.classification_project_id.is_(None), of_project)
    )
    return await db.scalar(statement)


async def kept_labels(
    db: Session, category_map_id: UUID, taxa_list_id: UUID, *, include_descendants: bool
) -> list[MapLabel]:
    """The labels whose accepted taxon is in the list or, if wanted, below one of its entries; in index order."""
    above = "cast(unnest(string_to_array(trim(both '/' from a.path), '/')) as uuid)" if include_descendants else "a.id"
    statement = f"""
        select l.index, l.label, l.taxon_id from category_labels l
        where l.category_map_id = :map and l.taxon_id in (
          select above.id from (
            select t.id, {above} as taxon_id from category_labels c join taxa t on t.id = c.taxon_id
              join taxa a on a.id = coalesce(t.accepted_id, t.id) where c.category_map_id = :map) above
          join taxa_list_entries e on e.taxon_id = above.taxon_id and e.taxa_list_id = :list)
        order by l.index"""  # noqa: S608 - constants
    rows = await db.execute(text(statement), {"map": category_map_id, "list": taxa_list_id})
    return [MapLabel(*row) for row in rows]


async def count_labels(db: Session, category_map_id: UUID) -> tuple[int, int]:
    """How many labels a map has, and how many of them name no known taxon."""
    unresolved = CategoryLabel.category_map_id == category_map_id, CategoryLabel.taxon_id.is_(None)
    statement = select(
        CategoryMap.size, select(func.count()).select_from(CategoryLabel).where(*unresolved).scalar_subquery()
    ).where(CategoryMap.id == category_map_id)
    size, without = (await db.execute(statement)).one()
    return size, without


async def indexes_of(db: Session, category_map_id: UUID) -> list[int]:
    """The indexes of a category map in order."""
    statement = select(CategoryLabel.index).where(CategoryLabel.category_map_id == category_map_id)
    return list((await db.scalars(statement.order_by(CategoryLabel.index))).all())


async def lineages_of(db: Session, category_map_id: UUID) -> dict[UUID, list[tuple[str, UUID, str]]]:
    """The rank, id and name of the accepted taxon of each label's taxon, and of all above it, in two statements."""
    accepted = aliased(Taxon)
    of_map = select(CategoryLabel.taxon_id).where(CategoryLabel.category_map_id == category_map_id)
    paths = (
        await db.execute(
            select(Taxon.id, accepted.path)
            .join(accepted, accepted.id == func.coalesce(Taxon.accepted_id, Taxon.id))
            .where(Taxon.id.in_(of_map))
        )
    ).all()
    above = {taxon_id: [UUID(part) for part in path.split("/") if part] for taxon_id, path in paths}
    named = {ancestor for ancestors in above.values() for ancestor in ancestors}
    statement = select(Taxon.id, Taxon.rank, Taxon.canonical_name).where(
        Taxon.id == func.any(literal(list(named), ARRAY(Uuid))), Taxon.rank.is_not(None)
    )
    ranks = {row[0]: (row[1] or "", row[0], row[2]) for row in await db.execute(statement)}
    return {taxon_id: [ranks[each] for each in ancestors if each in ranks] for taxon_id, ancestors in above.items()}


_NAMED_LINEAGES = text("""
    select l.index, e.key, coalesce(t.accepted_id, t.id), t.canonical_name
    from category_labels l cross join jsonb_each_text(l.lineage) e
      join taxa t on lower(t.canonical_name) = lower(e.value) and t.rank = e.key
    where l.category_map_id = :map_id order by t.id desc""")


async def named_lineages_of(db: Session, category_map_id: UUID) -> dict[int, list[tuple[str, UUID, str]]]:
    """By label the rank, id and name of the taxa in the lineage that the model itself gives it."""
    lineages: dict[int, list[tuple[str, UUID, str]]] = {}
    for index, rank, taxon_id, name in await db.execute(_NAMED_LINEAGES, {"map_id": category_map_id}):
        lineages.setdefault(index, []).append((rank, taxon_id, name))
    return lineages


async def output_algorithm(
    db: Session,
    method: MethodKey,
    source: KnownAlgorithm,
    parameters: Mapping[str, object],
    *,
    name: str,
    labels: Sequence[MapLabel] | None = None,
) -> UUID:
    """The algorithm of a method with these parameters on this source; made when it is new.

    With `labels` it has a category map of its own, whose indexes are those of the source; otherwise the source's.
    """
    meaning = {"source": str(source.id), PARAMETER: method.value, **parameters}
    key = f"{method.value}:{content_print(meaning)}"
    map_id = source.category_map_id
    if labels is not None and map_id is not None:
        map_id = await _own_map(db, map_id, labels)
    values = {
        "id": uuid7(),
        "key": key,
        "name": f"{source.name} ({name})"[:_LONGEST_NAME],
        "version": source.version,
        "kind": AlgorithmKind.POST_PROCESSING,
        "category_map_id": map_id,
        "derived_from_id": source.id,
        "parameters": {PARAMETER: method.value, **parameters},
    }
    return await algorithms.insert_algorithm(db, values)


async def _own_map(db: Session, source_map_id: UUID, labels: Sequence[MapLabel]) -> UUID:
    """A category map with these labels of another one, under the same indexes."""
    content = [str(source_map_id), [[each.index, str(each.taxon_id)] for each in labels]]
    labels_print = f"kept:{content_print(content)}"
    known = await algorithms.map_by_print(db, labels_print)
    if known is not None:
        return known
    made = uuid7()
    await algorithms.insert_map(db, {"id": made, "labels_print": labels_print, "size": len(labels)}, ())
    map_id = await algorithms.map_by_print(db, labels_print) or made
    if map_id == made:
        columns = "index, label, observation_type, scientific_name, rank, common_name, taxon_keys, taxon_id"
        statement = f"""
            insert into category_labels (category_map_id, {columns})
            select :made, {columns} from category_labels where category_map_id = :source and index = any(:indexes)"""  # noqa: S608 - constants
        indexes = [label.index for label in labels]
        await db.execute(text(statement), {"made": made, "source": source_map_id, "indexes": indexes})
    return map_id


def content_print(content: object) -> str:
    """The SHA-256 of a JSON document."""
    return sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
