"""Events that the worker state takes in, and actions that it gives out; `state.py` says which follows from which."""

from dataclasses import dataclass
from uuid import UUID

from ai_worker.leases.runs import Lease

# --------------------------------------------------------------------------------------------------------------- events


@dataclass(frozen=True, slots=True)
class Recovered:
    """A process has started; these leases were in the database, interrupted or with a result to deliver."""

    leases: tuple[Lease, ...]


@dataclass(frozen=True, slots=True)
class ClaimDue:
    """The claim loop has its turn; the rest is measured by the caller."""

    now: float
    slots: int
    """Batches that the devices may hold, with those prefetched."""
    full: str = ""
    """`disk full` or `spool full`: nothing more can be stored."""
    cache_full: bool = False
    """Media of the present batches fill the cache."""


@dataclass(frozen=True, slots=True)
class ClaimAnswered:
    """The Manager has leased these batches (possibly none)."""

    now: float
    leases: tuple[Lease, ...]


@dataclass(frozen=True, slots=True)
class LeaseTaken:
    """The lease is in the database."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class LeaseNotWritten:
    """The lease could not be written; `reason` holds the next claims for one pause."""

    now: float
    lease: Lease
    reason: str


@dataclass(frozen=True, slots=True)
class ClaimFinished:
    """Everything that the reply brought is in the database or returned."""


@dataclass(frozen=True, slots=True)
class ClaimFailed:
    """The claim got no reply, was refused, or was aborted."""

    may_have_leased: bool
    """Whether the Manager may have leased batches to a reply that was lost."""
    unauthorized: bool = False


@dataclass(frozen=True, slots=True)
class HeartbeatDue:
    """The heartbeat loop has its turn."""


@dataclass(frozen=True, slots=True)
class HeartbeatAnswered:
    """The reply to the heartbeat with this number, which was sent at `sent` on the monotonic clock."""

    now: float
    number: int
    newest: int
    """The highest number that the Manager has seen of this worker."""
    sent: float
    renewed: dict[UUID, float]
    """Seconds that the lease lasts from `sent` on, by batch."""
    lost: tuple[UUID, ...] = ()
    cancelled: tuple[UUID, ...] = ()
    paused: bool = False
    drain: bool = False


@dataclass(frozen=True, slots=True)
class HeartbeatFailed:
    """The heartbeat with this number got no reply, or was refused."""

    number: int
    unauthorized: bool = False


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A device computes the run."""

    run_id: UUID


@dataclass(frozen=True, slots=True)
class RunKept:
    """The result of the run is durable and waits for delivery."""

    run_id: UUID


@dataclass(frozen=True, slots=True)
class RunFailed:
    """The run could not be computed on this machine; claims pause, each time for twice as long."""

    now: float
    reason: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """Nothing of the run is left here: released, lost, cancelled, or its result has been answered for."""

    run_id: UUID


@dataclass(frozen=True, slots=True)
class RunParked:
    """The run stays in the database for the next start of the worker."""

    run_id: UUID


@dataclass(frozen=True, slots=True)
class SwitchesSet:
    """The operator of this machine has paused, drained or resumed it."""

    paused: bool
    draining: bool


@dataclass(frozen=True, slots=True)
class OfflineRequested:
    """The operator wants batches whose leases last without a link."""

    seconds: float
    batches: int


@dataclass(frozen=True, slots=True)
class StopRequested:
    """A signal, or the end of a drain: the process leaves."""


@dataclass(frozen=True, slots=True)
class GraceEnded:
    """The time for finishing after a signal is over."""


Event = (
    Recovered
    | ClaimDue
    | ClaimAnswered
    | LeaseTaken
    | LeaseNotWritten
    | ClaimFinished
    | ClaimFailed
    | HeartbeatDue
    | HeartbeatAnswered
    | HeartbeatFailed
    | RunStarted
    | RunKept
    | RunFailed
    | RunEnded
    | RunParked
    | SwitchesSet
    | OfflineRequested
    | StopRequested
    | GraceEnded
)

# -------------------------------------------------------------------------------------------------------------- actions


@dataclass(frozen=True, slots=True)
class SendClaim:
    """Ask the Manager for at most `limit` batches; `offline_seconds` asks for leases that need no link."""

    limit: int
    offline_seconds: float | None


@dataclass(frozen=True, slots=True)
class AbortClaim:
    """Close the connection of the claim under way: the Manager leases nothing to a caller that is gone."""

    reason: str


@dataclass(frozen=True, slots=True)
class TakeLease:
    """Write the lease to the database, then report LeaseTaken or LeaseNotWritten."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class ReturnLease:
    """Give a lease back that was never written, with this reason."""

    lease: Lease
    reason: str


@dataclass(frozen=True, slots=True)
class SendHeartbeat:
    """Send the heartbeat with this number; `complete` says that the leases named are all there are."""

    number: int
    leases: tuple[Lease, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class EndRun:
    """Stop the run and drop what lies here of it; the Manager has taken it back or cancelled it."""

    run_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class ReleaseRun:
    """Give the batch back because the process leaves, then report RunEnded, or RunParked if nobody answered."""

    run_id: UUID


@dataclass(frozen=True, slots=True)
class ParkRun:
    """Keep the run for the next start, then report RunParked."""

    run_id: UUID


@dataclass(frozen=True, slots=True)
class Wake:
    """Let a loop take its turn now."""

    loop: str


Action = SendClaim | AbortClaim | TakeLease | ReturnLease | SendHeartbeat | EndRun | ReleaseRun | ParkRun | Wake
