"""How a kept result ends, as a pure decision."""

from enum import StrEnum


class KeptState(StrEnum):
    """`waiting` is to be delivered; the others are how the Manager answered."""

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
    """What becomes of a result that the Manager did not take: whatever is not final is tried again."""
    return _ANSWERS.get(status, KeptState.WAITING)
