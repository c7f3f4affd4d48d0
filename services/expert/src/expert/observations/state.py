"""The fields of an observation, and what they may not contradict."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from expert.algorithms.state import AlgorithmSummary
from trapper_kit.text import Name
from trapper_schemas.base import without_defaults
from trapper_schemas.times import Moment


class ClassificationType(StrEnum):
    """`final` is the container of what is accepted; the others say something about the resource."""

    FINAL = "final"
    AI = "ai"
    USER = "user"
    FEEDBACK = "feedback"


class ObservationLevel(StrEnum):
    """An object with a box, a group that is counted without boxes, or a statement about the whole resource."""

    OBJECT = "object"
    GROUP = "group"
    RESOURCE = "resource"


class ObservationType(StrEnum):
    """What was seen; `blank` and `unclassified` are about the whole resource and have no box."""

    ANIMAL = "animal"
    HUMAN = "human"
    VEHICLE = "vehicle"
    BLANK = "blank"
    UNKNOWN = "unknown"
    UNCLASSIFIED = "unclassified"


class StepKind(StrEnum):
    """A step of an object's provenance: a prediction, or an observation of a row of this type."""

    PREDICTION = "prediction"
    AI = "ai"
    USER = "user"
    FEEDBACK = "feedback"


class Sex(StrEnum):
    FEMALE = "female"
    MALE = "male"


class LifeStage(StrEnum):
    ADULT = "adult"
    SUBADULT = "subadult"
    JUVENILE = "juvenile"


Confidence = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


WHOLE_RESOURCE = frozenset({ObservationType.BLANK, ObservationType.UNCLASSIFIED})
BOX_TOLERANCE = 1e-6
MAX_FRAME_INDEX = 2_147_483_647
WHOLE = "observation_type in ('blank', 'unclassified')"
HAS_BOX = "bbox_x is not null and bbox_y is not null and bbox_width is not null and bbox_height is not null"
NO_BOX = "bbox_x is null and bbox_y is null and bbox_width is null and bbox_height is null"

