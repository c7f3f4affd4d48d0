"""Models on the wire: what one is called, what goes in, what comes out, and what its labels mean."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator

from trapper_schemas.base import Reply, Request
from trapper_schemas.blocked import Blocked
from trapper_schemas.urls import HttpAddress
from trapper_schemas.v1.resources import SHA256

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$")]
Version = Annotated[str, Field(max_length=40, pattern=r"^[^\x00]*$")]
Fraction = Annotated[float, Field(ge=0, le=1)]
Channels = float | tuple[float, float, float]

NO_RANK = "none"
"""The rank of a label that names no taxon, such as blank, unknown, or animal."""
Layout = Literal["candidates", "end-to-end", "parts", "queries", "ranked"]
"""`candidates`: a table before suppression; `end-to-end`: corners, score, class, suppressed already; `parts`: the same
in several outputs; `queries`: boxes and the scores of every class, without suppression, as RT-DETR; `ranked`: its best
queries as centre, size, score, class."""


def _is_none(value: object) -> bool:
    """What is not said is not written, so that a receiver of before still understands what is."""
    return value is None


def _is_empty(value: object) -> bool:
    return value in ((), {})


class ModelKind(StrEnum):
    """What a model does; `pose` is listed and refused, because nothing runs it."""

    DETECTION = "detection"
    CLASSIFICATION = "classification"
    EMBEDDING = "embedding"
    DEPTH = "depth"
    POSE = "pose"


class ObjectType(StrEnum):
    """What an object is, before any species is named."""

    ANIMAL = "animal"
    HUMAN = "human"
    VEHICLE = "vehicle"


class Availability(StrEnum):
    """`ready`: can be downloaded as it is; `convert`: from published weights by a script; `bring`: only by hand."""

    READY = "ready"
    CONVERT = "convert"
    BRING = "bring"


class Preprocessing(Request):
    """From an upright RGB picture to the model's input: x * scale, then (x - mean) / std, per channel."""

    width: int = Field(ge=16, le=8192)
    height: int = Field(ge=16, le=8192)
    resize: Literal["letterbox", "letterbox-top-left", "squash", "crop"] = "letterbox"
    shortest_side: int | None = Field(
        default=None, ge=16, le=8192, exclude_if=_is_none, description="of `crop`: to which the shorter side is resized"
    )
    pad_value: int = Field(default=114, ge=0, le=255)
    interpolation: Literal["bilinear", "bicubic", "nearest"] = "bilinear"
    channels: Literal["rgb", "bgr"] = "rgb"
    scale: Channels = 1 / 255
    mean: Channels = 0.0
    std: Channels = 1.0
    layout: Literal["nchw", "nhwc"] = "nchw"
    dtype: Literal["float32", "float16", "uint8"] = "float32"
    crop_padding: Fraction = 0.0
    square_crop: bool = False

    @model_validator(mode="after")
    def _divides(self) -> "Preprocessing":
        if any(value == 0 for value in (self.std if isinstance(self.std, tuple) else (self.std,))):
            raise ValueError("std must not be 0")
        if self.shortest_side is not None and (
            self.resize != "crop" or self.shortest_side < max(self.width, self.height)
        ):
            raise ValueError("shortest_side belongs to the resize `crop`, and is at least as long as what is cut out")
        return self


class TaxonKey(Request):
    """One key of a taxon in one checklist, as text, because not every checklist has numbers."""

    checklist: str = Field(min_length=1, max_length=40)
    key: str = Field(min_length=1, max_length=80)


RankName = Annotated[str, Field(pattern="^[a-z]{1,40}$")]
TaxonName = Annotated[str, Field(min_length=1, max_length=200)]


class Label(Request):
    """What one index of a model's output means; a label without observation type is dropped (say, a bench)."""

    label: str = Field(min_length=1, max_length=200)
    observation_type: ObjectType | None = Field(default=None, exclude_if=_is_none)
    scientific_name: str | None = Field(default=None, max_length=200, exclude_if=_is_none)
    rank: str | None = Field(default=None, max_length=40, exclude_if=_is_none)
    common_name: str | None = Field(default=None, max_length=200, exclude_if=_is_none)
    taxon_keys: tuple[TaxonKey, ...] = Field(default=(), exclude_if=_is_empty)
    lineage: dict[RankName, TaxonName] = Field(
        default_factory=dict,
        max_length=40,
        exclude_if=_is_empty,
        description="names of the taxa above it and of itself, by rank; empty where they are not known",
    )


class Thresholds(Request):
    """What the model's authors recommend; `typical` is the default of a project that sets none."""

    typical: Fraction
    conservative: Fraction


class EmbeddingOutput(Request):
    """Where the features come out."""

    output: str = Field(max_length=200)
    dimension: int = Field(ge=1, le=4000)


class Source(Request):
    """One place to get the weights from: an address, or a path below a mirror or a pre-seeded folder."""

    url: HttpAddress | None = Field(default=None, max_length=2000, pattern=r"^https?://[^\s/]+/\S*$")
    path: str | None = Field(default=None, max_length=500)
    file_name: str = Field(min_length=1, max_length=200, pattern=r"^[^/\\\x00]+$")

    @model_validator(mode="after")
    def _stays_below(self) -> "Source":
        parts = [*(self.path or "").replace("\\", "/").split("/"), self.file_name]
        if ".." in parts or (self.path or "").startswith(("/", "\\")):
            raise ValueError("a path must stay below its folder")
        return self


