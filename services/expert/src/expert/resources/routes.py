"""Resources: read, list, change; and their media."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from expert.access.find_row import find_for_change
from expert.access.guards import MayDescribe, MayRead
from expert.capture_times.state import ROWS_CHANGED, TimeIssue
from expert.deps import Db, Work
from expert.resources import queries
from expert.resources.change import change_resource, hold_deployments
from expert.resources.errors import MediaGated, MediaRemote, ResourceUnknown, ThumbnailAbsent
from expert.resources.models import Resource
from expert.resources.open_media import OpenedMedia, open_original, open_thumbnail
from expert.resources.queries import ResourceFilter
from expert.resources.schemas import (
    ChangedResource,
    ResourceChange,
    ResourceDetail,
    ResourcePlaceReply,
    ResourcePlaces,
    ResourceReply,
)
from expert.resources.state import ResourceState
from trapper_kit.objects import ObjectMissing
from trapper_kit.paging import PageRequest, split
from trapper_kit.problems import Forbidden, NotFound
from trapper_kit.web.describe import OCTET_STREAM, binary, problems
from trapper_kit.web.params import Cursor, Ids, Limit, Name
from trapper_kit.web.versions import IfMatch, check_change, tagged
from trapper_schemas.paging import Page
from trapper_schemas.times import Moment

router = APIRouter(prefix="/api", tags=["resources"])


def _stream(request: Request, opened: OpenedMedia) -> StreamingResponse:
    headers = {**opened.headers, "Content-Length": str(opened.stored.size_bytes)}
    as_bytes = request.headers.get("Accept") == OCTET_STREAM
    return StreamingResponse(
        opened.stored.chunks, media_type=OCTET_STREAM if as_bytes else opened.media_type, headers=headers
    )


def _reply(row: Resource) -> ResourceDetail:
    return ResourceDetail.model_validate(row, from_attributes=True)


@router.get("/resources/")
async def list_all(
    caller: MayRead,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
    research_project_id: UUID | None = None,
    collection_id: UUID | None = None,
    deployment_id: UUID | None = None,
    sequence_id: UUID | None = None,
    name: Annotated[Name, Query(description="a part of the file name of the first upload, in any letter case")] = None,
    state: ResourceState | None = None,
    is_active: Annotated[bool, Query(description="false lists archived resources")] = True,
    is_damaged: Annotated[bool | None, Query(description="part of the picture is lost")] = None,
    has_time: bool | None = None,
    time_issue: TimeIssue | None = None,
    outside_deployment: Annotated[bool | None, Query(description="captured outside of its deployment's period")] = None,
    elsewhere: Annotated[bool | None, Query(description="also uploaded for another deployment")] = None,
    captured_from: Moment | None = None,
    captured_until: Moment | None = None,
) -> Page[ResourceReply]:
    """List resources in the order of upload; with `collection_id`, under the names that the collection has for them."""
    given = ResourceFilter(
        id=id,
        research_project_id=research_project_id,
        collection_id=collection_id,
        deployment_id=deployment_id,
        sequence_id=sequence_id,
        name=name,
        state=state,
        is_active=is_active,
        is_damaged=is_damaged,
        has_time=has_time,
        time_issue=time_issue,
        outside_deployment=outside_deployment,
        elsewhere=elsewhere,
        captured_from=captured_from,
        captured_until=captured_until,
    )
    page_request = PageRequest.of(limit, cursor, vars(given))
    rows = await queries.list_visible(db, caller, page_request, given)
    items, following = split(rows, page_request, lambda row: [row.id])
    replies = [ResourceReply.model_validate(row, from_attributes=True) for row in items]
    if collection_id is not None:
        names = await queries.names_in(db, collection_id, [row.id for row in items])
        replies = [
            reply.model_copy(update=dict(zip(("file_name", "file_path"), names[reply.id], strict=True)))
            for reply in replies
        ]
    return Page(items=replies, next_cursor=following)


@router.get("/resources/{resource_id}/", responses=problems(ResourceUnknown))
async def read(resource_id: UUID, caller: MayRead, db: Db, response: Response) -> ResourceDetail:
    """Read one resource, with its EXIF."""
    row = await queries.read_visible(db, caller, resource_id)
    if row is None:
        raise ResourceUnknown("there is no such resource, or none that you may see")
    return tagged(response, _reply(row))


@router.patch("/resources/{resource_id}/", responses=problems(NotFound, Forbidden))
async def change(
    resource_id: UUID, body: ResourceChange, if_match: IfMatch, caller: MayDescribe, db: Db, response: Response
) -> ChangedResource:
    """Move a resource to another deployment, set its time or visibility, archive it or bring it back."""
    fields = body.changes()
    await hold_deployments(db, resource_id, fields)
    row = await find_for_change(db, caller, Resource, queries.visible_to(caller), resource_id, noun="resource")
    check_change(body, if_match, _reply(row), version=row.version, ignored=ROWS_CHANGED)
    changed = await change_resource(db, caller, row, fields)
    reply = ChangedResource(
        **_reply(row).model_dump(), resources_changed=changed.resources, observations_changed=changed.observations
    )
    return tagged(response, reply)


@router.get("/resources/{resource_id}/places/", responses=problems(ResourceUnknown))
async def list_places(resource_id: UUID, caller: MayRead, db: Db) -> ResourcePlaces:
    """List every path under which the same bytes were uploaded, with collection and deployment."""
    if await queries.read_visible(db, caller, resource_id) is None:
        raise ResourceUnknown("there is no such resource, or none that you may see")
    places = await queries.list_places(db, resource_id)
    return ResourcePlaces(items=[ResourcePlaceReply.model_validate(place, from_attributes=True) for place in places])


@router.get(
    "/media/{resource_id}/original",
    response_class=StreamingResponse,
    responses={**problems(ResourceUnknown, MediaGated, MediaRemote, ObjectMissing), 200: binary("image/*", "video/*")},
)
async def read_original(resource_id: UUID, caller: MayRead, work: Work, request: Request) -> StreamingResponse:
    """Download the original file, byte for byte."""
    return _stream(request, await open_original(work, caller, resource_id))


@router.get(
    "/media/{resource_id}/thumbnail",
    response_class=StreamingResponse,
    responses={**problems(ResourceUnknown, MediaGated, ThumbnailAbsent), 200: binary("image/jpeg")},
)
async def read_thumbnail(resource_id: UUID, caller: MayRead, work: Work, request: Request) -> StreamingResponse:
    """Download the thumbnail, a small upright JPEG."""
    return _stream(request, await open_thumbnail(work, caller, resource_id))
