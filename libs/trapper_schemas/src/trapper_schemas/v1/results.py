"""What a worker of protocol 1 saw in one batch, and what both protocols have in common."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, field_validator

from trapper_schemas.base import Reply
from trapper_schemas.column import Column
from trapper_schemas.v1.jobs import Stage
from trapper_schemas.v1.models import ModelKind, ModelRef
from trapper_schemas.v1.resources import SHA256

SCHEMA = "trapper.batch_results"
SCHEMA_VERSION = 1
FIXED_POINT = 65535
"""Boxes and scores travel as whole numbers: 0 is 0.0, 65535 is 1.0."""
NO_LABEL = 65535


class FailureCode(StrEnum):
    """Why a resource failed; stable for ever, listed in docs/problems.md."""

    UNDECODABLE = "undecodable"
    EMPTY_FILE = "empty-file"
    TOO_MANY_PIXELS = "too-many-pixels"
    UNSUPPORTED_MEDIA = "unsupported-media"
    MEDIA_UNREACHABLE = "media-unreachable"
    MEDIA_REFUSED = "media-refused"
    MEDIA_CHANGED = "media-changed"
    MODEL_OUTPUT = "model-output"
    INFERENCE_FAILED = "inference-failed"
    KILLED_WORKER = "killed-worker"
    EXHAUSTED = "exhausted"


REPEATABLE = frozenset(
    {
        FailureCode.MEDIA_UNREACHABLE,
        FailureCode.MEDIA_REFUSED,
        FailureCode.MEDIA_CHANGED,
        FailureCode.INFERENCE_FAILED,
        FailureCode.KILLED_WORKER,
        FailureCode.EXHAUSTED,
    }
)
"""Failures that are not about the file itself: asking again may end otherwise."""


class Seen(Reply):
    """The resource was looked at; no detection at or above the job's threshold means blank."""

    outcome: Literal["seen"] = "seen"
    width: int = Field(ge=1, description="upright, in pixels")
    height: int = Field(ge=1)
    media_sha256: str = Field(pattern=SHA256)
    damaged: bool = Field(default=False, description="the file was cut off and decoded as far as it went")
    frame_times: tuple[float, ...] = Field(default=(0.0,), description="seconds, growing; one for a photo")
    fps: float | None = None
    duration_seconds: float | None = None


class Failed(Reply):
    """The resource could not be looked at."""

    outcome: Literal["failed"] = "failed"
    code: FailureCode
    message: str = Field(max_length=500)


Outcome = Annotated[Seen | Failed, Field(discriminator="outcome")]


class StageRun(Reply):
    """What ran, on what, and how long it took."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    kind: ModelKind
    model: ModelRef
    runtime: str = Field(max_length=64)
    provider: str = Field(max_length=64)
    device: str = Field(max_length=200)
    precision: str = Field(max_length=20)
    seconds: float = Field(ge=0)
    checksum: str = Field(default="", max_length=64, description="of the golden run on this device")


class BatchResults(Reply):
    """One batch: `resource_ids` and `outcomes` in the order of the lease's resources, all detections as columns.

    n detections, m of them classified, k kept labels, c classes, d features:
    `resource_index` <u4 (n), `frame_index` <u4 (n), `box` <u2 (n, 4) x, y, width, height in 1/65535 of the upright
    side, `label` <u2 (n), `score` <u2 (n); `classified` <u4 (m) rows of the above, `top_label` <u2 (m, k) with
    65535 for none, `top_score` <u2 (m, k); `logits` <f2 (m, c) and `features` <f2 (m, d) when the job asks.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True)

    batch_id: UUID
    attempt: int = Field(ge=1)
    protocol: int = Field(ge=1)
    worker_id: UUID
    stages: tuple[StageRun, ...] = Field(max_length=8)
    resource_ids: tuple[UUID, ...]
    outcomes: tuple[Outcome, ...]
    resource_index: Column
    frame_index: Column
    box: Column
    label: Column
    score: Column
    classified: Column
    top_label: Column
    top_score: Column
    logits: Column | None = None
    features: Column | None = None

    @field_validator(
        "resource_index", "frame_index", "box", "label", "score",
        "classified", "top_label", "top_score", "logits", "features", mode="before",
    )  # fmt: skip
    @classmethod
    def _column(cls, value: object) -> Column | None:
        return value if value is None or isinstance(value, Column) else Column.from_wire(value)


class BatchRefused(ValueError):  # noqa: N818 - named after what is the case
    """Results that are well formed but not true to their batch; `reason` is a stable code."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Expectation(Reply):
    """What a result must fit: the lease it answers."""

    batch_id: UUID
    attempt: int
    resource_ids: tuple[UUID, ...] | None = Field(description="in the order of the lease; null where nobody knows it")
    media_sha256: tuple[str, ...] = Field(default=(), description="of their files, where they are known")
    stages: tuple[Stage, ...]
    labels: tuple[int, ...] = Field(description="number of labels of each stage's model")
    max_detections_per_frame: int = 1000