class ModelSpec(Request):
    """How to run a model: everything a Worker must know beside the weights."""

    predictor: str = Field(max_length=40)
    preprocessing: Preprocessing
    labels: tuple[Label, ...]
    activation: Literal["none", "softmax", "sigmoid"] = Field(
        default="none", description="what is still to be done to class scores; `sigmoid` also for detectors"
    )
    output: str | None = Field(default=None, max_length=200, description="the main output, when the file has several")
    layout: Layout | None = Field(
        default=None, exclude_if=_is_none, description="how a detector's output lies, where its shape leaves that open"
    )
    boxes: Literal["pixels", "fractions"] | None = Field(
        default=None, exclude_if=_is_none, description="unit of a detector's boxes, where it is not its family's"
    )
    embedding: EmbeddingOutput | None = None
    thresholds: Thresholds
    nms_iou: Fraction = 0.45


class ModelRef(Request):
    """Which weights, exactly; `unpinned` when no operator ever confirmed the hash.

    A job asks for an unpinned entry without a hash, since nobody knows it; results always name the one that ran.
    """

    name: Name
    version: Version
    sha256: str | None = Field(pattern=SHA256)
    unpinned: bool = False

    @model_validator(mode="after")
    def _hash_or_unpinned(self) -> "ModelRef":
        if self.sha256 is None and not self.unpinned:
            raise ValueError("name the sha256 of the weights, or ask for them as unpinned")
        return self

    @property
    def key(self) -> str:
        """What tells these weights from others: their hash, or else the entry that they are to come from."""
        return self.sha256 or f"{self.name}@{self.version}"


class ModelEntry(Request):
    """One immutable version in the catalogue; its key is the sha256 of its weights, null while it is unpinned."""

    name: Name
    version: Version
    kind: ModelKind
    availability: Availability
    sha256: str | None = Field(default=None, pattern=SHA256)
    size_bytes: int | None = Field(default=None, ge=1)
    format: Literal["onnx", "hef"] = "onnx"
    runtimes: tuple[str, ...] = ("onnx-cpu", "onnx-cuda", "onnx-tensorrt")
    sources: tuple[Source, ...] = ()
    spec: ModelSpec | None = None
    licence: str = Field(max_length=100)
    citation: str | None = Field(default=None, max_length=1000)
    region: str | None = Field(default=None, max_length=200)
    description: str = Field(default="", max_length=2000)

    @model_validator(mode="after")
    def _ready_means_complete(self) -> "ModelEntry":
        if self.availability is Availability.READY and self.sha256 is not None and self.spec is None:
            raise ValueError("a pinned model that is ready needs its spec")
        return self


class GoldenOutput(Request):
    """One output of the golden run: its shape, and values at evenly spread places of the flattened array."""

    name: str = Field(max_length=200)
    shape: tuple[int, ...] = Field(max_length=8)
    largest: float = Field(ge=0, allow_inf_nan=False, description="the largest absolute value")
    sampled: tuple[float, ...] = Field(max_length=256)


class GoldenRun(Request):
    """What a model answered to the golden inputs where it was published; other devices must come close."""

    provider: str = Field(max_length=64)
    precision: str = Field(max_length=20)
    checksum: str = Field(max_length=64)
    inputs: tuple[tuple[GoldenOutput, ...], ...] = Field(max_length=8, description="outputs, for each golden input")


class ModelPublication(Request):
    """Put an entry into the catalogue; the weights follow under their hash."""

    entry: ModelEntry
    proof: GoldenRun | None = None


class PinConfirmation(Request):
    """An operator says which weights an unpinned entry has; from then on it is immutable."""

    version: Version
    sha256: str = Field(pattern=SHA256)
    size_bytes: int | None = Field(
        default=None, ge=1, description="bytes; null takes what the proposals of this hash say"
    )


class ModelRetirement(Request):
    """Take a version out of use for new jobs, or bring it back."""

    version: Version
    retired: bool = True


class Proposer(Reply):
    """A worker that found these weights at the entry's sources."""

    worker_id: UUID
    name: str
    proposed_at: datetime


class ProposedPin(Reply):
    """One hash that was found for an entry, and by whom; several of an entry contradict each other."""

    sha256: str
    size_bytes: int
    workers: list[Proposer]


class ModelPins(Reply):
    """What is known of an entry's weights: the hash an operator confirmed, and what workers proposed."""

    name: str
    version: str
    sha256: str | None
    proposals: list[ProposedPin]


class ModelState(StrEnum):
    """`draft`: published without weights yet; `published`: listed for jobs; `retired`: only for old results."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


class Origin(StrEnum):
    """Who put the entry there; a sync touches only what came with the manifest."""

    MANIFEST = "manifest"
    OPERATOR = "operator"


class ModelReply(ModelEntry):
    """An entry as the Manager lists it; `held` when the Manager has the weights itself."""

    held: bool
    state: ModelState
    origin: Origin


class BlockedModel(Reply):
    """A published version of a model that no enrolled worker can run at present."""

    name: str
    version: str
    blocked: Blocked
