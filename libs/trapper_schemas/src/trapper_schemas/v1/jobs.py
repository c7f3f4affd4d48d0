"""A job on its way from Expert to Manager: what to run on which resources, and how far it is."""

from datetime import datetime
from enum import StrEnum
from typing import Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from trapper_schemas.base import Reply, Request
from trapper_schemas.blocked import Blocked
from trapper_schemas.urls import Origin
from trapper_schemas.v1.models import Fraction, ModelKind, ModelRef
from trapper_schemas.v1.resources import ResourceRef
from trapper_schemas.v1.results import FailureCode


class JobState(StrEnum):
    """The life of a Manager's job."""

    ACCEPTED = "accepted"
    PLANNED = "planned"
    RUNNING = "running"
    FINISHED = "finished"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Stage(Request):
    """One step of the pipeline with its parameters; detection comes first, the rest look at its animal boxes."""

    kind: ModelKind
    model: ModelRef
    threshold: Fraction | None = Field(default=None, description="null takes the model's typical one")
    floor: Fraction = Field(default=0.01, description="detections below are not even kept in the blob")
    nms_iou: Fraction | None = None
    top_k: int = Field(default=5, ge=1, le=100)
    logits: bool = False


class JobConfig(Request):
    """What a job runs on every resource, fixed when it is submitted; Expert, Manager and worker read this document."""

    version: Literal[1] = 1
    stages: tuple[Stage, ...] = Field(min_length=1, max_length=4)

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        kinds = [stage.kind for stage in self.stages]
        if kinds[0] is not ModelKind.DETECTION:
            raise ValueError("the first stage is a detection; the others look at its boxes")
        if len(set(kinds)) != len(kinds):
            raise ValueError("two stages are of the same kind")
        return self


class JobRequest(Request):
    """Submit a job; the idempotency key is the Expert's own job id, `sealed` says that no further page comes."""

    job_config: JobConfig
    resources: tuple[ResourceRef, ...] = Field(default=(), max_length=100_000)
    sealed: bool = True
    media_grant: str = Field(max_length=500)
    media_origins: tuple[Origin, ...] = Field(default=(), max_length=10)
    project: str = Field(default="", max_length=100, description="scope, as enrolment tokens name it")
    interactive: bool = False
    notification_queue: str | None = Field(
        default=None, max_length=100, description="connection id whose queue is notified"
    )


class ResourcePage(Request):
    """More resources for a job that is not sealed yet; `page` counts from 1 (the submission is page 0)."""

    page: int = Field(ge=1)
    resources: tuple[ResourceRef, ...] = Field(max_length=100_000)
    sealed: bool


class JobCounts(Reply):
    """Resources by how they ended; with those that are pending they add up to the total."""

    total: int
    done: int
    blank: int
    failed: int
    cancelled: int
    pending: int


class JobReply(Reply):
    """How a job is doing."""

    id: UUID
    state: JobState
    sealed: bool
    counts: JobCounts
    progress: float
    eta_seconds: float | None
    images_per_second: float | None
    created_at: datetime
    closed_at: datetime | None
    unacknowledged: int
    blocked: Blocked | None = None


class ResourceFailure(Reply):
    """One resource that ended as failed."""

    resource_id: UUID
    batch_id: UUID
    code: FailureCode
    message: str


class ClosedBatch(Reply):
    """A batch whose results wait to be fetched and acknowledged."""

    batch_id: UUID
    job_id: UUID
    state: Literal["done", "exhausted"]
    sha256: str
    size_bytes: int
    closed_at: datetime


class ClosedBatches(Reply):
    """The oldest 100 closed batches that are not acknowledged; no cursor, since batches finish out of order."""

    items: list[ClosedBatch]