Box = Annotated[
    tuple[float, float, float, float],
    WithJsonSchema({"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}),
]
"""x, y, width, height, relative to the upright picture."""


def _default_level(given: Mapping[str, object]) -> ObservationLevel:
    whole = given.get("observation_type") in WHOLE_RESOURCE
    return ObservationLevel.RESOURCE if whole else ObservationLevel.OBJECT


class ObservationInput(BaseModel):
    """What a person says about one object or group; `id` keeps an observation that the row has already."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    id: UUID | None = None
    observation_type: ObservationType
    observation_level: ObservationLevel = Field(
        default_factory=_default_level,
        description="when left out: resource for blank and unclassified, object for the others",
    )
    taxon_id: UUID | None = None
    sex: Sex | None = None
    life_stage: LifeStage | None = None
    behaviour: Name | None = Field(default=None, max_length=200)
    count: int | None = Field(default=None, ge=1, le=1_000_000)
    individual_id: Name | None = Field(default=None, max_length=200)
    bbox: Box | None = None
    first_frame_index: int | None = Field(default=None, ge=0, le=MAX_FRAME_INDEX)
    custom_attributes: dict[str, Any] = Field(default_factory=dict)
    tags: list[Name] = Field(default_factory=list, max_length=50)


class ObservationChange(ObservationInput):
    """An observation of a row that is edited; its read-only fields are taken when they are as they were read."""

    model_config = ConfigDict(extra="allow", json_schema_extra=without_defaults)


class RankedLabel(BaseModel):
    """One of the best labels of a prediction."""

    label: str
    score: float
    taxon_id: UUID | None = Field(description="the taxon that the label names; null for none")


class AppliedTo(BaseModel):
    """The prediction that another was derived from."""

    id: UUID
    algorithm: AlgorithmSummary
    label: str
    taxon_id: UUID | None
    score: float
    created_at: datetime


class TerminalPrediction(BaseModel):
    """The prediction that counts for the object."""

    id: UUID
    algorithm: AlgorithmSummary
    label: str
    taxon_id: UUID | None
    score: float = Field(description="from 0 to 1")
    rule: str | None = Field(description="the rule of a post-processing method that chose the label; null for a model")
    applied_to: AppliedTo | None = Field(description="what it was derived from; null for what a model said itself")
    created_at: datetime


class PredictionReply(TerminalPrediction):
    """What one algorithm predicted for the object."""

    algorithm_id: UUID
    top_k: list[RankedLabel]
    terminal: bool = Field(description="whether it is the prediction that counts")


class ObservationReply(BaseModel):
    """One object, group, or whole-resource statement; `bbox` is x, y, width, height of the upright picture."""

    id: UUID
    classification_id: UUID
    classification_type: ClassificationType
    classification_project_id: UUID
    linked_collection_id: UUID | None
    resource_id: UUID
    deployment_id: UUID | None
    captured_at: datetime | None
    is_current: bool
    observation_level: ObservationLevel
    observation_type: ObservationType
    taxon_id: UUID | None
    scientific_name: str | None
    label: str | None
    sex: Sex | None
    life_stage: LifeStage | None
    behaviour: str | None
    count: int | None
    individual_id: str | None
    external_id: str | None = Field(description="of the system that it was imported from")
    bbox: Box | None
    first_frame_index: int | None
    distance_m: float | None
    detection_confidence: float | None
    classification_confidence: float | None
    custom_attributes: dict[str, Any]
    tags: list[str]
    occurrence_id: UUID | None = Field(description="the individual that it is of; null for groups and whole resources")
    copied_from_id: UUID | None
    matched_to_id: UUID | None
    terminal_prediction: TerminalPrediction | None = Field(
        default=None, description="the prediction that counts; null for what a person said, and for blank"
    )
    predictions: list[PredictionReply] | None = None


class ProvenanceStep(BaseModel):
    """What an algorithm or a row says about an object, and the step that it was made from."""

    id: UUID = Field(description="of the prediction, or of the observation")
    derived_from_id: UUID | None = Field(description="the step that it was made from; null for what came first")
    kind: StepKind
    classification_id: UUID = Field(description="the row that it belongs to")
    algorithm: AlgorithmSummary | None = Field(description="what made the prediction; null for an observation")
    rule: str | None = Field(description="the rule of a post-processing method that chose the label")
    terminal: bool | None = Field(description="whether it is the prediction that counts; null for an observation")
    owner_id: UUID | None = Field(description="the person who made the row; null for what an AI run said")
    edited_by_id: UUID | None = Field(description="who wrote what the row says now, when that is not its owner's first")
    is_approved: bool = Field(description="whether the observation's row is what is accepted now")
    approved_by_id: UUID | None
    observation_type: ObservationType | None = Field(description="null for a prediction")
    label: str | None
    taxon_id: UUID | None
    score: float | None = Field(description="from 0 to 1; null for what a person said")
    created_at: datetime


class ObservationProvenance(BaseModel):
    """Everything that was said about one object, from what models said to what people made of it."""

    observation_id: UUID
    items: list[ProvenanceStep] = Field(description="each after the step that it was made from")


class RecordFilters(BaseModel):
    """What the lists of classifications and of observations are filtered by; several values of one name mean any."""

    model_config = ConfigDict(frozen=True)

    id: list[UUID] = Field(default=[], max_length=200)
    classification_project_id: list[UUID] = Field(default=[], max_length=200)
    linked_collection_id: list[UUID] = Field(default=[], max_length=200)
    resource_id: list[UUID] = Field(default=[], max_length=200)
    deployment_id: list[UUID] = Field(default=[], max_length=200)
    sequence_id: list[UUID] = Field(default=[], max_length=200, description="of resources in one of these sequences")
    type: list[ClassificationType] = Field(default=[], description="of the classification")
    observation_type: list[ObservationType] = Field(default=[])
    taxon_id: list[UUID] = Field(default=[], max_length=200, description="with all taxa below")
    provider_id: list[UUID] = Field(default=[], max_length=200, description="whose job made an ai row")
    algorithm_id: list[UUID] = Field(
        default=[], max_length=200, description="one of these algorithms made a prediction about the object"
    )
    owner_id: list[UUID] = Field(default=[], max_length=200, description="the person who made a user or feedback row")
    approved_by_id: list[UUID] = Field(default=[], max_length=200, description="the person whose approval is current")
    current: bool | None = Field(default=None, description="whether no newer AI run superseded the row")
    approved: bool | None = Field(default=None, description="whether the row is what is accepted, superseded or not")
    min_confidence: Confidence | None = Field(default=None, description="of the species, else of the detection")
    max_confidence: Confidence | None = Field(default=None, description="of the species, else of the detection")
    captured_from: Moment | None = Field(default=None, description="taken at this time or later")
    captured_until: Moment | None = Field(default=None, description="taken before this time")


class ObservationFilters(RecordFilters):
    """What the list of observations is filtered by."""

    classification_id: list[UUID] = Field(default=[], max_length=200)


@dataclass(frozen=True)
class Rule:
    """What no observation may be: the field that is refused, why, and the database check that holds it."""

    constraint: str
    field: str
    message: str
    breaks: Callable[[ObservationInput], bool]
    check: str


def _is_whole(observation: ObservationInput) -> bool:
    return observation.observation_type in WHOLE_RESOURCE


def _is_object(observation: ObservationInput) -> bool:
    return observation.observation_level is ObservationLevel.OBJECT


def _is_group(observation: ObservationInput) -> bool:
    return observation.observation_level is ObservationLevel.GROUP


def _whole_has_no(field: str) -> Rule:
    return Rule(
        f"observations_whole_resource_has_no_{field}_check",
        field,
        f"blank and unclassified are about the whole resource: leave out {field}, or choose another observation_type",
        lambda observation: _is_whole(observation) and getattr(observation, field) is not None,
        f"not ({WHOLE}) or {field} is null",
    )


def _human_or_vehicle_has_no(field: str) -> Rule:
    return Rule(
        f"observations_human_or_vehicle_has_no_{field}_check",
        field,
        f"human and vehicle have no {field}: leave it out, or choose observation_type animal",
        lambda observation: (
            observation.observation_type in {ObservationType.HUMAN, ObservationType.VEHICLE}
            and getattr(observation, field) is not None
        ),
        f"observation_type not in ('human', 'vehicle') or {field} is null",
    )


RULES: tuple[Rule, ...] = (
    Rule(
        "dynattrs_group_rows_have_no_bboxes",
        "bbox",
        "a group is counted without a box: leave out bbox, or choose observation_level object",
        lambda observation: _is_group(observation) and observation.bbox is not None,
        f"observation_level <> 'group' or ({NO_BOX})",
    ),
    Rule(
        "dynattrs_group_rows_null_individual_id",
        "individual_id",
        "a group is not one individual: leave out individual_id, or choose observation_level object",
        lambda observation: _is_group(observation) and observation.individual_id is not None,
        "observation_level <> 'group' or individual_id is null",
    ),
    Rule(
        "dynattrs_group_rows_positive_count",
        "count",
        "a group has a count: give how many there are",
        lambda observation: _is_group(observation) and not _is_whole(observation) and observation.count is None,
        "observation_level <> 'group' or (count is not null and count > 0)",
    ),
    Rule(
        "observations_whole_resource_level_check",
        "observation_level",
        "blank and unclassified are about the whole resource: choose observation_level resource",
        lambda observation: _is_whole(observation) and observation.observation_level is not ObservationLevel.RESOURCE,
        f"not ({WHOLE}) or observation_level = 'resource'",
    ),
    Rule(
        "observations_object_has_box_check",
        "bbox",
        "an object has a box: give bbox, or choose observation_level group with a count, or resource",
        lambda observation: _is_object(observation) and not _is_whole(observation) and observation.bbox is None,
        f"observation_level <> 'object' or ({HAS_BOX} and first_frame_index is not null)",
    ),
    Rule(
        "observations_resource_has_no_bbox_check",
        "bbox",
        "a statement about the whole resource has no box: leave out bbox, or choose observation_level object",
        lambda observation: observation.observation_level is ObservationLevel.RESOURCE and observation.bbox is not None,
        f"observation_level <> 'resource' or ({NO_BOX})",
    ),
    Rule(
        "observations_box_inside_check",
        "bbox",
        "the box reaches beyond the picture: x, y, width and height are fractions of the upright picture",
        lambda observation: observation.bbox is not None and not is_inside(observation.bbox),
        f"({NO_BOX}) or ({HAS_BOX} and bbox_x >= -1e-6 and bbox_y >= -1e-6 and bbox_width >= 0 and bbox_height >= 0 "
        "and bbox_x + bbox_width <= 1 + 1e-6 and bbox_y + bbox_height <= 1 + 1e-6)",
    ),
    Rule(
        "observations_box_has_area_check",
        "bbox",
        "the box has no area: its width and height are greater than 0.000001",
        lambda observation: observation.bbox is not None and not has_area(observation.bbox),
        f"({NO_BOX}) or (bbox_width > 1e-6 and bbox_height > 1e-6)",
    ),
    *(_whole_has_no(field) for field in ("taxon_id", "count", "sex", "life_stage", "behaviour", "individual_id")),
    _human_or_vehicle_has_no("taxon_id"),
    _human_or_vehicle_has_no("sex"),
)
"""What contradicts itself, for people's rows and the database alike; docs/observations.md lists the same."""

BLANK_STANDS_ALONE = "blank says that nothing is there: it stands alone, without other observations"
FRAME_ON_PHOTO = "a photo has one frame: leave out first_frame_index"


def faults(observation: ObservationInput) -> list[tuple[str, str]]:
    """The contradictions within one observation, as (field, message)."""
    return [(rule.field, rule.message) for rule in RULES if rule.breaks(observation)]


def frame_fault(first_frame_index: int | None, *, is_video: bool, frames: int | None) -> str | None:
    """What is wrong with a frame index on a resource; `frames` is None where the length of a video is not known."""
    if first_frame_index is None or (first_frame_index == 0 and not is_video):
        return None
    if not is_video:
        return FRAME_ON_PHOTO
    if frames is not None and first_frame_index >= frames:
        return f"the video has {frames} frames, counted from 0: give at most {frames - 1}"
    return None


def is_inside(box: Box) -> bool:
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


def has_area(box: Box) -> bool:
    """Whether a box, and the part of it that lies in the picture, is wider and higher than the tolerance."""
    return min(*box[2:], *clip(box)[2:]) > BOX_TOLERANCE
