"""The scopes of a token and the protocols that are served, as data; when a credential is due for another."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from trapper_schemas.v1 import PROTOCOL

SERVED = tuple(protocol for protocol in (PROTOCOL - 1, PROTOCOL) if protocol > 0)
"""This protocol and the one before it."""


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


def ending(protocol: int, ends: str | None) -> str | None:
    """What a caller should know that speaks the protocol before this one; None when there is nothing to say."""
    if protocol >= PROTOCOL:
        return None
    until = f"until {ends}" if ends else "until the release after this one"
    return f"protocol {protocol} is served {until}; install a version that speaks {PROTOCOL}"
