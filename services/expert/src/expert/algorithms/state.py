"""Kinds of algorithms, and how other replies name an algorithm or a label."""

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from trapper_schemas.base import Reply
from trapper_schemas.v1.models import ObjectType


class AlgorithmKind(StrEnum):
    """Kinds of algorithms: the first four are models, the others are computed from predictions."""

    DETECTION = "detection"
    CLASSIFICATION = "classification"
    EMBEDDING = "embedding"
    DEPTH = "depth"
    POST_PROCESSING = "post_processing"
    TRACKING = "tracking"


class AlgorithmSummary(Reply):
    """An algorithm as other replies name it, without its labels."""

    id: UUID
    kind: AlgorithmKind
    name: str
    version: str


class LabelReply(Reply):
    """The meaning of one output of a model."""

    index: int = Field(description="position in the output, from 0")
    label: str
    observation_type: ObjectType | None
    scientific_name: str | None
    rank: str | None
    common_name: str | None
    lineage: dict[str, str] = Field(
        description="names of the taxa above it and of itself, by rank, as the model has them"
    )
    taxon_id: UUID | None = Field(description="null when the label names no taxon, or none that is known")
