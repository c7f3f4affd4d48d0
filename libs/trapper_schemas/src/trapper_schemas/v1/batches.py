"""A batch on lease: what a worker gets, and how it gives it back."""

from typing import Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from trapper_schemas.base import Reply, Request
from trapper_schemas.urls import Origin
from trapper_schemas.v1.jobs import JobConfig, Stage
from trapper_schemas.v1.models import ModelEntry
from trapper_schemas.v1.resources import SHA256, ResourceRef
from trapper_schemas.v1.workers import Intervals


class ClaimRequest(Request):
    """Ask for up to `limit` batches of one runtime; `loaded` are the weights in memory, served first."""

    runtime: str = Field(max_length=64)
    limit: int = Field(default=1, ge=1, le=64)
    wait_seconds: float = Field(default=0, ge=0, le=30)
    loaded: tuple[str, ...] = Field(default=(), max_length=64)
    on_disk: tuple[str, ...] = Field(default=(), max_length=1000)
    allow_unpinned: bool = False
    memory_bytes: int | None = Field(default=None, ge=0, description="bytes for the models of one batch together")
    offline_seconds: float | None = Field(
        default=None, gt=0, description="seconds that a lease lasts without a heartbeat, cut to what the Manager allows"
    )


class StageSpec(Reply):
    """One stage of the job together with the catalogue's entry of its model."""

    stage: Stage
    model: ModelEntry


class BatchLease(Reply):
    """A leased batch, until `expires_in_seconds` after the request was sent; `token` proves it, `attempt` fences it."""

    batch_id: UUID
    job_id: UUID
    attempt: int
    token: str
    expires_in_seconds: float
    job_config: JobConfig
    models: list[ModelEntry] = Field(
        description="the catalogue's entry of each stage's model, in the order of the stages"
    )
    resources: list[ResourceRef]
    media_grant: str
    media_origins: list[Origin]

    @model_validator(mode="after")
    def _check_models(self) -> Self:
        if len(self.models) != len(self.job_config.stages):
            raise ValueError(f"{len(self.models)} models for {len(self.job_config.stages)} stages")
        return self

    @property
    def stages(self) -> list[StageSpec]:
        """Each stage with its model's entry."""
        pairs = zip(self.job_config.stages, self.models, strict=True)
        return [StageSpec(stage=stage, model=model) for stage, model in pairs]


class ClaimReply(Reply):
    """What was leased; empty when there was nothing until the wait ended."""

    batches: list[BatchLease]
    intervals: Intervals


class BatchRelease(Request):
    """Give a batch back unfinished."""

    token: str = Field(max_length=100)
    reason: Literal["draining", "inference_died", "cannot_run", "disk_full", "lost"]
    message: str = Field(default="", max_length=2000)


class SavedBatch(Reply):
    """The batch is closed; `duplicate` when these very bytes had been saved before."""

    batch_id: UUID
    sha256: str = Field(pattern=SHA256)
    duplicate: bool
