"""Messages between the Worker and its inference process: work, answers, and reasons for none."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from trapper_kit.jpeg import MAX_LOST
from trapper_schemas.v1.batches import StageSpec
from trapper_schemas.v1.models import GoldenRun
from trapper_schemas.v1.resources import ResourceRef
from trapper_schemas.v1.results import Failed


@dataclass(frozen=True, slots=True)
class StageWork:
    """One stage with its weights on this machine, already checked against their hash."""

    spec: StageSpec
    weights: Path
    checksum: str = ""
    """Of the golden run on this device, which every result is stamped with."""
    published: GoldenRun | None = None
    """What the model answered where it was published; this device must come close."""


@dataclass(frozen=True, slots=True)
class ResourceWork:
    """One resource: a file, its bytes, or why it could not be fetched."""

    ref: ResourceRef
    content: Path | bytes | Failed


@dataclass(frozen=True, slots=True)
class BatchWork:
    """One batch, ready to be computed."""

    batch_id: UUID
    attempt: int
    worker_id: UUID
    stages: tuple[StageWork, ...]
    resources: tuple[ResourceWork, ...]


@dataclass(frozen=True, slots=True)
class ChildSettings:
    """Settings and limits of the inference process."""

    runtime: str = "onnx-cpu"
    device: str = "cpu"
    """Such as cuda:1; its name is stamped into the results."""
    hardware: str = ""
    """What the device is, as far as somebody knows."""
    half: bool = True
    """Whether TensorRT may compute in float16."""
    threads: int = 0
    """Cores to use; 0 takes all."""
    batch_size: int = 0
    """Pictures in one forward pass; 0 lets the device decide."""
    cache_dir: str = ""
    """For what a runtime builds once per model; empty: it is built at every start."""
    pixel_budget_bytes: int = 512 * 1024 * 1024
    """Decoded pixels held at once."""
    max_pixels: int = 100_000_000
    max_lost: float = MAX_LOST
    """Share of a photo's rows that its file may lack before it counts as damaged."""
    memory_limit_bytes: int = 8 * 1024 * 1024 * 1024
    """Above it the child gives up; above half of it, it is replaced after its batch."""
    picture_seconds: float = 60.0
    """Longest time of a forward pass for each of its pictures, ten times as long on accelerators; 0: no limit."""
    readable: tuple[str, ...] = ()
    """Folders of weights and media: nothing else of the machine's data is read then; empty: everything can be."""
    confined: bool = True
    batches_per_child: int = 200
    batch_seconds: float = 1800.0
    """Longest time for one batch; then the child is killed."""
    start_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Ran:
    """A computed batch; `blob` is the encoded BatchResults as it is delivered."""

    blob: bytes
    seen: int
    blank: int
    failed: int
    seconds: float
    images_per_second: float
    """Pictures that were looked at, over the seconds of the batch."""
    model_images_per_second: dict[str, float]
    """By sha256 of the weights: pictures over the seconds that the stage took."""
    model_seconds: dict[str, float]
    """By sha256 of the weights: the seconds that the stage took."""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """A golden run on a device: checksum, speed, and difference to the expected numbers."""

    provider: str
    device: str
    precision: str
    checksum: str
    seconds: float
    difference: float
    compared_with: str = ""
    """Empty when there was nothing: the processor's own run, which was never published."""


@dataclass(frozen=True, slots=True)
class DeviceTest:
    """A device that computes, and its difference to the processor."""

    provider: str
    device: str
    seconds: float
    difference: float


def usable_cores() -> int:
    """Returns the cores that this process may use, fewer than there are in a container."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class InferenceDied(Exception):  # noqa: N818 - named after what is the case
    """The process ended in the middle of a batch, which counts as one crash of that batch."""


class CannotRun(Exception):  # noqa: N818 - named after what is the case
    """The process works, but this batch's models cannot run here; `reason` is a stable code."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
