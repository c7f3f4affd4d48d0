"""Bodies of locations."""

import zoneinfo
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from trapper_kit.text import Line, Name
from trapper_schemas.base import Change, Reply, Request, RowVersion


def _known_zone(name: str | None) -> str | None:
    if name is not None and name not in zoneinfo.available_timezones():
        raise ValueError("is not an IANA time zone such as Europe/Warsaw")
    return name


TimeZone = Annotated[Line | None, Field(max_length=60), AfterValidator(_known_zone)]


class _Place(Request):
    name: Line = Field(default="", max_length=200)
    longitude: float | None = Field(default=None, ge=-180, le=180)
    latitude: float | None = Field(default=None, ge=-90, le=90)
    coordinate_uncertainty_metres: float | None = Field(default=None, gt=0)
    time_zone: TimeZone = None
    ignore_dst: bool = False
    habitat: Line | None = Field(default=None, max_length=200)
    is_public: bool = False

    @model_validator(mode="after")
    def _both_or_none(self) -> "_Place":
        given = self.model_fields_set & {"longitude", "latitude"}
        if len(given) == 1 or (self.longitude is None) != (self.latitude is None):
            raise ValueError("longitude and latitude are given together, or both are null")
        return self


class NewLocation(_Place):
    research_project_id: UUID
    location_id: Name = Field(max_length=200)


class LocationChange(_Place, Change):
    """Only what is given changes."""

    location_id: Name = Field(default="", max_length=200)


class LocationReply(Reply):
    id: UUID
    research_project_id: UUID
    location_id: str
    name: str
    longitude: float | None
    latitude: float | None
    coordinate_uncertainty_metres: float | None
    time_zone: str | None
    ignore_dst: bool
    habitat: str | None
    is_public: bool
    created_at: datetime
    version: RowVersion


class ChangedLocation(LocationReply):
    """A location after a change, and how many rows have other times because of it."""

    resources_changed: int
    observations_changed: int
