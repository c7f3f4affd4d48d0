"""Bodies of classification projects and their linked collections."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from expert.access.state import Capability
from expert.classification_projects.state import ClassificationProjectStatus, KeepLogits, LinkState
from trapper_kit.text import Name
from trapper_schemas.base import Change, Reply, Request, RowVersion
from trapper_schemas.blocked import Blocked
from trapper_schemas.v1.models import Fraction


class _Settings(Request):
    """The AI settings; a null threshold takes the provider's typical one."""

    object_detection_ai_model: UUID | None = None
    species_ai_model: UUID | None = None
    embedding_ai_model: UUID | None = None
    required_ai_classification: bool = False
    detection_threshold: Fraction | None = None
    classification_threshold: Fraction | None = None
    nms_iou: Fraction = 0.45
    match_iou: Fraction = 0.5
    keep_logits: KeepLogits = Field(
        default=KeepLogits.AUTO,
        description="Whether classifications keep their logits; auto keeps those of models with up to 5,000 labels.",
    )
    sequence_interval_seconds: int = Field(default=300, ge=1, le=31_536_000)
    taxa_list: UUID | None = Field(
        default=None, description="taxa list with which the results of each job are masked; null masks none"
    )


class NewClassificationProject(_Settings):
    research_project_id: UUID
    name: Name = Field(max_length=200)


class ClassificationProjectChange(_Settings, Change):
    """Only what is given changes; a job that was submitted keeps what it was asked."""

    name: Name = Field(default="", max_length=200)
    status: ClassificationProjectStatus = ClassificationProjectStatus.ONGOING


class ClassificationProjectReply(Reply):
    id: UUID
    research_project_id: UUID
    name: str
    slug: str
    classificator_id: UUID
    status: ClassificationProjectStatus
    object_detection_ai_model: UUID | None
    species_ai_model: UUID | None
    embedding_ai_model: UUID | None
    required_ai_classification: bool
    detection_threshold: float | None
    classification_threshold: float | None
    nms_iou: float
    match_iou: float
    keep_logits: KeepLogits
    sequence_interval_seconds: int
    taxa_list: UUID | None = Field(description="with which the results of each job are masked")
    created_at: datetime
    version: RowVersion
    blocked: Blocked | None = Field(description="why no job can be made; null when nothing is in the way")
    capabilities: list[Capability] = Field(description="what the caller's role and token allow on the project")


class ClassificationProjectChanged(ClassificationProjectReply):
    """The project as it is after a change, or as it stays after a dry run."""

    rerun_resources: int | None = Field(
        description="number of resources from 0 that a re-run under the new AI settings would take; "
        "null when the change concerns no AI setting"
    )


class NewLinkedCollection(Request):
    collection_id: UUID
    sequence_interval_seconds: int | None = Field(default=None, ge=1, le=31_536_000)


class LinkedCollectionChange(Change):
    """Only what is given changes; an inactive link submits nothing."""

    is_active: bool = True
    sequence_interval_seconds: int | None = Field(default=None, ge=1, le=31_536_000)


class LinkedCollectionReply(Reply):
    id: UUID
    classification_project_id: UUID
    collection_id: UUID
    is_active: bool
    state: LinkState
    sequence_interval_seconds: int | None
    created_at: datetime
    version: RowVersion
    blocked: Blocked | None = Field(default=None, description="why no job can be made of its resources")


class LinkedCollectionCounts(Reply):
    """Resources of a linked collection by how far the AI is with them."""

    resources: int
    taken: int
    ai_ended: int
    unreadable: int = Field(description="number of files that no AI can look at, from 0; they count as ended")


class CollectionLinkReply(LinkedCollectionReply):
    """A link as the owners of the collection see it."""

    classification_project_name: str
    consented_at: datetime | None
    revoked_at: datetime | None
