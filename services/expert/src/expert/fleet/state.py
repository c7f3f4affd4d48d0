"""What a worker can be told. Pure."""

from enum import StrEnum


class WorkerOrder(StrEnum):
    """Take nothing new, go on, or finish what is held and leave."""

    PAUSE = "pause"
    RESUME = "resume"
    DRAIN = "drain"
