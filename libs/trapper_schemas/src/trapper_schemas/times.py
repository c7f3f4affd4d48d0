"""The times that this system takes: they exist in UTC, between the years 1900 and 2200."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
OUT_OF_RANGE = "lies before 1900 or after 2199 in UTC; give a time between these years"


def is_in_range(moment: datetime) -> bool:
    """Whether a time with an offset lies between 1900 and 2199 in UTC; never overflows."""
    return EARLIEST <= moment < LATEST


def check_moment(moment: datetime) -> datetime:
    """The same time; ValueError when it lies outside of the range."""
    if not is_in_range(moment):
        raise ValueError(OUT_OF_RANGE)
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(check_moment)]
"""A time with an offset, in a request."""
