"""Statements about locations."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from expert.access.queries import readable_research_projects
from expert.access.state import Caller
from expert.locations.models import Location
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, page_of


async def list_visible(
    db: Session, caller: Caller, page_request: PageRequest, *, research_project_id: UUID | None, location_id: str | None
) -> Sequence[Location]:
    statement = select(Location).where(Location.research_project_id.in_(readable_research_projects(caller)))
    if research_project_id is not None:
        statement = statement.where(Location.research_project_id == research_project_id)
    if location_id is not None:
        statement = statement.where(Location.location_id == location_id)
    return (await db.scalars(page_of(statement, [Location.id], page_request, [UUID]))).all()


async def read_visible(db: Session, caller: Caller, row_id: UUID, *, lock: bool = False) -> Location | None:
    statement = select(Location).where(
        Location.id == row_id, Location.research_project_id.in_(readable_research_projects(caller))
    )
    return await db.scalar(statement.with_for_update() if lock else statement)
