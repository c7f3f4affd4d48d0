"""States of a batch and the decisions between them; pure functions."""

from dataclasses import dataclass, replace
from enum import StrEnum

SEPARATOR = "+"
"""Between the runtimes that can run a batch, in the one text that names them."""


class BatchState(StrEnum):
    """`waiting → leased → done | exhausted | split | cancelled`; released or expired, it waits again."""

    WAITING = "waiting"
    LEASED = "leased"
    DONE = "done"
    EXHAUSTED = "exhausted"
    SPLIT = "split"
    CANCELLED = "cancelled"


class Loss(StrEnum):
    """How a worker lost a batch."""

    EXPIRED = "expired"
    DRAINED = "drained"
    RELEASED = "released"
    DIED = "died"


@dataclass(frozen=True)
class Past:
    """The losses of a batch so far."""

    size: int
    losses: int = 0
    crashes: int = 0
    expiries: int = 0
    """In a row; the second one is taken for a crash."""


def add_loss(past: Past, loss: Loss) -> Past:
    """Returns the past with one more loss; an orderly drain counts as none."""
    if loss is Loss.DRAINED:
        return replace(past, expiries=0)
    if loss is Loss.RELEASED:
        return replace(past, losses=past.losses + 1, expiries=0)
    if loss is Loss.EXPIRED and past.expiries == 0:
        return replace(past, losses=past.losses + 1, expiries=1)
    return replace(past, crashes=past.crashes + 1, expiries=0)


def after_loss(past: Past, *, losses_allowed: int) -> BatchState:
    """Returns the next state: split when it kills workers, exhausted after too many losses, else waiting."""
    if past.crashes and past.size > 1:
        return BatchState.SPLIT
    if past.crashes > 1 or past.losses >= losses_allowed:
        return BatchState.EXHAUSTED
    return BatchState.WAITING
