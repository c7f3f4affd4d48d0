"""Statements about collections and what lies in them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from expert.access.queries import readable_collections
from expert.access.state import Caller
from expert.collections.models import Collection, CollectionResource
from expert.resources.models import Resource
from expert.resources.state import ResourceState
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, page_of


async def list_visible(
    db: Session, caller: Caller, page_request: PageRequest, *, research_project_id: UUID | None, name: str | None
) -> Sequence[Collection]:
    statement = select(Collection).where(Collection.id.in_(readable_collections(caller)))
    if research_project_id is not None:
        statement = statement.where(Collection.research_project_id == research_project_id)
    if name is not None:
        statement = statement.where(Collection.name == name)
    return (await db.scalars(page_of(statement, [Collection.id], page_request, [UUID]))).all()


async def read_visible(db: Session, caller: Caller, row_id: UUID, *, lock: bool = False) -> Collection | None:
    statement = select(Collection).where(Collection.id == row_id, Collection.id.in_(readable_collections(caller)))
    return await db.scalar(statement.with_for_update() if lock else statement)


async def is_of(db: Session, collection_id: UUID, research_project_id: UUID) -> bool:
    """Whether the collection is one of the research project."""
    found = await db.scalar(select(Collection.research_project_id).where(Collection.id == collection_id))
    return found == research_project_id


async def count(db: Session, collection_id: UUID) -> dict[str, int]:
    """Distinct resources by state, and paths."""
    members = select(CollectionResource.resource_id).where(CollectionResource.collection_id == collection_id).distinct()
    by_state = select(Resource.state, func.count()).where(Resource.id.in_(members)).group_by(Resource.state)
    found = {row[0]: int(row[1]) for row in await db.execute(by_state)}
    paths = await db.scalar(
        select(func.count()).select_from(CollectionResource).where(CollectionResource.collection_id == collection_id)
    )
    states = {state.value: found.get(state, 0) for state in ResourceState}
    return {"resources": sum(found.values()), **states, "paths": int(paths or 0)}


async def list_paths(db: Session, collection_id: UUID, page_request: PageRequest) -> Sequence[CollectionResource]:
    statement = select(CollectionResource).where(CollectionResource.collection_id == collection_id)
    return (await db.scalars(page_of(statement, [CollectionResource.id], page_request, [UUID]))).all()


async def add_paths(db: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Put resources into collections under their paths; those that are there already stay as they are."""
    if rows:
        await db.execute(insert(CollectionResource).on_conflict_do_nothing(), rows)
