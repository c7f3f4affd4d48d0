"""A worker and the Manager: who it is, what it can run, that it lives."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from trapper_schemas.base import Reply, Request
from trapper_schemas.v1.models import Name


class Device(Request):
    """One thing that computes."""

    name: str = Field(max_length=200)
    kind: str = Field(max_length=40, description="cpu, cuda, hailo")
    memory_bytes: int | None = Field(default=None, ge=0)


class Enrolment(Request):
    """A worker introduces itself; the enrolment token is its bearer token."""

    name: Name
    version: str = Field(max_length=40)
    protocols: tuple[int, ...] = (1,)
    devices: tuple[Device, ...] = Field(default=(), max_length=64)
    runtimes: tuple[str, ...] = Field(min_length=1, max_length=16)
    models_on_disk: tuple[str, ...] = Field(default=(), max_length=1000)


class Intervals(Reply):
    """All waiting times of a worker, set by the Manager and sent with every answer."""

    lease_seconds: float
    renew_seconds: float
    poll_seconds: float = Field(description="how long one claim may wait for work")
    retry_seconds: float = Field(description="pause after a failed call")


class EnrolmentReply(Reply):
    """The worker's id, its credential (shown once), and how often to do what."""

    worker_id: UUID
    credential: str
    credential_expires_at: datetime
    runtimes: list[str]
    intervals: Intervals


class LeaseHeld(Request):
    """One batch in hand, with the proof that it is."""

    batch_id: UUID
    token: str = Field(max_length=100)
    done: int = Field(default=0, ge=0)
    total: int = Field(default=0, ge=0)


class Heartbeat(Request):
    """A worker lives; leases named here are renewed."""

    leases: tuple[LeaseHeld, ...] = Field(default=(), max_length=256)
    images_per_second: dict[str, float] = Field(default_factory=dict, description="by sha256 of the first model")
    load: float | None = None
    models_on_disk: tuple[str, ...] | None = Field(default=None, max_length=1000)


class RenewedLease(Reply):
    """How long a lease lasts from the moment the heartbeat was sent; what is not listed is lost."""

    batch_id: UUID
    expires_in_seconds: float


class HeartbeatReply(Reply):
    """What the Manager wants of the worker."""

    leases: list[RenewedLease]
    lost: list[UUID]
    cancelled: list[UUID]
    paused: bool
    drain: bool
    intervals: Intervals


class WorkerReply(Reply):
    """A worker in the fleet view."""

    id: UUID
    name: str
    version: str
    state: str
    runtimes: list[str]
    devices: list[Device]
    seen_at: datetime | None
    images_per_second: dict[str, float]
    leases: int
