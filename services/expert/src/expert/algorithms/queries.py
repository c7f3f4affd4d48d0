"""Statements about algorithms and their labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from expert.algorithms.models import Algorithm, CategoryLabel, CategoryMap
from expert.algorithms.state import AlgorithmKind
from expert.base import number_of_key
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, has_part, page_of


@dataclass(frozen=True)
class AlgorithmFilter:
    """What the list of algorithms is filtered by."""

    id: Sequence[UUID] | None
    name: str | None
    kind: Sequence[AlgorithmKind] | None
    sha256: str | None
    derived_from_id: UUID | None


@dataclass(frozen=True)
class Described:
    """An algorithm, the one that it is derived from, and how many labels it has."""

    algorithm: Algorithm
    derived_from: Algorithm | None
    label_count: int


async def map_by_print(db: Session, labels_print: str) -> UUID | None:
    return await db.scalar(select(CategoryMap.id).where(CategoryMap.labels_print == labels_print))


async def insert_map(db: Session, values: dict[str, Any], labels: Sequence[dict[str, Any]]) -> None:
    """Inserts the map with its labels, or returns an equal one."""
    made = insert(CategoryMap).values(**values).on_conflict_do_nothing().returning(CategoryMap.id)
    if await db.scalar(made) is not None and labels:
        await db.execute(insert(CategoryLabel), labels)


async def labels_of(db: Session, category_map_id: UUID) -> Sequence[CategoryLabel]:
    """Returns the labels in index order."""
    statement = (
        select(CategoryLabel).where(CategoryLabel.category_map_id == category_map_id).order_by(CategoryLabel.index)
    )
    return (await db.scalars(statement)).all()


async def insert_algorithm(db: Session, values: dict[str, Any]) -> UUID:
    """Returns the id of the algorithm with this key, inserted if it is new."""
    await db.execute(insert(Algorithm).values(**values).on_conflict_do_nothing(index_elements=["key"]))
    return (await db.scalars(select(Algorithm.id).where(Algorithm.key == values["key"]))).one()


async def list_algorithms(db: Session, page_request: PageRequest, given: AlgorithmFilter) -> Sequence[Algorithm]:
    """A page of algorithms in the order of ids, which is that of registration."""
    statement = select(Algorithm)
    if given.name is not None:
        statement = statement.where(has_part(Algorithm.name, given.name))
    if given.kind:
        statement = statement.where(Algorithm.kind.in_(given.kind))
    if given.sha256 is not None:
        statement = statement.where(Algorithm.sha256 == given.sha256)
    if given.derived_from_id is not None:
        statement = statement.where(Algorithm.derived_from_id == given.derived_from_id)
    return (await db.scalars(page_of(statement, [Algorithm.id], page_request, [UUID], ids=given.id))).all()


async def read(db: Session, algorithm_id: UUID) -> Algorithm | None:
    """The algorithm, or None."""
    return await db.get(Algorithm, algorithm_id)


async def describe(db: Session, rows: Sequence[Algorithm]) -> list[Described]:
    """Adds to each algorithm what it is derived from, and how many labels it has."""
    ids = {row.derived_from_id for row in rows}
    sources = {row.id: row for row in await db.scalars(select(Algorithm).where(Algorithm.id.in_(ids)))}
    maps = {row.category_map_id for row in rows}
    sizes = {row.id: row.size for row in await db.scalars(select(CategoryMap).where(CategoryMap.id.in_(maps)))}
    return [
        Described(
            row,
            sources.get(row.derived_from_id) if row.derived_from_id else None,
            sizes.get(row.category_map_id, 0) if row.category_map_id else 0,
        )
        for row in rows
    ]


async def list_labels(
    db: Session, algorithm_id: UUID, page_request: PageRequest, *, name: str | None
) -> Sequence[CategoryLabel]:
    """A page of an algorithm's labels in index order."""
    statement = (
        select(CategoryLabel)
        .join(Algorithm, Algorithm.category_map_id == CategoryLabel.category_map_id)
        .where(Algorithm.id == algorithm_id)
    )
    if name is not None:
        statement = statement.where(has_part(CategoryLabel.label, name))
    return (await db.scalars(page_of(statement, [CategoryLabel.index], page_request, [number_of_key]))).all()
