"""How a worker stands."""

from datetime import datetime, timedelta
from enum import StrEnum


class WorkerState(StrEnum):
    """Seen of late, not seen of late, or sent away."""

    ALIVE = "alive"
    SILENT = "silent"
    REVOKED = "revoked"


def state_of(
    *, seen_at: datetime | None, revoked_at: datetime | None, now: datetime, alive_seconds: float
) -> WorkerState:
    """What the fleet view says of a worker."""
    if revoked_at is not None:
        return WorkerState.REVOKED
    if seen_at is not None and now - seen_at <= timedelta(seconds=alive_seconds):
        return WorkerState.ALIVE
    return WorkerState.SILENT
