"""Collections: make, read, list, change, archive, count, and the paths in them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response, status

from expert.access.find_row import find_for_change, find_row
from expert.access.guards import MayDescribe, MayRead
from expert.access.make_once import IdempotentRequest
from expert.access.queries_rows import list_rows
from expert.collections import queries
from expert.collections.change import change_collection
from expert.collections.create import create_collection
from expert.collections.errors import CollectionNameTaken
from expert.collections.models import Collection, CollectionResource
from expert.collections.queries import visible_to
from expert.collections.schemas import CollectionChange, CollectionCounts, CollectionReply, NewCollection, PathReply
from expert.deps import Db
from expert.resources.models import Resource
from expert.resources.state import ResourceState
from trapper_kit.paging import PageRequest, split
from trapper_kit.problems import Forbidden, NotFound
from trapper_kit.web.describe import problems
from trapper_kit.web.params import Cursor, IdempotencyKey, Ids, Limit, Name
from trapper_kit.web.versions import IfMatch, check_change, tagged
from trapper_schemas.paging import Page

router = APIRouter(prefix="/api/collections", tags=["collections"])


def _path(row: CollectionResource, resource: Resource) -> PathReply:
    return PathReply(
        id=row.id,
        resource_id=resource.id,
        file_name=row.file_name,
        path=row.path,
        deployment_id=row.deployment_id,
        resource_deployment_id=resource.deployment_id,
        state=resource.state,
        failure_code=resource.failure_code,
        failure_message=resource.failure_message,
    )


def _reply(row: Collection) -> CollectionReply:
    return CollectionReply.model_validate(row, from_attributes=True)


@router.post(
    "/",
    status_code=status.HTTP_201_CREATED,
    responses=problems(NotFound, Forbidden, CollectionNameTaken),
)
async def make(
    body: NewCollection, key: IdempotencyKey, caller: MayDescribe, db: Db, response: Response
) -> CollectionReply:
    """Create a collection of a research project, for resources that came together."""
    row, made = await create_collection(db, caller, IdempotentRequest.of(caller, key, body), body.model_dump())
    response.status_code = status.HTTP_201_CREATED if made else status.HTTP_200_OK
    return tagged(response, _reply(row))


@router.get("/")
async def list_all(
    caller: MayRead,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
    research_project_id: UUID | None = None,
    name: Name = None,
    is_active: bool = True,
) -> Page[CollectionReply]:
    """List collections of the caller's projects, linked into them, or public; archived ones with `is_active=false`."""
    filters = {"id": id, "research_project_id": research_project_id, "name": name, "is_active": is_active}
    page_request = PageRequest.of(limit, cursor, filters)
    rows = await list_rows(db, Collection, visible_to(caller), page_request, **filters)
    items, following = split(rows, page_request, lambda row: [row.id])
    return Page(items=[_reply(row) for row in items], next_cursor=following)


@router.get("/{collection_id}/", responses=problems(NotFound))
async def read(collection_id: UUID, caller: MayRead, db: Db, response: Response) -> CollectionReply:
    """Read one collection."""
    row = await find_row(db, Collection, visible_to(caller), collection_id, noun="collection")
    return tagged(response, _reply(row))


@router.patch("/{collection_id}/", responses=problems(NotFound, Forbidden, CollectionNameTaken))
async def change(
    collection_id: UUID, body: CollectionChange, if_match: IfMatch, caller: MayDescribe, db: Db, response: Response
) -> CollectionReply:
    """Change a collection; `is_active: false` archives it, `true` brings it back."""
    row = await find_for_change(db, caller, Collection, visible_to(caller), collection_id, noun="collection")
    check_change(body, if_match, _reply(row), version=row.version)
    await change_collection(db, caller, row, body.changes())
    return tagged(response, _reply(row))


@router.get("/{collection_id}/counts/", responses=problems(NotFound))
async def count(collection_id: UUID, caller: MayRead, db: Db) -> CollectionCounts:
    """Count the resources of a collection by what is known about them."""
    await find_row(db, Collection, visible_to(caller), collection_id, noun="collection")
    return CollectionCounts(**await queries.count(db, collection_id))


@router.get("/{collection_id}/paths/", responses=problems(NotFound))
async def list_paths(
    collection_id: UUID,
    caller: MayRead,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
    name: Annotated[Name, Query(description="a part of the file name, in any letter case")] = None,
    deployment_id: UUID | None = None,
    resource_id: UUID | None = None,
    state: ResourceState | None = None,
) -> Page[PathReply]:
    """List the paths of a collection with their resources; the same bytes under two paths are two items."""
    await find_row(db, Collection, visible_to(caller), collection_id, noun="collection")
    filters: dict[str, Any] = {
        "ids": id,
        "name": name,
        "deployment_id": deployment_id,
        "resource_id": resource_id,
        "state": state,
    }
    page_request = PageRequest.of(limit, cursor, {"collection_id": collection_id, **filters})
    rows = await queries.list_paths(db, collection_id, page_request, **filters)
    items, following = split(rows, page_request, lambda row: [row[0].id])
    return Page(items=[_path(*row) for row in items], next_cursor=following)
