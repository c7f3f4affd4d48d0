"""The scopes of a token as data; when a credential is due for another."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID


class Scope(StrEnum):
    """What a token allows; `work` is given by enrolment only."""

    JOBS = "jobs"
    PUBLISH = "models:write"
    OPERATE = "operate"
    WORK = "work"


GRANTABLE = (Scope.JOBS, Scope.PUBLISH, Scope.OPERATE)


@dataclass(frozen=True)
class WorkerCaller:
    """A worker with the credential that it shows, good until `expires_at`, and the protocol that it speaks."""

    worker_id: UUID
    issued_at: datetime
    expires_at: datetime
    protocol: int


def is_due(*, now: datetime, expires_at: datetime, lifetime: timedelta, renew_below: float) -> bool:
    """Whether so little of a credential's life is left that its holder should get another."""
    return expires_at - now < lifetime * renew_below
