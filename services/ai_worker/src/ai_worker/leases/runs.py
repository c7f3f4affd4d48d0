"""States of a run, one attempt of one batch in this worker, and the lease under which it runs; pure."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class RunState(StrEnum):
    """`leased` waits here, `running` is computed, `kept` has a result to deliver; the others are over."""

    LEASED = "leased"
    RUNNING = "running"
    KEPT = "kept"
    DELIVERED = "delivered"
    RELEASED = "released"


UNFINISHED = (RunState.LEASED, RunState.RUNNING)
HELD = (*UNFINISHED, RunState.KEPT)
OVER = (RunState.DELIVERED, RunState.RELEASED)

_AFTER = {
    RunState.LEASED: {RunState.RUNNING, RunState.RELEASED},
    RunState.RUNNING: {RunState.RUNNING, RunState.LEASED, RunState.KEPT, RunState.RELEASED},
    RunState.KEPT: {RunState.DELIVERED, RunState.RELEASED},
}


def may_become(now: RunState, then: RunState) -> bool:
    """Whether `then` may follow `now`."""
    return then in _AFTER.get(now, set())


def before(then: RunState) -> tuple[RunState, ...]:
    """The states that `then` may follow: the where-clause of every change."""
    return tuple(state for state in RunState if may_become(state, then))


def kills_workers(starts: int, *, allowed: int) -> bool:
    """Whether the batch has ended the worker process so often that it counts as killing its inference process."""
    return starts >= allowed


@dataclass(slots=True)
class Lease:
    """A lease that this worker holds, with the run that it belongs to."""

    run_id: UUID
    batch_id: UUID
    attempt: int
    token: str
    total: int
    """Resources of the batch."""
    deadline: float | None = None
    """When it ends, on the monotonic clock; None until a heartbeat has confirmed it after a restart."""
    offline: bool = False
    """Whether it was asked for to last without a link."""
    state: RunState = RunState.LEASED
    parked: bool = False
    """Whether the run waits for the next start of the worker."""

    @property
    def unfinished(self) -> bool:
        """Whether the run is still to be computed."""
        return self.state in UNFINISHED
