"""Resources: read, list; and their media."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from expert.access.guards import MayRead
from expert.deps import Db, Work
from expert.resources import queries
from expert.resources.errors import MediaGated, ResourceUnknown, ThumbnailAbsent
from expert.resources.open_media import OpenedMedia, open_original, open_thumbnail
from expert.resources.schemas import ResourceDetail, ResourceReply
from expert.resources.state import ResourceState
from trapper_kit.objects import ObjectMissing
from trapper_kit.paging import PageRequest, split
from trapper_kit.web.app import problems
from trapper_kit.web.params import Cursor, Limit
from trapper_schemas.paging import Page

router = APIRouter(prefix="/api", tags=["resources"])


def _stream(opened: OpenedMedia) -> StreamingResponse:
    headers = {**opened.headers, "Content-Length": str(opened.stored.size_bytes)}
    return StreamingResponse(opened.stored.chunks, media_type=opened.media_type, headers=headers)


@router.get("/resources/")
async def list_all(
    caller: MayRead,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    research_project_id: UUID | None = None,
    collection_id: UUID | None = None,
    deployment_id: UUID | None = None,
    state: ResourceState | None = None,
) -> Page[ResourceReply]:
    """Resources that one may see, oldest upload first."""
    filters = {
        "research_project_id": research_project_id,
        "collection_id": collection_id,
        "deployment_id": deployment_id,
        "state": state,
    }
    page_request = PageRequest.of(limit, cursor, filters)
    rows = await queries.list_visible(
        db,
        caller,
        page_request,
        research_project_id=research_project_id,
        collection_id=collection_id,
        deployment_id=deployment_id,
        state=state,
    )
    items, following = split(rows, page_request, lambda row: [row.id])
    return Page(items=[ResourceReply.model_validate(row, from_attributes=True) for row in items], next_cursor=following)


@router.get("/resources/{resource_id}/", responses=problems(ResourceUnknown))
async def read(resource_id: UUID, caller: MayRead, db: Db) -> ResourceDetail:
    """One resource, with its EXIF."""
    row = await queries.read_visible(db, caller, resource_id)
    if row is None:
        raise ResourceUnknown("there is no such resource, or none that you may see")
    return ResourceDetail.model_validate(row, from_attributes=True)


@router.get(
    "/media/{resource_id}/original",
    response_class=StreamingResponse,
    responses=problems(ResourceUnknown, MediaGated, ObjectMissing),
)
async def read_original(resource_id: UUID, caller: MayRead, work: Work) -> StreamingResponse:
    """The file itself, byte for byte."""
    return _stream(await open_original(work, caller, resource_id))


@router.get(
    "/media/{resource_id}/thumbnail",
    response_class=StreamingResponse,
    responses=problems(ResourceUnknown, MediaGated, ThumbnailAbsent),
)
async def read_thumbnail(resource_id: UUID, caller: MayRead, work: Work) -> StreamingResponse:
    """A small upright JPEG."""
    return _stream(await open_thumbnail(work, caller, resource_id))
