"""Statements about classificators."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from expert.classificators.models import Classificator
from trapper_kit.db import Session


async def insert_once(db: Session, values: dict[str, Any]) -> None:
    made = insert(Classificator).values(**values)
    await db.execute(made.on_conflict_do_nothing(index_elements=["research_project_id", "name"]))


async def by_name(db: Session, research_project_id: UUID, name: str) -> Classificator:
    statement = select(Classificator).where(
        Classificator.research_project_id == research_project_id, Classificator.name == name
    )
    return (await db.scalars(statement)).one()
