"""What people read about the queue."""

from pydantic import BaseModel


class Queue(BaseModel):
    """The batches that the same runtimes can run; `waiting` against `workers` is the autoscaling signal."""

    runtimes: list[str]
    waiting: int
    leased: int
    resources: int
    oldest_waiting_seconds: float | None
    workers: int


class Queues(BaseModel):
    """Every queue that is not empty."""

    items: list[Queue]
