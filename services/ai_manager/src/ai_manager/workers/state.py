"""States of a worker, and the orders of an operator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from trapper_schemas.v1.workers import WorkerState


class Order(StrEnum):
    """An order to one worker, or to all of them."""

    PAUSE = "pause"
    RESUME = "resume"
    DRAIN = "drain"


ORDERS: Mapping[Order, Mapping[str, bool]] = {
    Order.PAUSE: {"paused": True},
    Order.RESUME: {"paused": False, "drain": False},
    Order.DRAIN: {"drain": True},
}
"""What each order changes in a worker's row; its next heartbeat is answered with it."""


def state_of(
    *,
    seen_at: datetime | None,
    revoked_at: datetime | None,
    paused: bool = False,
    drain: bool = False,
    now: datetime,
    alive_seconds: float,
) -> WorkerState:
    """Returns the state that the fleet view shows."""
    if revoked_at is not None:
        return WorkerState.REVOKED
    if seen_at is None or now - seen_at > timedelta(seconds=alive_seconds):
        return WorkerState.SILENT
    if drain:
        return WorkerState.DRAINING
    return WorkerState.PAUSED if paused else WorkerState.ALIVE


@dataclass(frozen=True)
class Ability:
    """What a worker may run, and its state; None where it has not reported it yet."""

    runtimes: Sequence[str]
    project: str
    """Empty: every project."""
    memory_bytes: int | None
    allow_unpinned: bool | None
    state: WorkerState
