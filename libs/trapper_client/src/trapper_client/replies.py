"""What the services answer, as far as clients read it; unknown fields are ignored."""

from datetime import datetime
from typing import Any

from pydantic import Field

from trapper_schemas.base import Reply


class ResearchProject(Reply):
    """The owner of places, media and classification projects."""

    id: str
    name: str
    acronym: str
    status: str


class ClassificationProject(Reply):
    """Who looks at which collections, with which models."""

    id: str
    research_project_id: str
    name: str
    slug: str
    status: str
    object_detection_ai_model_id: str | None
    species_ai_model_id: str | None


class Collection(Reply):
    """A grouped ingestion session."""

    id: str
    name: str


class CollectionCounts(Reply):
    """How far the files of a collection are."""

    resources: int
    stored: int
    described: int
    unreadable: int


class Deployment(Reply):
    """A camera's visit to a place; `deployment_id` is the name its people gave it."""

    id: str
    deployment_id: str


class LinkedCollection(Reply):
    """A collection that a classification project looks at."""

    id: str
    collection_id: str


class Resource(Reply):
    """One medium."""

    id: str
    sha256: str
    state: str
    deployment_id: str | None
    captured_at: datetime | None
    failure_code: str | None
    failure_message: str | None


class UploadItem(Reply):
    """What became of one announced file: bytes are wanted, or they are there."""

    sha256: str
    status: str
    upload_id: str | None
    resource_id: str | None


class Provider(Reply):
    """One version of a model at one Manager, as projects choose it."""

    id: str
    provider_type: str
    name: str
    version: str
    sha256: str | None
    availability: str
    is_active: bool
    threshold_typical: float | None = None
    threshold_conservative: float | None = None


class Job(Reply):
    """One submission of resources to the AI."""

    id: str
    classification_project_id: str
    linked_collection_id: str | None
    stage: str
    total: int
    done: int
    blank: int
    failed: int
    error: str | None = None

    @property
    def is_closed(self) -> bool:
        return self.stage in {"finished", "failed", "cancelled"}

    @property
    def ended(self) -> int:
        return self.done + self.blank + self.failed


class Asked(Reply):
    """The answer to asking for AI: how many resources it takes, and the job that takes them."""

    resources: int
    job: dict[str, Any] | None = None


class JobResource(Reply):
    """How one resource of a job ended."""

    resource_id: str
    outcome: str
    code: str | None = None
    message: str | None = None


class LabelScore(Reply):
    """One label that a classifier gave."""

    label: str
    score: float


class MachineDetection(Reply):
    """One box as the detector gave it."""

    label: str
    observation_type: str | None
    score: float
    bbox: tuple[float, float, float, float]
    classifications: tuple[LabelScore, ...] = ()


class ModelName(Reply):
    """Which weights."""

    name: str
    version: str
    sha256: str


class MachineSeen(Reply):
    """What the machine said of one resource."""

    resource_id: str
    outcome: str
    code: str | None = None
    message: str | None = None
    detections: tuple[MachineDetection, ...] = ()
    detector: ModelName | None = None
    classifier: ModelName | None = None


class Observation(Reply):
    """One object, or a whole resource that is blank."""

    id: str
    resource_id: str | None = None
    observation_type: str
    label: str | None = None
    scientific_name: str | None = None
    count: int | None = None
    bbox: tuple[float, float, float, float] | None = None
    detection_confidence: float | None = None
    classification_confidence: float | None = None


class Classification(Reply):
    """One row of annotation: ai, user, feedback, or the final container."""

    id: str
    type: str
    resource_id: str
    classification_project_id: str
    is_approved: bool = False
    version: int | None = None
    dynamic_attrs: tuple[dict[str, Any], ...] = Field(default=())
