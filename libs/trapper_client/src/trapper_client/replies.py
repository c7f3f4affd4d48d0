"""What the services answer, as far as clients read it; unknown fields are ignored."""

from datetime import datetime, timedelta, timezone

from trapper_schemas.base import Reply
from trapper_schemas.blocked import Blocked


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
    object_detection_ai_model: str | None
    species_ai_model: str | None


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


class CollectionPath(Reply):
    """One path under which a resource lies in a collection."""

    resource_id: str
    file_name: str
    path: str


class Deployment(Reply):
    """A camera's visit to a place; `deployment_id` is the name its people gave it."""

    id: str
    deployment_id: str


class LinkedCollection(Reply):
    """A collection that a classification project looks at."""

    id: str
    collection_id: str
    is_active: bool
    sequence_interval_seconds: int | None


class Resource(Reply):
    """One medium."""

    id: str
    sha256: str
    file_path: str
    state: str
    deployment_id: str | None
    recorded_at: datetime | None
    recorded_offset_seconds: int | None
    time_source: str
    is_damaged: bool
    failure_code: str | None
    failure_message: str | None

    @property
    def taken_at(self) -> datetime | None:
        """As the camera's clock showed it, with the offset that it told or that its place has; none is invented."""
        if self.recorded_at is None or self.recorded_offset_seconds is None:
            return self.recorded_at
        return self.recorded_at.replace(tzinfo=timezone(timedelta(seconds=self.recorded_offset_seconds)))


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
    threshold_typical: float | None
    threshold_conservative: float | None


class Category(Reply):
    """One label of a model."""

    index: int
    label: str
    observation_type: str | None
    scientific_name: str | None


class ProviderDetail(Provider):
    """With its labels in index order."""

    categories: tuple[Category, ...]


OPEN_STAGES = ("created", "submitted", "queued", "running", "fetch_results", "ingesting")
"""Of jobs that have not ended."""


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
    cancelled: int
    progress: float
    error: str | None
    blocked: Blocked | None = None

    @property
    def is_closed(self) -> bool:
        return self.stage not in OPEN_STAGES

    @property
    def ended(self) -> int:
        """How many of its resources have ended, as far as is known here or at the Manager."""
        counted = self.done + self.blank + self.failed + self.cancelled
        return counted if self.is_closed else max(counted, min(round(self.progress * self.total), self.total))


class AiRequestReply(Reply):
    """The answer to asking for AI: how many resources it takes, and the job that takes them, if one was made."""

    resources: int
    job: Job | None


class JobResource(Reply):
    """How one resource of a job ended."""

    resource_id: str
    outcome: str
    code: str | None
    message: str | None


class LabelScore(Reply):
    """One label that a classifier gave."""

    label: str
    score: float


class MachineDetection(Reply):
    """One box as the detector gave it: x, y, width, height of the upright picture."""

    label: str
    observation_type: str | None
    score: float
    bbox: tuple[float, float, float, float]
    classifications: tuple[LabelScore, ...]


class ModelName(Reply):
    """Which weights."""

    name: str
    version: str
    sha256: str


class MachineSeen(Reply):
    """What the machine said of one resource: seen with its detections, or failed with code and message."""

    resource_id: str
    outcome: str
    code: str | None
    message: str | None
    detections: tuple[MachineDetection, ...]
    detector: ModelName | None
    classifier: ModelName | None


class Observation(Reply):
    """One object, or a whole resource that is blank."""

    id: str
    classification_id: str
    resource_id: str
    observation_type: str
    label: str | None
    scientific_name: str | None
    count: int | None
    bbox: tuple[float, float, float, float] | None
    detection_confidence: float | None
    classification_confidence: float | None

    @property
    def name(self) -> str | None:
        """What it is called: as its model or person said, or else in Latin."""
        return self.label or self.scientific_name


class Classification(Reply):
    """One row of annotation: ai, user, feedback, or the final container; `version` is that of the final row."""

    id: str
    type: str
    classification_project_id: str
    resource_id: str
    source_classification_id: str | None
    provider_id: str | None
    superseded_by_id: str | None
    is_current: bool
    is_approved: bool
    version: int
    created_at: datetime


class ClassificationDetail(Classification):
    """With what it says."""

    dynamic_attrs: tuple[Observation, ...]


class HistoryItem(ClassificationDetail):
    """In the history of a resource, with the rows that were made from this one."""

    derived_classifications: tuple[str, ...]


class History(Reply):
    """Everything that was ever said about a resource in a project, oldest first."""

    final: Classification | None
    child_classifications: tuple[HistoryItem, ...]
