"""Types of inference: pictures, detections, outcomes, and the interface of a session."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trapper_schemas.v1.batches import StageSpec
from trapper_schemas.v1.results import FailureCode

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Tensor = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Picture:
    """An upright RGB picture; `pixels` may be smaller than `width` x `height`, which are those of the file."""

    pixels: Pixels
    width: int
    height: int
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class Boxes:
    """Objects of one picture in pixels of the model's input or of the picture: corners (n, 4), best label, score."""

    corners: Floats
    labels: NDArray[np.int64]
    scores: Floats

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, rows: NDArray[Any]) -> "Boxes":
        """Only these rows, in this order."""
        return Boxes(self.corners[rows], self.labels[rows], self.scores[rows])


@dataclass(frozen=True, slots=True)
class Detections:
    """Objects of one picture as fractions of its upright sides: x, y, width, height (n, 4), highest score first."""

    boxes: NDArray[np.float64]
    labels: NDArray[np.int64]
    scores: Floats

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True, slots=True)
class Classified:
    """Predictions of the later stages for some of a picture's detections; `rows` are those detections."""

    rows: NDArray[np.int64]
    top_labels: NDArray[np.int64]
    top_scores: Floats
    logits: Floats | None = None
    features: Floats | None = None


@dataclass(frozen=True, slots=True)
class PictureResult:
    """The result of a decoded picture; no detections at the threshold means blank."""

    width: int
    height: int
    sha256: str
    detections: Detections
    classified: Classified | None = None
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """The picture could not be computed; the message is one plain sentence."""

    code: FailureCode
    message: str


@dataclass(frozen=True, slots=True)
class Axis:
    """One input or output of a model; a side that the file leaves open is None."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


class Session(Protocol):
    """A model ready to run; thread-safe."""

    @property
    def input(self) -> Axis: ...

    @property
    def outputs(self) -> Sequence[Axis]: ...

    def run(self, tensor: Tensor) -> list[Tensor]:
        """One forward pass; the arrays are in the order of `outputs`."""
        ...


class ModelOutputUnfit(Exception):  # noqa: N818 - named after what is the case
    """A model's output does not fit its predictor; the message says what was seen and expected."""


class ModelTooSlow(Exception):  # noqa: N818 - named after what is the case
    """A forward pass was ended because it took too long."""


@dataclass(frozen=True, slots=True)
class OpenStage:
    """One stage of a job with its session; `device` and the rest are stored with the results."""

    spec: StageSpec
    session: Session
    runtime: str = "onnx-cpu"
    provider: str = "CPUExecutionProvider"
    device: str = "cpu"
    precision: str = "float32"
    checksum: str = ""


@dataclass(slots=True)
class BatchOutcome:
    """The outcome of each resource of a batch, and the seconds of each stage."""

    outcomes: list[PictureResult | Failure]
    seconds: list[float] = field(default_factory=list[float])
