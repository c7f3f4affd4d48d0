"""Change a location; when its clock changes, times of the photos taken there follow."""

from typing import Any

from expert.access.make_once import keep
from expert.capture_times.queries import Scope
from expert.capture_times.rederive import Rederived, rederive
from expert.locations.create import refusals
from expert.locations.models import Location
from trapper_kit.db import Session

_CLOCK = frozenset({"time_zone", "ignore_dst"})


async def change_location(db: Session, row: Location, fields: dict[str, Any]) -> Rederived:
    """How many resources and observations have other times now; raises LocationIdTaken."""
    follows = any(fields[name] != getattr(row, name) for name in _CLOCK & fields.keys())
    for name, value in fields.items():
        setattr(row, name, value)
    await keep(db, row, taken=refusals(row))
    return await rederive(db, Scope(location_id=row.id)) if follows else Rederived()
