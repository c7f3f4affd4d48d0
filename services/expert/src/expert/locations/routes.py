"""Locations: make, read, list, change."""

from uuid import UUID

from fastapi import APIRouter, Response, status

from expert.access.guards import MayDescribe, MayRead
from expert.access.make_once import IdempotentRequest, keep, make_once
from expert.access.require import require
from expert.access.state import Capability
from expert.deps import Db
from expert.locations import queries
from expert.locations.errors import LocationIdTaken
from expert.locations.models import Location
from expert.locations.schemas import ChangeLocation, LocationReply, MakeLocation
from trapper_kit.idempotency import IdempotencyKeyReused
from trapper_kit.paging import PageRequest, split
from trapper_kit.problems import Forbidden, NotFound, Problem
from trapper_kit.web.app import problems
from trapper_kit.web.params import Cursor, IdempotencyKey, Limit
from trapper_schemas.ids import uuid7
from trapper_schemas.paging import Page

router = APIRouter(prefix="/api/locations", tags=["locations"])
_UNIQUE = "locations_research_project_id_location_id_key"


def _reply(row: Location) -> LocationReply:
    return LocationReply.model_validate(row, from_attributes=True)


def _taken(location_id: str) -> dict[str, Problem]:
    return {_UNIQUE: LocationIdTaken(f"there is already a location {location_id!r} in this project")}


@router.post(
    "/", status_code=status.HTTP_201_CREATED, responses=problems(NotFound, LocationIdTaken, IdempotencyKeyReused)
)
async def make(
    ask: MakeLocation, key: IdempotencyKey, caller: MayDescribe, db: Db, response: Response
) -> LocationReply:
    """A place of a research project."""
    await require(db, caller, Capability.DESCRIBE, research_project=ask.research_project_id)
    row = Location(id=uuid7(), **ask.model_dump())
    row, made = await make_once(db, row, IdempotentRequest.of(caller, key, ask), taken=_taken(ask.location_id))
    response.status_code = status.HTTP_201_CREATED if made else status.HTTP_200_OK
    return _reply(row)


@router.get("/")
async def list_all(
    caller: MayRead,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    research_project_id: UUID | None = None,
    location_id: str | None = None,
) -> Page[LocationReply]:
    """Places of one's research projects."""
    page_request = PageRequest.of(limit, cursor, {"project": research_project_id, "location_id": location_id})
    rows = await queries.list_visible(
        db, caller, page_request, research_project_id=research_project_id, location_id=location_id
    )
    items, following = split(rows, page_request, lambda row: [row.id])
    return Page(items=[_reply(row) for row in items], next_cursor=following)


@router.get("/{location_id}/", responses=problems(NotFound))
async def read(location_id: UUID, caller: MayRead, db: Db) -> LocationReply:
    """One place."""
    row = await queries.read_visible(db, caller, location_id)
    if row is None:
        raise NotFound("there is no such location, or none that you may see")
    return _reply(row)


@router.patch("/{location_id}/", responses=problems(NotFound, Forbidden, LocationIdTaken))
async def change(location_id: UUID, ask: ChangeLocation, caller: MayDescribe, db: Db) -> LocationReply:
    """Change what is given."""
    row = await queries.read_visible(db, caller, location_id, lock=True)
    if row is None:
        raise NotFound("there is no such location, or none that you may see")
    await require(db, caller, Capability.DESCRIBE, research_project=row.research_project_id)
    for name, value in ask.model_dump(exclude_unset=True).items():
        setattr(row, name, value)
    await keep(db, row, taken=_taken(row.location_id))
    return _reply(row)
