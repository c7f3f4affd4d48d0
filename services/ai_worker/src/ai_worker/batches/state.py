"""The life of a batch in this worker's hands, as pure decisions."""

from enum import StrEnum


class RunState(StrEnum):
    """`leased` waits here, `running` is computed, `kept` lies in the outbox; the others are over."""

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
    """Whether one may follow the other."""
    return then in _AFTER.get(now, set())


def before(then: RunState) -> tuple[RunState, ...]:
    """The states that this one may follow: the where-clause of every change."""
    return tuple(state for state in RunState if may_become(state, then))


def kills_workers(starts: int, *, allowed: int) -> bool:
    """A batch under which the whole worker died so often is treated as one that kills its inference process."""
    return starts >= allowed
