"""The scopes of a token, and when a credential is due for renewal."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID


class Scope(StrEnum):
    """What a token allows; `operate` includes `fleet`, and `work` is given by enrolment only."""

    JOBS = "jobs"
    PUBLISH = "models:write"
    OPERATE = "operate"
    FLEET = "fleet"
    WORK = "work"


GRANTABLE = (Scope.JOBS, Scope.PUBLISH, Scope.FLEET, Scope.OPERATE)


@dataclass(frozen=True)
class WorkerCaller:
    """A worker with its credential, the end of that, and the protocol that it speaks."""

    worker_id: UUID
    issued_at: datetime
    expires_at: datetime
    protocol: int


def is_due(*, now: datetime, expires_at: datetime, lifetime: timedelta, renew_below: float) -> bool:
    """Returns whether so little of a credential's life is left that a new one is due."""
    return expires_at - now < lifetime * renew_below
