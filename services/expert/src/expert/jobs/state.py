"""The life of an AI job and of each resource in it, as pure decisions."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from trapper_schemas.v1.jobs import JobState, Stage
from trapper_schemas.v1.models import Fraction, ModelKind, ModelRef


class JobKind(StrEnum):
    """What a job asks for."""

    DETECT = "detect"


class JobStage(StrEnum):
    """How far a job is; `queued` and `running` are the Manager's `planned` and `running` as last heard."""

    CREATED = "created"
    SUBMITTED = "submitted"
    QUEUED = "queued"
    RUNNING = "running"
    FETCH_RESULTS = "fetch_results"
    INGESTING = "ingesting"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """How one resource of a job ended; `pending` is not an end."""

    PENDING = "pending"
    DONE = "done"
    BLANK = "blank"
    FAILED = "failed"
    CANCELLED = "cancelled"


CLOSED = frozenset({JobStage.FINISHED, JobStage.FAILED, JobStage.CANCELLED})
OPEN = tuple(stage for stage in JobStage if stage not in CLOSED)
FOLLOWED = tuple(stage for stage in OPEN if stage is not JobStage.CREATED)
"""Stages in which the Manager knows the job and the job is not over here."""
CLOSED_THERE = frozenset({JobState.FINISHED, JobState.PARTIAL, JobState.FAILED})
"""The Manager has a result for every resource: also where all of them failed, each has its reason."""
ENDED = (Outcome.DONE, Outcome.BLANK)
"""Outcomes of a resource that was looked at."""

JOB_FAILED = "job-failed"
"""The code of a resource whose job ended before it had an outcome of its own."""

_HEARD = {
    JobState.ACCEPTED: JobStage.SUBMITTED,
    JobState.PLANNED: JobStage.QUEUED,
    JobState.RUNNING: JobStage.RUNNING,
    JobState.FINISHED: JobStage.FETCH_RESULTS,
    JobState.PARTIAL: JobStage.FETCH_RESULTS,
    JobState.FAILED: JobStage.FETCH_RESULTS,
    JobState.CANCELLED: JobStage.CANCELLED,
}
_ORDER = list(JobStage)


def after_hearing(stage: JobStage, heard: JobState, *, unacknowledged: int) -> JobStage:
    """Where a job stands once the Manager has told its state; never backwards, and never out of an end."""
    if stage in CLOSED or stage is JobStage.CREATED:
        return stage
    there = _HEARD[heard]
    if heard in CLOSED_THERE and unacknowledged == 0:
        there = JobStage.INGESTING
    return there if _ORDER.index(there) > _ORDER.index(stage) else stage


class Overrides(BaseModel):
    """What one job does otherwise than its project says; a species provider of null leaves that stage out."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    detection_threshold: Fraction | None = None
    classification_threshold: Fraction | None = None
    nms_iou: Fraction | None = None
    detection_provider_id: UUID | None = None
    species_provider_id: UUID | None = None
    top_k: int = Field(default=5, ge=1, le=100)
    logits: bool = False
    allow_unpinned: bool = Field(default=False, description="also models whose weights no operator confirmed")


class ParseOverrides(BaseModel):
    """Other thresholds for applying kept blobs again; the models' answers stay what they are."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    detection_threshold: Fraction | None = None
    classification_threshold: Fraction | None = None


@dataclass(frozen=True)
class Frozen:
    """A job's snapshot, and where it goes."""

    config: dict[str, Any]
    models_key: str
    connection_id: UUID
    detection_provider_id: UUID

    def stages(self) -> tuple[Stage, ...]:
        """As the Manager is asked."""
        return wire_stages(self.config)


TYPICAL_DETECTION = 0.2
TYPICAL_CLASSIFICATION = 0.5
"""For models whose authors recommend nothing."""


def models_key(stages: Sequence[Mapping[str, Any]]) -> str:
    """The same for jobs that ask the same models, whatever their thresholds."""
    models = [
        [stage["kind"], stage["model"]["name"], stage["model"]["version"], stage["model"]["sha256"]] for stage in stages
    ]
    return hashlib.sha256(json.dumps(models).encode()).hexdigest()


def wire_stages(config: Mapping[str, Any]) -> tuple[Stage, ...]:
    """The pipeline of a frozen configuration."""
    return tuple(
        Stage(
            kind=ModelKind(stage["kind"]),
            model=ModelRef.model_validate(stage["model"]),
            threshold=stage["threshold"],
            nms_iou=stage["nms_iou"],
            top_k=stage["top_k"],
            logits=stage["logits"],
        )
        for stage in config["stages"]
    )


def backoff_seconds(attempts: int, *, first: float, longest: float) -> float:
    """The pause after so many attempts that came to nothing."""
    return min(longest, first * 2 ** min(attempts, 20))


_PASSING = frozenset({401, 403, 408, 425, 429})
_THEIR_FAULT = 500


def passes(status: int) -> bool:
    """Whether a refusal is about the connection or the moment, not about the job: tried again, an operator may help."""
    return status >= _THEIR_FAULT or status in _PASSING
