"""What people read about the queue."""

from pydantic import BaseModel, Field

from trapper_schemas.blocked import Blocked


class ModelSet(BaseModel):
    """The work of one queue that asks for the same models."""

    models: list[str] = Field(description="names, in the order of the stages")
    waiting: int = Field(description="number of batches that wait, from 0")
    resources: int = Field(description="number of resources in them, from 0")
    unplanned: int = Field(description="number of resources of open jobs that are not in batches yet, from 0")
    oldest_waiting_seconds: float | None
    unpinned: bool = Field(description="only for workers that allow weights which nobody confirmed")
    blocked: Blocked | None = Field(description="why no worker takes it; null when one may, or has some of it")


class Queue(BaseModel):
    """The batches that the same runtimes can run."""

    runtimes: list[str]
    waiting: int
    leased: int
    resources: int = Field(description="number of resources in batches that wait or are leased, from 0")
    unplanned: int = Field(description="number of resources of open jobs that are not in batches yet, from 0")
    oldest_waiting_seconds: float | None
    workers: int
    model_sets: list[ModelSet]


class Runtime(BaseModel):
    """What one runtime could do next; `seconds_of_work` is the autoscaling signal."""

    runtime: str
    waiting: int
    resources: int = Field(description="number of waiting resources that it could run, planned or not, from 0")
    seconds_of_work: float | None = Field(
        description="for one worker at the measured speed; null while a model has no measured speed"
    )
    oldest_waiting_seconds: float | None
    workers: int = Field(description="number of workers that live and are neither paused nor leaving, from 0")


class Queues(BaseModel):
    """Every queue that is not empty, and every runtime that has work or a live worker."""

    items: list[Queue]
    runtimes: list[Runtime]
