"""Statements about collections and what lies in them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from expert.access.queries import readable_collections
from expert.access.state import Caller
from expert.collections.models import Collection, CollectionResource
from expert.resources.models import Resource
from expert.resources.state import ResourceState
from trapper_kit.db import Session, state_type
from trapper_kit.paging import PageRequest, has_part, page_of

DESCRIBED = literal(ResourceState.DESCRIBED, state_type(ResourceState), literal_execute=True)


def visible_to(caller: Caller) -> ColumnElement[bool]:
    """Of the caller's research projects, linked into the caller's projects, or public."""
    return Collection.id.in_(readable_collections(caller))


async def of_project(db: Session, collection_id: UUID, research_project_id: UUID) -> Collection | None:
    """The collection; None when it is of another research project."""
    statement = select(Collection).where(
        Collection.id == collection_id, Collection.research_project_id == research_project_id
    )
    return await db.scalar(statement)


async def count(db: Session, collection_id: UUID) -> dict[str, int]:
    """Distinct resources by what is known about them, and paths; archived resources count only as such."""
    members = select(CollectionResource.resource_id).where(CollectionResource.collection_id == collection_id)
    of_path = CollectionResource.collection_id == collection_id
    is_moved = CollectionResource.deployment_id.is_distinct_from(Resource.deployment_id)
    active = Resource.is_active
    counts = select(
        func.count().filter(active).label("resources"),
        *(func.count().filter(active, Resource.state == state).label(state.value) for state in ResourceState),
        func.count().filter(active, Resource.is_damaged).label("damaged"),
        func.count().filter(active, Resource.state == DESCRIBED, Resource.captured_at.is_(None)).label("without_time"),
        func.count().filter(active, Resource.time_issue.is_not(None)).label("time_issues"),
        func.count().filter(active, Resource.outside_deployment).label("outside_deployment"),
        func.count().filter(~active).label("archived"),
    ).where(Resource.id.in_(members))
    paths = (
        select(
            func.count().label("paths"),
            func.count().filter(Resource.state == ResourceState.UNREADABLE).label("unreadable_paths"),
            func.count().filter(CollectionResource.deployment_id.is_not(None), is_moved).label("elsewhere_paths"),
        )
        .join(Resource, Resource.id == CollectionResource.resource_id)
        .where(of_path, active)
    )
    of_resources, of_paths = (await db.execute(counts)).mappings().one(), (await db.execute(paths)).mappings().one()
    return {str(name): int(number) for counted in (of_resources, of_paths) for name, number in counted.items()}


async def list_paths(
    db: Session,
    collection_id: UUID,
    page_request: PageRequest,
    *,
    ids: Sequence[UUID] | None,
    name: str | None,
    deployment_id: UUID | None,
    resource_id: UUID | None,
    state: ResourceState | None,
) -> Sequence[tuple[CollectionResource, Resource]]:
    """Paths with their resources; each path is at the deployment it was uploaded for."""
    statement: Any = (
        select(CollectionResource, Resource)
        .join(Resource, Resource.id == CollectionResource.resource_id)
        .where(CollectionResource.collection_id == collection_id)
    )
    if name is not None:
        statement = statement.where(has_part(CollectionResource.file_name, name))
    if deployment_id is not None:
        statement = statement.where(CollectionResource.deployment_id == deployment_id)
    if resource_id is not None:
        statement = statement.where(CollectionResource.resource_id == resource_id)
    if state is not None:
        statement = statement.where(Resource.state == state)
    rows: Any = await db.execute(page_of(statement, [CollectionResource.id], page_request, [UUID], ids=ids))
    return [(row[0], row[1]) for row in rows]


async def add_paths(db: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Put resources into collections under their paths; a path that is there already learns its deployment."""
    if rows:
        made = insert(CollectionResource)
        deployment_id = made.excluded.deployment_id
        statement = made.on_conflict_do_update(
            index_elements=["collection_id", "resource_id", "path_print"],
            set_={"deployment_id": deployment_id},
            where=deployment_id.is_not(None),
        )
        await db.execute(statement, rows)
