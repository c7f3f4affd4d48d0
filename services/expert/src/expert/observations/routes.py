"""The routes of observations."""

from typing import Annotated

from fastapi import APIRouter, Query

from expert.access.guards import MayRead
from expert.deps import Db
from expert.observations import queries
from expert.observations.build_reply import build_reply
from expert.observations.state import ObservationFilters, ObservationReply
from trapper_kit.paging import PageRequest
from trapper_kit.web.params import Cursor, Limit
from trapper_schemas.paging import Page

router = APIRouter(prefix="/api/observations", tags=["observations"])


@router.get("/")
async def list_observations(
    db: Db, caller: MayRead, filters: Annotated[ObservationFilters, Query()], cursor: Cursor = None, limit: Limit = 50
) -> Page[ObservationReply]:
    """List observations of the caller's projects, oldest first."""
    rows, next_cursor = await queries.list_observations(
        db,
        PageRequest.of(limit, cursor, filters.model_dump(mode="json")),
        filters,
        caller=caller,
    )
    return Page(items=[build_reply(row, name) for row, name in rows], next_cursor=next_cursor)
