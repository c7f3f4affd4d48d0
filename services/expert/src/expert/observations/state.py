"""What an observation may say, as the words of the domain."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class ClassificationType(StrEnum):
    """`final` is the container of what is accepted; the others say something about the resource."""

    FINAL = "final"
    AI = "ai"
    USER = "user"
    FEEDBACK = "feedback"


class ObservationLevel(StrEnum):
    """One object, or a group that is counted without boxes."""

    OBJECT = "object"
    GROUP = "group"


class ObservationType(StrEnum):
    """What was seen; `blank` and `unclassified` are about the whole resource and have no box."""

    ANIMAL = "animal"
    HUMAN = "human"
    VEHICLE = "vehicle"
    BLANK = "blank"
    UNKNOWN = "unknown"
    UNCLASSIFIED = "unclassified"


class Sex(StrEnum):
    FEMALE = "female"
    MALE = "male"


class LifeStage(StrEnum):
    ADULT = "adult"
    SUBADULT = "subadult"
    JUVENILE = "juvenile"


WHOLE_RESOURCE = frozenset({ObservationType.BLANK, ObservationType.UNCLASSIFIED})
BOX_TOLERANCE = 1e-6

Box = tuple[float, float, float, float]
"""x, y, width, height, relative to the upright picture."""


class Told(BaseModel):
    """What a person says about one object or group; `id` keeps an observation that the row has already."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    id: UUID | None = None
    observation_level: ObservationLevel = ObservationLevel.OBJECT
    observation_type: ObservationType
    taxon_id: UUID | None = None
    sex: Sex | None = None
    life_stage: LifeStage | None = None
    behaviour: str | None = Field(default=None, max_length=200)
    count: int | None = Field(default=None, ge=1, le=1_000_000)
    individual_id: str | None = Field(default=None, max_length=200)
    bbox: Box | None = None
    first_frame_index: int | None = Field(default=None, ge=0)
    custom_attributes: dict[str, Any] = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list, max_length=50)


class PredictionTold(BaseModel):
    """What one algorithm said about the object."""

    id: UUID
    algorithm_id: UUID
    label: str
    taxon_id: UUID | None
    score: float
    top_k: list[Any]
    terminal: bool


class ObservationTold(BaseModel):
    """One object, group, or whole-resource statement; `bbox` is x, y, width, height of the upright picture."""

    id: UUID
    classification_id: UUID
    classification_type: str
    classification_project_id: UUID
    linked_collection_id: UUID | None
    resource_id: UUID
    deployment_id: UUID | None
    captured_at: datetime | None
    is_current: bool
    observation_level: str
    observation_type: str
    taxon_id: UUID | None
    scientific_name: str | None
    label: str | None
    sex: str | None
    life_stage: str | None
    behaviour: str | None
    count: int | None
    individual_id: str | None
    bbox: list[float] | None
    first_frame_index: int | None
    distance_m: float | None
    detection_confidence: float | None
    classification_confidence: float | None
    custom_attributes: dict[str, Any]
    tags: list[str]
    copied_from_id: UUID | None
    matched_to_id: UUID | None
    predictions: list[PredictionTold] | None = None


def faults(told: Told) -> list[tuple[str, str]]:
    """What the database would refuse, as (field, sentence), so that a person hears it field by field."""
    found: list[tuple[str, str]] = []
    whole = told.observation_type in WHOLE_RESOURCE
    if told.observation_level is ObservationLevel.GROUP:
        if told.bbox is not None:
            found.append(("bbox", "a group has no box"))
        if told.individual_id is not None:
            found.append(("individual_id", "a group is not one individual"))
        if told.count is None:
            found.append(("count", "a group has a count"))
    elif not whole and told.bbox is None:
        found.append(("bbox", "an object has a box; without one it is a group"))
    if whole and told.taxon_id is not None:
        found.append(("taxon_id", f"{told.observation_type.value} has no taxon"))
    if told.bbox is not None and not inside(told.bbox):
        found.append(("bbox", "the box reaches beyond the picture"))
    return found


def inside(box: Box) -> bool:
    """Whether a box lies in the picture."""
    x, y, width, height = box
    return (
        min(x, y) >= -BOX_TOLERANCE
        and min(width, height) >= 0
        and x + width <= 1 + BOX_TOLERANCE
        and y + height <= 1 + BOX_TOLERANCE
    )


def clip(box: Box) -> Box:
    """The part of a box that lies in the picture."""
    x, y, width, height = box
    left, top = min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)
    return left, top, min(max(x + width, left), 1.0) - left, min(max(y + height, top), 1.0) - top


def overlap(first: Box, second: Box) -> float:
    """Intersection over union."""
    width = min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0])
    height = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    union = first[2] * first[3] + second[2] * second[3] - common
    return min(1.0, common / union) if union > 0 else 0.0  # boxes so small that their area is none


def match(new: Sequence[tuple[str, Box]], old: Sequence[tuple[str, Box]], *, at_least: float) -> dict[int, int]:
    """New index to old index: same type, overlap of at least `at_least`, one to one, best first."""
    pairs = sorted(
        (
            (-shared, i, j)
            for i, (kind, box) in enumerate(new)
            for j, (other, there) in enumerate(old)
            if kind == other and (shared := overlap(box, there)) >= at_least
        ),
    )
    chosen: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, j in pairs:
        if i not in chosen and j not in taken:
            chosen[i] = j
            taken.add(j)
    return chosen
