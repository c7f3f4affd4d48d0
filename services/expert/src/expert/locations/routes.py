"""Locations: make, read, list, change."""

from uuid import UUID

from fastapi import APIRouter, Response, status

from expert.access.find_row import find_for_change, find_row
from expert.access.guards import MayDescribe, MayRead
from expert.access.make_once import IdempotentRequest
from expert.access.queries_rows import list_rows
from expert.capture_times.state import ROWS_CHANGED
from expert.deps import Db
from expert.locations.change import change_location
from expert.locations.create import create_location
from expert.locations.errors import LocationIdTaken
from expert.locations.models import Location
from expert.locations.queries import visible_to
from expert.locations.schemas import ChangedLocation, LocationChange, LocationReply, NewLocation
from trapper_kit.paging import PageRequest, split
from trapper_kit.problems import Forbidden, NotFound
from trapper_kit.web.describe import problems
from trapper_kit.web.params import Cursor, IdempotencyKey, Ids, Limit, Name
from trapper_kit.web.versions import IfMatch, check_change, tagged
from trapper_schemas.paging import Page

router = APIRouter(prefix="/api/locations", tags=["locations"])


def _reply(row: Location) -> LocationReply:
    return LocationReply.model_validate(row, from_attributes=True)


@router.post(
    "/",
    status_code=status.HTTP_201_CREATED,
    responses=problems(NotFound, Forbidden, LocationIdTaken),
)
async def make(
    body: NewLocation, key: IdempotencyKey, caller: MayDescribe, db: Db, response: Response
) -> LocationReply:
    """Create a location of a research project."""
    row, made = await create_location(db, caller, IdempotentRequest.of(caller, key, body), body.model_dump())
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
    location_id: str | None = None,
    name: Name = None,
) -> Page[LocationReply]:
    """List the locations of the caller's research projects."""
    filters = {"id": id, "research_project_id": research_project_id, "location_id": location_id, "name": name}
    page_request = PageRequest.of(limit, cursor, filters)
    rows = await list_rows(db, Location, visible_to(caller), page_request, **filters)
    items, following = split(rows, page_request, lambda row: [row.id])
    return Page(items=[_reply(row) for row in items], next_cursor=following)


@router.get("/{location_id}/", responses=problems(NotFound))
async def read(location_id: UUID, caller: MayRead, db: Db, response: Response) -> LocationReply:
    """Read one location."""
    return tagged(response, _reply(await find_row(db, Location, visible_to(caller), location_id, noun="location")))


@router.patch("/{location_id}/", responses=problems(NotFound, Forbidden, LocationIdTaken))
async def change(
    location_id: UUID, body: LocationChange, if_match: IfMatch, caller: MayDescribe, db: Db, response: Response
) -> ChangedLocation:
    """Change a location; another time zone moves `captured_at` of the photos taken there."""
    row = await find_for_change(db, caller, Location, visible_to(caller), location_id, noun="location")
    check_change(body, if_match, _reply(row), version=row.version, ignored=ROWS_CHANGED)
    times = await change_location(db, row, body.changes())
    reply = ChangedLocation(
        **_reply(row).model_dump(), resources_changed=times.resources, observations_changed=times.observations
    )
    return tagged(response, reply)
