"""Statements of the search by embeddings; vectors stay in the database."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pgvector import HalfVector
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    ColumnElement,
    Float,
    ScalarSelect,
    Select,
    TableClause,
    Uuid,
    cast,
    column,
    func,
    select,
    table,
    text,
)

from expert.access.state import Caller
from expert.algorithms.queries_partitions import partition_of
from expert.classification_projects.queries import row_visible_to
from expert.observations.models import Observation
from expert.outputs.models import Embedding
from expert.taxa import queries as taxa
from expert.taxa.models import Taxon
from trapper_kit.db import Session

SCANNED_AT_MOST = 200_000
"""Entries of the index that one search goes through before it gives up."""


@dataclass(frozen=True)
class SimilarFilters:
    """What the objects found must be of; nothing given means any."""

    classification_project_id: Sequence[UUID] = ()
    taxon_id: Sequence[UUID] = ()
    deployment_id: Sequence[UUID] = ()


@dataclass(frozen=True)
class Source:
    """The embedding that others are compared with."""

    observation_id: UUID
    algorithm_id: UUID


@dataclass(frozen=True)
class Near:
    """An object, the scientific name of its taxon, and its cosine distance."""

    observation: Observation
    scientific_name: str | None
    distance: float


def _visible(caller: Caller) -> ColumnElement[bool]:
    return row_visible_to(
        caller,
        project_id=Observation.classification_project_id,
        linked_collection_id=Observation.linked_collection_id,
        resource_id=Observation.resource_id,
    )


async def source_ids(db: Session, caller: Caller, observation_id: UUID) -> list[UUID]:
    """The id of an observation that the caller may see, and of the one that it was copied from."""
    statement = select(Observation.id, Observation.copied_from_id).where(
        Observation.id == observation_id, _visible(caller)
    )
    row = (await db.execute(statement)).one_or_none()
    return [] if row is None else [id_ for id_ in row if id_ is not None]


async def embedding_of(db: Session, observation_ids: Sequence[UUID], algorithm_id: UUID | None) -> Source | None:
    """The embedding of the first of these observations that has one, of the newest algorithm or the given one."""
    statement = select(Embedding.observation_id, Embedding.algorithm_id).where(
        Embedding.observation_id.in_(observation_ids)
    )
    if algorithm_id is not None:
        statement = statement.where(Embedding.algorithm_id == algorithm_id)
    own_first = Embedding.observation_id == observation_ids[0]
    row = (await db.execute(statement.order_by(own_first.desc(), Embedding.algorithm_id.desc()).limit(1))).one_or_none()
    return None if row is None else Source(row[0], row[1])


def _joined(partition: TableClause, caller: Caller, source: Source, filters: SimilarFilters) -> Select[tuple[UUID]]:
    """The visible current objects with a vector in the partition, without the source."""
    statement = (
        select(partition.c.observation_id)
        .select_from(partition)
        .join(Observation, Observation.id == partition.c.observation_id)
        .where(
            Observation.is_current,
            Observation.id != source.observation_id,
            _visible(caller),
        )
    )
    if filters.classification_project_id:
        statement = statement.where(Observation.classification_project_id.in_(filters.classification_project_id))
    if filters.taxon_id:
        statement = statement.where(Observation.taxon_id.in_(taxa.with_descendants(filters.taxon_id)))
    if filters.deployment_id:
        statement = statement.where(Observation.deployment_id.in_(filters.deployment_id))
    return statement


def _partition(source: Source) -> TableClause:
    return table(partition_of(source.algorithm_id), column("observation_id", Uuid), column("vector", HALFVEC()))


def _source_vector(source: Source) -> ScalarSelect[HalfVector]:
    return (
        select(Embedding.vector)
        .where(Embedding.algorithm_id == source.algorithm_id, Embedding.observation_id == source.observation_id)
        .scalar_subquery()
    )


async def count_visible(db: Session, caller: Caller, source: Source, filters: SimilarFilters, *, at_most: int) -> int:
    """The number of objects that are compared, counted no further than `at_most`."""
    rows = _joined(_partition(source), caller, source, filters).limit(at_most).subquery()
    return (await db.execute(select(func.count()).select_from(rows))).scalar_one()


async def nearest_of_all(
    db: Session, caller: Caller, source: Source, filters: SimilarFilters, *, limit: int
) -> list[Near]:
    """The nearest objects, each visible one compared."""
    partition = _partition(source)
    distance = _distance(partition.c.vector, _source_vector(source))
    objects = _joined(partition, caller, source, filters)
    return await _nearest(db, objects, distance, limit)


async def nearest_by_index(
    db: Session, caller: Caller, source: Source, filters: SimilarFilters, *, dimension: int, limit: int
) -> list[Near]:
    """The nearest objects that the HNSW index finds; it is searched on until enough of them pass the filters."""
    # Without a sort, the index is the only plan whose rows come in order; the settings end with the transaction.
    for name, value in (
        ("hnsw.iterative_scan", "strict_order"),
        ("hnsw.max_scan_tuples", str(SCANNED_AT_MOST)),
        ("hnsw.ef_search", str(max(100, min(2 * limit, 1_000)))),
        ("enable_sort", "off"),
    ):
        await db.execute(text("select set_config(:name, :value, true)"), {"name": name, "value": value})
    partition = _partition(source)
    kind = HALFVEC(dimension)
    distance = _distance(cast(partition.c.vector, kind), cast(_source_vector(source), kind))
    objects = _joined(partition, caller, source, filters)
    rows = await _nearest(db, objects, distance, limit)
    await db.execute(text("select set_config('enable_sort', 'on', true)"))
    return rows


def _distance(vector: ColumnElement[HalfVector], other: ColumnElement[HalfVector]) -> ColumnElement[float]:
    """The cosine distance of two vectors."""
    return vector.op("<=>", return_type=Float())(other)


async def _nearest(db: Session, objects: Select[tuple[UUID]], distance: ColumnElement[float], limit: int) -> list[Near]:
    """The objects of a statement that selects ids, nearest first."""
    statement = objects.add_columns(distance.label("distance")).order_by(distance).limit(limit)
    rows = [(row.observation_id, row.distance) for row in await db.execute(statement)]
    distances = {row_id: value for row_id, value in rows if not math.isnan(value)}  # a zero vector has no direction
    named = (
        select(Observation, Taxon.scientific_name)
        .join(Taxon, Taxon.id == Observation.taxon_id, isouter=True)
        .where(Observation.id.in_(list(distances)))
    )
    found = [Near(row, name, max(0.0, distances[row.id])) for row, name in await db.execute(named)]
    return sorted(found, key=lambda near: (near.distance, near.observation.id))
