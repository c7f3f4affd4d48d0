"""Bodies of the job routes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from expert.jobs.state import (
    CLOSED,
    FrozenJobConfig,
    JobKind,
    JobStage,
    Outcome,
    Overrides,
    StageAfterIngest,
    blocked_job,
)
from expert.operations.state import OperationState
from trapper_schemas.blocked import Blocked
from trapper_schemas.v1.results import FailureCode


class NewJob(BaseModel):
    """A linked collection, or a selection of its resources; with `dry_run` nothing is made."""

    model_config = ConfigDict(extra="forbid")

    classification_project_id: UUID
    linked_collection_id: UUID | None = None
    resource_ids: list[UUID] | None = Field(default=None, max_length=100_000)
    overrides: Overrides = Overrides()
    missing_only: bool = False
    interactive: bool = False
    dry_run: bool = False


class JobRerun(BaseModel):
    """The same scope again, or only what failed."""

    model_config = ConfigDict(extra="forbid")

    failed_only: bool = False
    overrides: Overrides = Overrides()
    interactive: bool = False
    dry_run: bool = False


class JobProvider(BaseModel):
    """The detection model of a job."""

    id: UUID
    name: str
    version: str


class EnteredStage(BaseModel):
    """A stage that a job went through."""

    stage: JobStage
    at: datetime = Field(description="when the job entered it")


class StageRunReply(BaseModel):
    """One run of a stage after ingest; it is an operation, whose log and counters have its address."""

    operation_id: UUID
    state: OperationState = Field(description="`waiting` also between two attempts")
    attempt: int = Field(description="how many times it was started, from 0")
    total: int = Field(description="number of resources of the job, from 1")
    done: int = Field(description="number of resources that it is done with, from 0")
    error: str | None = Field(description="why it failed")
    started_at: datetime | None = Field(description="when it was first started; null before")
    ended_at: datetime | None = Field(description="when its operation ended; null before")


class StageAfterIngestReply(StageRunReply):
    """What follows once all results of a job are applied: its newest run, and those before it."""

    stage: StageAfterIngest
    history: list[StageRunReply] = Field(description="earlier runs, the newest first")


class JobReply(BaseModel):
    """One job; counts of an open one are counted now, those of a closed one were written when it closed."""

    id: UUID
    classification_project_id: UUID
    linked_collection_id: UUID
    connection_id: UUID
    operation_id: UUID | None = Field(description="of the operation that made it, null when it was made alone")
    provider: JobProvider
    kind: JobKind
    stage: JobStage
    stages: list[EnteredStage]
    after_ingest: list[StageAfterIngestReply] = Field(description="what followed its results; none before it finished")
    job_config: FrozenJobConfig
    job_config_version: int
    models_key: str
    interactive: bool
    total: int
    done: int
    blank: int
    failed: int
    cancelled: int
    pending: int = Field(description="number of resources without an outcome, from 0: the rest of the total")
    with_animals: int
    progress: float = Field(description="the part of the resources that have an outcome, 0 to 1")
    eta_seconds: float | None
    images_per_second: float | None
    error: str | None
    blocked: Blocked | None = Field(description="why the job waits for a person; null when nothing is in the way")
    created_by: UUID | None
    created_at: datetime
    closed_at: datetime | None


class NewJobReply(BaseModel):
    """How many resources are taken, or would be; neither job nor operation when there are none, or on a dry run."""

    job: JobReply | None
    operation_id: UUID | None = Field(description="of the operation that makes several jobs, when one is not enough")
    resources: int


class JobResourceReply(BaseModel):
    """How one resource of a job ended."""

    resource_id: UUID
    outcome: Outcome
    code: FailureCode | Literal["job-failed"] | None
    message: str | None


_SAME = (
    "id", "classification_project_id", "linked_collection_id", "connection_id", "operation_id", "kind", "stage",
    "stages", "job_config", "job_config_version", "models_key", "interactive", "total", "eta_seconds",
    "images_per_second", "error", "created_by", "created_at", "closed_at",
)  # fmt: skip
_ENDS = ("done", "blank", "failed", "cancelled")


_OF_RUN = ("state", "attempt", "total", "done", "error", "started_at", "ended_at")
StageRuns = Mapping[StageAfterIngest, Sequence[tuple[UUID, object]]]
"""The runs of each stage of a job, the newest first, by the id and the attributes of their operations."""


def _after_ingest(runs: StageRuns) -> list[StageAfterIngestReply]:
    replies: list[StageAfterIngestReply] = []
    for stage, operations in runs.items():
        values = [
            {"operation_id": id_, **{name: getattr(operation, name) for name in _OF_RUN}}
            for id_, operation in operations
        ]
        history = [StageRunReply.model_validate(each) for each in values[1:]]
        replies.append(StageAfterIngestReply.model_validate({"stage": stage, "history": history, **values[0]}))
    return replies


def job_reply(job: Any, provider: Any, counted: Mapping[str, Any], runs: StageRuns) -> JobReply:
    """A job, its detection provider and the runs of its stages, by their attributes.

    A closed job answers the counts of its end.
    """
    counts = {name: getattr(job, name) if job.stage in CLOSED else counted[name] for name in (*_ENDS, "with_animals")}
    ended = sum(counts[name] for name in _ENDS)
    return JobReply(
        **{name: getattr(job, name) for name in _SAME},
        **counts,
        provider=JobProvider(id=provider.id, name=provider.name, version=provider.version),
        after_ingest=_after_ingest(runs),
        pending=job.total - ended,
        progress=ended / job.total,
        blocked=blocked_job(job.stage, job.error, job.blocked),
    )


def resource_reply(row: Any) -> JobResourceReply:
    """An outcome, by its attributes, as it is answered."""
    return JobResourceReply(resource_id=row.resource_id, outcome=row.outcome, code=row.code, message=row.message)
