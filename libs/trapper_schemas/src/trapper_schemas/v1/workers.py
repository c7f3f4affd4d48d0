"""A worker and the Manager: who it is, what it can run, that it lives."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from trapper_schemas.base import Reply, Request
from trapper_schemas.v1.models import Name, Version
from trapper_schemas.v1.resources import SHA256


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
    poll_seconds: float = Field(description="how many seconds one claim may wait for work, from 0")
    retry_seconds: float = Field(description="pause after a failed call in seconds, from 0")


class EnrolmentReply(Reply):
    """The worker's id, its credential (shown once), and how often to do what."""

    worker_id: UUID
    credential: str
    credential_expires_at: datetime
    runtimes: list[str]
    intervals: Intervals


class HeldLease(Request):
    """One leased batch with its token."""

    batch_id: UUID
    token: str = Field(max_length=100)
    done: int = Field(default=0, ge=0)
    total: int = Field(default=0, ge=0)


class DeviceLoad(Request):
    """How busy one device was since the last heartbeat, and what its process holds."""

    name: str = Field(max_length=200)
    busy: float = Field(ge=0, le=1, description="share of the time in which a batch was being computed")
    memory_bytes: int | None = Field(default=None, ge=0, description="bytes held by its inference process")


class PinProposal(Request):
    """The hash of weights that the catalogue did not know: proposed by a worker, valid once an operator confirms it."""

    name: Name
    version: Version
    sha256: str = Field(pattern=SHA256)
    size_bytes: int = Field(ge=1)


class Heartbeat(Request):
    """A worker lives; leases named here are renewed."""

    number: int = Field(
        default=0,
        ge=0,
        le=2**62,
        description="counts the heartbeats of this worker up from `newest_number`",
    )
    leases: tuple[HeldLease, ...] = Field(default=(), max_length=256)
    complete: bool = Field(
        default=False,
        description="these are all leases and no claim is under way: other leases are taken back at no loss, unless a "
        "heartbeat with this `number` or a higher one came before",
    )
    images_per_second: dict[str, float] = Field(default_factory=dict, description="by sha256 of the first model")
    load: float | None = None
    devices: tuple[DeviceLoad, ...] = Field(default=(), max_length=64)
    models_on_disk: tuple[str, ...] | None = Field(default=None, max_length=1000)
    pins: tuple[PinProposal, ...] = Field(default=(), max_length=64)


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
    newest_number: int = Field(default=0, description="the highest `number` of this worker so far, from 0")
    credential: str | None = Field(
        default=None, description="a new one, shown once; the old one is good for a day more"
    )
    credential_expires_at: datetime | None = None


class WorkerState(StrEnum):
    """Seen recently (and told to pause or to leave, or neither), not seen recently, or sent away."""

    ALIVE = "alive"
    PAUSED = "paused"
    DRAINING = "draining"
    SILENT = "silent"
    REVOKED = "revoked"


class WorkerReply(Reply):
    """A worker in the fleet view."""

    id: UUID
    name: str
    version: str
    state: WorkerState
    runtimes: list[str]
    devices: list[Device]
    seen_at: datetime | None
    images_per_second: dict[str, float]
    leases: int
    project: str = Field(default="", description="the only project it works for; empty: all")
    paused: bool = False
    drain: bool = False
    offline: bool = Field(default=False, description="whether it may lease batches for days")
    load: float | None = Field(default=None, description="share of the machine's processors in use, from 0")
    device_load: list[DeviceLoad] = Field(default_factory=list, description="as of its last heartbeat")
    models_on_disk: int = Field(default=0, description="number of models on its disk, from 0")
    losses: dict[str, int] = Field(
        default_factory=dict, description="batches it did not finish, by the way that happened"
    )
    enrolled_at: datetime | None = None
    revoked_at: datetime | None = None


class InstructedWorkers(Reply):
    """How many workers were told; they hear it in the answer to their next heartbeat."""

    workers: int
