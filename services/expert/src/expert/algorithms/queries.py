"""Statements about algorithms and their labels."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from expert.algorithms.models import Algorithm, CategoryLabel, CategoryMap
from trapper_kit.db import Session


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
