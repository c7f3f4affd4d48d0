"""The life of an AI job and of each resource in it, as pure decisions."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from expert.classification_projects.state import KeepLogits
from trapper_schemas.blocked import Blocked
from trapper_schemas.v1.jobs import JobConfig, JobState, Stage
from trapper_schemas.v1.models import Fraction, ModelKind


class JobKind(StrEnum):
    """What a job asks for."""

    DETECT = "detect"


class JobStage(StrEnum):
    """How far a job is; `queued` and `running` are the Manager's `planned` and `running` as last polled."""

    CREATED = "created"
    SUBMITTED = "submitted"
    QUEUED = "queued"
    RUNNING = "running"
    FETCH_RESULTS = "fetch_results"
    INGESTING = "ingesting"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StageAfterIngest(StrEnum):
    """What follows once all results of a job are applied; each can be run again alone."""

    SEQUENCES = "sequences"
    POST_PROCESSING = "post_processing"


class Outcome(StrEnum):
    """How one resource of a job ended; `pending` is not an end."""

    PENDING = "pending"
    DONE = "done"
    BLANK = "blank"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class ResourceOutcome:
    """How one resource of a batch ended; `batch_row` is its index in the blob."""

    resource_id: UUID
    batch_row: int
    outcome: Outcome
    has_animals: bool
    code: str | None
    message: str | None


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

_STAGE_OF_STATE = {
    JobState.ACCEPTED: JobStage.SUBMITTED,
    JobState.PLANNED: JobStage.QUEUED,
    JobState.RUNNING: JobStage.RUNNING,
    JobState.FINISHED: JobStage.FETCH_RESULTS,
    JobState.PARTIAL: JobStage.FETCH_RESULTS,
    JobState.FAILED: JobStage.FETCH_RESULTS,
    JobState.CANCELLED: JobStage.CANCELLED,
}
_ORDER = list(JobStage)


def stage_after_poll(stage: JobStage, state: JobState, *, unacknowledged: int) -> JobStage:
    """The stage of a job after the Manager's reply; it never goes back, and never leaves an end."""
    if stage in CLOSED or stage is JobStage.CREATED:
        return stage
    there = _STAGE_OF_STATE[state]
    if state in CLOSED_THERE and unacknowledged == 0:
        there = JobStage.INGESTING
    return there if _ORDER.index(there) > _ORDER.index(stage) else stage


def blocked_job(stage: JobStage, error: str | None, at_manager: Mapping[str, str] | None) -> Blocked | None:
    """Why an open job waits for a person: it cannot be sent, or its Manager says that no worker may take it."""
    if stage is JobStage.CREATED and error is not None:
        return Blocked(
            code="not-submitted",
            message=error,
            what_to_do="It is tried again by itself. Check the Manager's address and credential, and: trapper status",
        )
    if stage in CLOSED or at_manager is None:
        return None
    return Blocked.model_validate(at_manager)


class Overrides(BaseModel):
    """Settings of one job that differ from its project's, under the project's names; what is not given stays."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    object_detection_ai_model: UUID | None = Field(
        default=None, description="Id of a detection provider; it may be another one than the project's."
    )
    species_ai_model: UUID | None = Field(
        default=None, description="Id of a classification provider; null leaves the species stage out."
    )
    embedding_ai_model: UUID | None = Field(
        default=None, description="Id of a provider of features; null leaves the embedding stage out."
    )
    detection_threshold: Fraction | None = Field(default=None, description="Null takes the detector's typical one.")
    classification_threshold: Fraction | None = Field(
        default=None, description="Null takes the species model's typical one."
    )
    nms_iou: Fraction | None = Field(default=None, description="Null takes the project's.")
    match_iou: Fraction | None = Field(default=None, description="Null takes the project's.")
    top_k: int = Field(default=5, ge=1, le=100, description="How many labels a classification keeps.")
    keep_logits: KeepLogits | None = Field(
        default=None, description="Whether classifications keep their logits; null takes the project's."
    )
    allow_unpinned: bool = Field(default=False, description="Allow models whose weights no operator has confirmed.")


class ParseOverrides(BaseModel):
    """Other thresholds for applying kept blobs again; the models' answers stay what they are."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    detection_threshold: Fraction | None = None
    classification_threshold: Fraction | None = None


FIRST_CONFIG = 1
"""The version of the configuration that a job was made with."""


class ProviderStage(Stage):
    """A stage of the wire with what the Expert reads its results by: provider, algorithm and labels."""

    provider_id: UUID
    algorithm_id: UUID
    category_map_id: UUID | None
    labels: int = Field(description="Number of labels of the model, from 0.")
    features: int | None = Field(default=None, description="Number of features, from 1, where it is known.")


class FrozenJobConfig(JobConfig):
    """A job's whole configuration, fixed when the job is made; its base class is what the Manager is sent.

    The thresholds here are those that results are parsed with, those of the stages are what the worker was sent.
    """

    stages: tuple[ProviderStage, ...]  # type: ignore[assignment]  # narrower; the model is frozen
    detection_threshold: Fraction
    classification_threshold: Fraction
    nms_iou: Fraction
    match_iou: Fraction
    embedding_algorithm_id: UUID | None = Field(
        default=None, description="Algorithm whose features are stored as embeddings; null stores none."
    )
    overrides: dict[str, str | bool | int | float | None] = Field(
        default_factory=dict, description="The overrides as they were given; they are applied already."
    )

    @property
    def detection(self) -> ProviderStage:
        """The first stage."""
        return self.stages[0]

    def threshold_of(self, kind: ModelKind) -> float:
        """The lowest score that counts for a stage's labels when results are parsed."""
        thresholds = {
            ModelKind.DETECTION: self.detection_threshold,
            ModelKind.CLASSIFICATION: self.classification_threshold,
        }
        return thresholds.get(kind, 0.0)

    def algorithm_of(self, kind: ModelKind) -> UUID | None:
        """The algorithm of the stage of this kind, or None without such a stage."""
        return next((stage.algorithm_id for stage in self.stages if stage.kind is kind), None)

    @property
    def features_algorithm_id(self) -> UUID | None:
        """The algorithm whose features a blob may hold: the embedding stage's, else a classifier's that gives some."""
        classifier = next((stage for stage in self.stages if stage.kind is ModelKind.CLASSIFICATION), None)
        given = classifier.algorithm_id if classifier is not None and classifier.features is not None else None
        return self.algorithm_of(ModelKind.EMBEDDING) or given

    @property
    def models_key(self) -> str:
        """Equal for configurations that run the same models, whatever their thresholds."""
        models = [[stage.kind, stage.model.name, stage.model.version, stage.model.sha256] for stage in self.stages]
        return hashlib.sha256(json.dumps(models).encode()).hexdigest()


TYPICAL_DETECTION = 0.2
TYPICAL_CLASSIFICATION = 0.5
"""For models whose authors recommend nothing."""


def backoff_seconds(attempts: int, *, first: float, longest: float) -> float:
    """The exponential pause in seconds after this many failed attempts."""
    return min(longest, first * 2 ** min(attempts, 20))


_PASSING = frozenset({401, 403, 408, 425, 429})
_THEIR_FAULT = 500


def passes(status: int) -> bool:
    """Whether a refusal is about the connection or the moment, not about the job: tried again, an operator may help."""
    return status >= _THEIR_FAULT or status in _PASSING
