"""Bodies of the result routes."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from expert.jobs.state import FrozenJobConfig, JobStage
from expert.observations.state import Box
from trapper_schemas.v1.models import ObjectType
from trapper_schemas.v1.results import FailureCode


class LabelScore(BaseModel):
    """One label that a classifier gave."""

    label: str
    score: float


class MachineDetection(BaseModel):
    """One box as the detector gave it: x, y, width, height of the upright picture."""

    label: str
    observation_type: ObjectType | None
    score: float
    bbox: Box
    classifications: list[LabelScore]


class ModelName(BaseModel):
    """Which weights."""

    name: str
    version: str
    sha256: str


class MachineResult(BaseModel):
    """What the machine said of one resource: seen with its size and detections, or failed with code and message."""

    resource_id: UUID
    outcome: Literal["seen", "failed"]
    width: int | None = None
    height: int | None = None
    damaged: bool = False
    code: FailureCode | None = None
    message: str | None = None
    detections: list[MachineDetection]
    detector: ModelName | None
    classifier: ModelName | None


class ParseVersion(BaseModel):
    """One configuration that a job's results were parsed with; version 1 is the job's own."""

    version: int
    job_config: FrozenJobConfig
    created_by: UUID | None
    created_at: datetime
    superseded: int | None = Field(
        description="number of resources, from 0, whose current row is of another job; null unless it is the latest"
    )


class ParseVersions(BaseModel):
    """Every configuration of a job, oldest first."""

    items: list[ParseVersion]


class ReparseReply(BaseModel):
    """The job, whose results are applied again."""

    id: UUID
    stage: JobStage
