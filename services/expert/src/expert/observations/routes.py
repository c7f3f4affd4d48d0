"""The routes of observations."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from expert.access.guards import MayRead
from expert.access.state import Caller
from expert.deps import Db
from expert.observations import queries
from expert.observations.build_reply import build_reply, build_steps
from expert.observations.queries_provenance import lineage_of
from expert.observations.state import ObservationFilters, ObservationProvenance, ObservationReply
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest
from trapper_kit.problems import NotFound
from trapper_kit.web.describe import problems
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
    predictions = await queries.predictions_of(db, [row.id for row, _ in rows], terminal=True)
    items = [build_reply(row, name, predictions.get(row.id, ())) for row, name in rows]
    return Page(items=items, next_cursor=next_cursor)


@router.get("/{observation_id}/", responses=problems(NotFound))
async def read(observation_id: UUID, caller: MayRead, db: Db) -> ObservationReply:
    """Read one observation with its predictions."""
    row, name = await _find(db, caller, observation_id)
    predictions = await queries.predictions_of(db, [observation_id])
    return build_reply(row, name, predictions.get(observation_id, ()), with_all=True)


@router.get("/{observation_id}/provenance/", responses=problems(NotFound))
async def read_provenance(observation_id: UUID, caller: MayRead, db: Db) -> ObservationProvenance:
    """Read how an observation came about: predictions, derived predictions, and what people made of them."""
    await _find(db, caller, observation_id)
    rows = await lineage_of(db, caller, observation_id)
    predictions = await queries.predictions_of(db, [row.observation.id for row in rows])
    return ObservationProvenance(observation_id=observation_id, items=build_steps(rows, predictions))


async def _find(db: Session, caller: Caller, observation_id: UUID) -> queries.Named:
    named = await queries.read_named(db, caller, observation_id)
    if named is None:
        raise NotFound("there is no such observation, or none that you may see")
    return named
