"""States of a kept result, and what follows from the Manager's answer; pure."""

from enum import StrEnum


class KeptState(StrEnum):
    """`waiting` is to be delivered; the others say how the Manager answered."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    LOST = "lost"
    CANCELLED = "cancelled"
    REFUSED = "refused"


_ANSWERS = {
    404: KeptState.LOST,
    409: KeptState.LOST,
    410: KeptState.CANCELLED,
    413: KeptState.REFUSED,
    422: KeptState.REFUSED,
}


def after_refusal(status: int) -> KeptState:
    """The state after a refusal with this status; one that is not final leaves the result waiting."""
    return _ANSWERS.get(status, KeptState.WAITING)
