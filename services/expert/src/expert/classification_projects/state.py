"""What a classification project can be."""

from datetime import datetime
from enum import StrEnum


class ClassificationProjectStatus(StrEnum):
    """Nothing is submitted for a finished one."""

    ONGOING = "ongoing"
    FINISHED = "finished"


class LinkState(StrEnum):
    """Whether the collection's owners let a classification project use it; only an open link gives access."""

    REQUESTED = "requested"
    OPEN = "open"
    REVOKED = "revoked"


def link_state(*, consented_at: datetime | None, revoked_at: datetime | None) -> LinkState:
    """Revoked whatever was consented before; open once an owner or manager of the collection's project consented."""
    if revoked_at is not None:
        return LinkState.REVOKED
    return LinkState.REQUESTED if consented_at is None else LinkState.OPEN
