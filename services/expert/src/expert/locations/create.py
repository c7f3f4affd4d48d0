"""Create a location of a research project."""

from typing import Any

from expert.access.make_once import IdempotentRequest, make_once
from expert.access.require import require
from expert.access.state import Caller, Capability
from expert.locations.errors import LocationIdTaken
from expert.locations.models import Location
from trapper_kit.db import Session
from trapper_kit.problems import Problem
from trapper_schemas.ids import uuid7


async def create_location(
    db: Session, caller: Caller, request: IdempotentRequest, fields: dict[str, Any]
) -> tuple[Location, bool]:
    """The location, and whether it is new; raises NotFound, Forbidden, LocationIdTaken, IdempotencyKeyReused."""
    await require(db, caller, Capability.DESCRIBE, research_project=fields["research_project_id"])
    row = Location(id=uuid7(), **fields)
    return await make_once(db, row, request, taken=refusals(row))


def refusals(row: Location) -> dict[str, Problem]:
    """The refusal for each constraint of the table that a request may break."""
    taken = LocationIdTaken(f"there is already a location {row.location_id!r} in this research project")
    return {"locations_research_project_id_location_id_key": taken}
