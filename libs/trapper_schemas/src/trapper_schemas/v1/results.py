"""The results of one batch: columns that hold an outcome for each resource and a row for each detection."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cached_property
from itertools import compress
from math import prod
from operator import attrgetter
from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, TypeAdapter

from trapper_schemas import codec
from trapper_schemas.base import Reply
from trapper_schemas.column import ITEM_BYTES, MAX_PLANES, Column, Planes
from trapper_schemas.v1.models import ModelKind, ModelRef

SCHEMA = "trapper.batch_results"
SCHEMA_VERSION = 1
FIXED_POINT = 65535
"""Boxes and scores travel as whole numbers: 0 is 0.0, 65535 is 1.0."""
NO_LABEL = 65535
SEEN, DAMAGED, FAILED = 0, 1, 2
"""How a resource ended: looked at; looked at though the file was cut off; not looked at."""
_IS_SEEN = bytes((1, 1, 0)) + bytes(253)
_IS_FAILED = bytes((0, 0, 1)) + bytes(253)


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


class Failed(Reply):
    """The resource could not be looked at."""

    outcome: Literal["failed"] = "failed"
    code: FailureCode
    message: str = Field(max_length=500)


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


_STAGES = TypeAdapter(tuple[StageRun, ...])


@dataclass(frozen=True)
class Seen:
    """One resource that was looked at."""

    width: int
    height: int
    damaged: bool
    frame_times: tuple[float, ...]
    fps: float | None
    duration_seconds: float | None


@dataclass(frozen=True, kw_only=True)
class BatchResults:
    """One batch of n resources, in the order of the lease; f of them failed, d detections, m of those classified.

    What each column holds, with its dtype and shape, is written in docs/wire.md.
    """

    batch_id: UUID
    attempt: int
    protocol: int
    worker_id: UUID
    stages: tuple[StageRun, ...]
    media_digest: str
    failure_codes: tuple[FailureCode, ...]
    failure_messages: tuple[str, ...]
    resource_ids: Column
    state: Column
    width: Column
    height: Column
    frames: Column
    failure_code: Column
    failure_message: Column
    detections: Column
    frame_index: Column
    box: Column
    label: Column
    score: Column
    classified: Column
    top_label: Column
    top_score: Column
    frame_times: Column | None = None
    fps: Column | None = None
    duration_seconds: Column | None = None
    logits: Column | None = None
    features: Column | None = None

    @property
    def seen(self) -> bytes:
        """For each resource 1 when it was looked at, else 0."""
        return bytes(self.state.data).translate(_IS_SEEN)

    @property
    def failed(self) -> bytes:
        """For each resource 1 when it could not be looked at, else 0."""
        return bytes(self.state.data).translate(_IS_FAILED)

    @cached_property
    def ids(self) -> tuple[UUID, ...]:
        """The resources, in the order of the lease."""
        data = bytes(self.resource_ids.data)
        return tuple(UUID(bytes=data[start : start + 16]) for start in range(0, len(data), 16))

    def failures(self) -> Iterator[tuple[int, Failed]]:
        """The resources that failed, by index, with code and message."""
        failures = zip(values(self.failure_code), values(self.failure_message), strict=True)
        for index, (code, message) in zip(compress(range(self.state.rows), self.failed), failures, strict=True):
            yield index, Failed(code=self.failure_codes[code], message=self.failure_messages[message])

    @cached_property
    def outcomes(self) -> tuple[Seen | Failed, ...]:
        """The outcome of each resource as an object; for reading a few."""
        failed = dict(self.failures())
        times = iter(() if self.frame_times is None else values(self.frame_times))
        result: list[Seen | Failed] = []
        for index, frames in enumerate(values(self.frames)):
            if index in failed:
                result.append(failed[index])
                continue
            when = (0.0,) * frames if self.frame_times is None else tuple(next(times) for _ in range(frames))
            size = values(self.width)[index], values(self.height)[index]
            damaged = self.state.data[index] == DAMAGED
            result.append(Seen(*size, damaged, when, _known(self.fps, index), _known(self.duration_seconds, index)))
        return tuple(result)

    def to_blob(self) -> bytes:
        """Encode the results as a blob."""
        body: dict[str, Any] = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION}
        columns: dict[str, Planes] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Column):
                columns[field.name] = in_planes(value)
            elif field.name == "stages":
                body["stages"] = _STAGES.dump_python(value, mode="json")
            elif value is not None:
                body[field.name] = str(value) if isinstance(value, UUID) else value
        return codec.encode(body, columns)


def in_planes(column: Column) -> Planes:
    """A column as it compresses best: each byte of its rows by itself, or of its items when the rows are long."""
    item = ITEM_BYTES[column.dtype]
    row = item * prod(column.shape[1:])
    if not column.data.nbytes or bytes(column.data) == bytes(column.data[:row]) * column.rows:
        return Planes(column, 1)
    return Planes(column, row if row <= MAX_PLANES // 2 else item)


def ids_column(ids: Sequence[UUID]) -> Column:
    """Ids as 16 bytes each."""
    return Column("<u1", (len(ids), 16), memoryview(b"".join(map(attrgetter("bytes"), ids))))


_FORMATS: dict[str, Any] = {"<u1": "B", "<u2": "H", "<u4": "I", "<f4": "f", "<f8": "d"}


def values(column: Column) -> "memoryview[Any]":
    """A flat view of a column's numbers; machines here and on the wire are little-endian."""
    return column.data.cast("B").cast(_FORMATS[column.dtype])


def digest_of(media_sha256: Iterable[str], seen: Sequence[int]) -> str:
    """One hash of the hashes of all files that were read, in the order of the lease; those that failed are left out."""
    return hashlib.sha256(bytes.fromhex("".join(compress(media_sha256, seen)))).hexdigest()


def _known(column: Column | None, index: int) -> float | None:
    return None if column is None else values(column)[index] or None
