"""Bodies of the job routes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from expert.jobs.state import CLOSED, FrozenJobConfig, Overrides


class AskBody(BaseModel):
    """A linked collection, or a selection of its resources; with `dry_run` nothing is made."""

    model_config = ConfigDict(extra="forbid")

    classification_project_id: UUID
    linked_collection_id: UUID | None = None
    resource_ids: list[UUID] | None = Field(default=None, max_length=100_000)
    overrides: Overrides = Overrides()
    missing_only: bool = False
    interactive: bool = False
    dry_run: bool = False


class RerunBody(BaseModel):
    """The same scope again, or only what failed."""

    model_config = ConfigDict(extra="forbid")

    failed_only: bool = False
    overrides: Overrides = Overrides()
    interactive: bool = False
    dry_run: bool = False


class JobReply(BaseModel):
    """One job; counts of an open one are counted now, those of a closed one were written when it closed."""

    id: UUID
    classification_project_id: UUID
    linked_collection_id: UUID
    connection_id: UUID
    kind: str
    stage: str
    stages: list[Any]
    job_config: FrozenJobConfig
    models_key: str
    interactive: bool
    total: int
    done: int
    blank: int
    failed: int
    cancelled: int
    with_animals: int
    progress: float
    eta_seconds: float | None
    images_per_second: float | None
    error: str | None
    created_by: UUID | None
    created_at: datetime
    closed_at: datetime | None


class AskedReply(BaseModel):
    """How many resources the job takes, or would take; no job when there is nothing to do, or on a dry run."""

    job: JobReply | None
    resources: int


class JobResourceReply(BaseModel):
    """How one resource of a job ended."""

    resource_id: UUID
    outcome: str
    code: str | None
    message: str | None


_SAME = (
    "id", "classification_project_id", "linked_collection_id", "connection_id", "stages", "job_config", "models_key",
    "interactive", "total", "done", "blank", "failed", "cancelled", "with_animals", "progress", "eta_seconds",
    "images_per_second", "error", "created_by", "created_at", "closed_at",
)  # fmt: skip


def job_reply(job: Any, counted: dict[str, Any] | None = None) -> JobReply:
    """A job, by its attributes, as it is answered."""
    fields = {name: getattr(job, name) for name in _SAME}
    if counted is not None and job.stage not in CLOSED:
        fields |= {name: counted[name] for name in ("done", "blank", "failed", "cancelled", "with_animals")}
    if job.stage in CLOSED:
        fields["progress"] = 1.0
    return JobReply(**fields, kind=job.kind.value, stage=job.stage.value)


def resource_reply(row: Any) -> JobResourceReply:
    """An outcome, by its attributes, as it is answered."""
    return JobResourceReply(resource_id=row.resource_id, outcome=row.outcome.value, code=row.code, message=row.message)
