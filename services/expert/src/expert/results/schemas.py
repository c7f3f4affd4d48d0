"""Bodies of the result routes."""

from uuid import UUID

from pydantic import BaseModel

from trapper_schemas.v1.models import ObservationType


class LabelScore(BaseModel):
    """One label that a classifier gave."""

    label: str
    score: float


class MachineDetection(BaseModel):
    """One box as the detector gave it: x, y, width, height of the upright picture."""

    label: str
    observation_type: ObservationType | None
    score: float
    bbox: tuple[float, float, float, float]
    classifications: list[LabelScore]


class ModelName(BaseModel):
    """Which weights."""

    name: str
    version: str
    sha256: str


class MachineSeen(BaseModel):
    """What the machine said of one resource: seen with its size and detections, or failed with code and message."""

    resource_id: UUID
    outcome: str
    width: int | None = None
    height: int | None = None
    damaged: bool = False
    code: str | None = None
    message: str | None = None
    detections: list[MachineDetection]
    detector: ModelName | None
    classifier: ModelName | None


class Reparsed(BaseModel):
    """The job, whose results are applied again."""

    id: UUID
    stage: str
