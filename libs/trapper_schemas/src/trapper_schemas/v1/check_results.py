"""Checks results against the batch they answer; the Manager does it, and again the Expert.

Nothing here looks at resources or detections one by one in Python: every rule is a handful of passes over whole
columns, made of what the interpreter does in C (slices and translations of bytes, comparisons, sum and max).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import accumulate, chain, compress, repeat
from math import isfinite
from operator import attrgetter, ge, lt, methodcaller, ne
from uuid import UUID

from pydantic import Field

from trapper_schemas.base import Reply
from trapper_schemas.column import Column
from trapper_schemas.protocol import SERVED
from trapper_schemas.v1.jobs import Stage
from trapper_schemas.v1.models import ModelKind
from trapper_schemas.v1.results import FAILED, NO_LABEL, BatchResults, StageRun, digest_of, values

_STATES = bytes(range(FAILED + 1))
_FLAGS = b"\0\1"
_BYTE = 256
_EXPONENT = 0x7C
_NOT_FINITE = bytes(high for high in range(256) if high & _EXPONENT == _EXPONENT)
"""The high bytes of those float16 that are infinite or not numbers: every bit of their exponent is set."""


class BatchRefused(ValueError):  # noqa: N818 - named after what is the case
    """Results that are well formed and do not fit their batch; `reason` is a stable code."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Expectation(Reply):
    """What results must fit: the lease that they answer."""

    batch_id: UUID
    attempt: int
    resource_ids: tuple[UUID, ...] | None = Field(description="in the order of the lease; null where it is unknown")
    media_sha256: tuple[str, ...] = Field(default=(), description="of the resources' files, where they are known")
    stages: tuple[Stage, ...]
    labels: tuple[int, ...] = Field(description="number of labels of each stage's model")
    features: int | None = Field(default=None, description="width of the features; null where no stage gives any")
    max_detections_per_frame: int = 1000


def features_width(dimensions: Mapping[ModelKind, int | None]) -> int | None:
    """Return the width of a job's features: the embedding stage's, else the classifier's own, else None."""
    return dimensions.get(ModelKind.EMBEDDING) or dimensions.get(ModelKind.CLASSIFICATION)


def check_results(results: BatchResults, expected: Expectation) -> None:
    """Compare results with the lease they answer; BatchRefused names the first thing that does not fit."""
    if results.batch_id != expected.batch_id or results.attempt != expected.attempt:
        raise BatchRefused("other-batch", "the results are of another batch or attempt")
    if results.protocol not in SERVED:
        raise BatchRefused("protocol", f"protocol {results.protocol} is not served")
    _check_resources(results, expected)
    _check_outcomes(results)
    _check_failures(results)
    _check_media(results, expected)
    _check_models(results, expected)
    _check_detections(results, expected)
    _check_frames(results, expected)
    _check_classified(results, expected)


def _shape(name: str, column: Column, dtype: str, *sides: int | None) -> None:
    fits = len(column.shape) == len(sides) and all(
        want is None or have == want for have, want in zip(column.shape, sides, strict=True)
    )
    if column.dtype != dtype or not fits:
        raise BatchRefused("shape", f"{name} is {column.dtype} {column.shape}, expected {dtype} {sides}")


def _check_resources(results: BatchResults, expected: Expectation) -> None:
    ids = results.resource_ids
    _shape("resource_ids", ids, "<u1", None, 16)
    if expected.resource_ids is None:
        return
    if bytes(ids.data) != b"".join(map(_as_bytes, map(attrgetter("int"), expected.resource_ids))):
        raise BatchRefused("resources", "the results are not of the resources of this batch, in its order")


_as_bytes = methodcaller("to_bytes", 16, "big")


def _check_outcomes(results: BatchResults) -> None:
    count = results.resource_ids.rows
    if results.state.shape != (count,):
        raise BatchRefused("outcomes", f"{results.state.shape} outcomes for {count} resources")
    _shape("state", results.state, "<u1", count)
    if bytes(results.state.data).translate(None, _STATES):
        raise BatchRefused("outcomes", "a resource is in a state that does not exist")
    seen = results.seen
    for name, column in (("width", results.width), ("height", results.height), ("frames", results.frames)):
        _shape(name, column, "<u4", count)
        if _above_zero(column) != seen:
            raise BatchRefused("outcomes", f"{name} must be at least 1 for what was looked at, and 0 for what failed")
    for name, column in (("fps", results.fps), ("duration_seconds", results.duration_seconds)):
        if column is not None:
            _shape(name, column, "<f8", count)
            _check_finite(name, values(column))
            if count and min(values(column)) < 0:
                raise BatchRefused("outcomes", f"{name} is below 0")


def _above_zero(column: Column) -> bytes:
    """For each number 1, or 0 when it is 0; most often they are all alike."""
    data = bytes(column.data)
    if data == data[:4] * column.rows:
        return bytes((any(data[:4]),)) * column.rows
    return bytes(map(bool, values(column)))


def _below(column: Column, limit: int, *, but: int | None = None) -> bool:
    """Whether every number of a <u2 column is below the limit, or is that one other number."""
    data = bytes(column.data)
    low, high = data[::2], data[1::2]
    if high.count(0) == len(high):
        return limit >= _BYTE or not low.translate(None, bytes(range(limit)))
    return max(filter(partial(ne, but), values(column).tolist()), default=-1) < limit


def _check_finite(name: str, numbers: Iterable[float]) -> None:
    if not all(map(isfinite, numbers)):
        raise BatchRefused("not-finite", f"{name} has values that are infinite or not numbers")


def _check_failures(results: BatchResults) -> None:
    count = results.failed.count(1)
    _shape("failure_code", results.failure_code, "<u1", count)
    _shape("failure_message", results.failure_message, "<u4", count)
    for column, table in (
        (results.failure_code, results.failure_codes),
        (results.failure_message, results.failure_messages),
    ):
        if max(values(column), default=-1) >= len(table):
            raise BatchRefused("failures", "a failure names a code or a message that is not in the table")


def _check_media(results: BatchResults, expected: Expectation) -> None:
    """Whoever read other bytes than the lease names has to say so as a failure, so the hash follows from the lease."""
    if expected.media_sha256 and results.media_digest != digest_of(expected.media_sha256, results.seen):
        raise BatchRefused("media", "the files that were read are not those of the lease")


def _check_models(results: BatchResults, expected: Expectation) -> None:
    if not all(any(_matches(run, stage) for stage in expected.stages) for run in results.stages):
        raise BatchRefused("model", "the results come from a model that the job did not ask for")
    if any(results.seen) and not any(run.kind is ModelKind.DETECTION for run in results.stages):
        raise BatchRefused("model", "pictures were looked at, and no detection stage is named")


def _matches(run: StageRun, stage: Stage) -> bool:
    """Whether a run used the weights of a stage; any weights fit an unpinned entry, if the run says so."""
    ran, requested = run.model, stage.model
    if run.kind is not stage.kind or ran.sha256 is None:
        return False
    if requested.sha256 is None:
        return ran.unpinned and (ran.name, ran.version) == (requested.name, requested.version)
    return ran.sha256 == requested.sha256


def _check_detections(results: BatchResults, expected: Expectation) -> None:
    count = results.box.rows
    _shape("detections", results.detections, "<u4", results.state.rows)
    _shape("box", results.box, "<u2", count, 4)
    _shape("frame_index", results.frame_index, "<u4", count)
    _shape("label", results.label, "<u2", count)
    _shape("score", results.score, "<u2", count)
    per_resource = values(results.detections)
    if sum(per_resource) != count:
        raise BatchRefused("resource", f"{sum(per_resource)} detections are announced, and {count} are here")
    failed = results.failed
    if any(failed) and any(compress(per_resource, failed)):
        raise BatchRefused("frame", "a resource that was not looked at has detections")
    boxes = bytes(results.box.data)
    if _overflows(boxes[0::8], boxes[1::8], boxes[4::8], boxes[5::8]) or _overflows(
        boxes[2::8], boxes[3::8], boxes[6::8], boxes[7::8]
    ):
        raise BatchRefused("box", "a box reaches beyond the picture")
    if not _below(results.label, expected.labels[0]):
        raise BatchRefused("label", "a detection has a label outside the model's map")


def _overflows(low: bytes, high: bytes, second_low: bytes, second_high: bytes) -> bool:
    """Whether any sum of two <u2 numbers, given as low and high bytes, is above 65535.

    All numbers stand in two large ones, four bytes for each, so that one addition does them all: a sum that does not
    fit into two bytes shows in the third.
    """
    first, second = bytearray(4 * len(low)), bytearray(4 * len(low))
    first[0::4], first[1::4], second[0::4], second[1::4] = low, high, second_low, second_high
    total = int.from_bytes(first, "little") + int.from_bytes(second, "little")
    return any(total.to_bytes(len(first), "little")[2::4])


def _check_frames(results: BatchResults, expected: Expectation) -> None:
    frames, per_resource, frame_index = map(values, (results.frames, results.detections, results.frame_index))
    _check_times(results, sum(frames))
    if any(results.frame_index.data):
        owners = _repeated(range(len(frames)), per_resource)
        if not all(map(lt, frame_index, _repeated(frames, per_resource))):
            raise BatchRefused("frame", "a detection is in a frame that was not looked at")
        most = max(Counter(zip(owners, frame_index, strict=True)).values())
    else:
        most = max(per_resource, default=0)
    if most > expected.max_detections_per_frame:
        raise BatchRefused("too-many", f"{most} detections in one frame")


def _repeated(each: Iterable[int], times: Iterable[int]) -> Iterable[int]:
    return chain.from_iterable(map(repeat, each, times))


def _check_times(results: BatchResults, count: int) -> None:
    """Within a resource every frame is later than the one before."""
    if results.frame_times is None:
        if max(values(results.frames), default=0) > 1:
            raise BatchRefused("times", "there are several frames of a resource, and no times")
        return
    _shape("frame_times", results.frame_times, "<f8", count)
    times = values(results.frame_times)
    _check_finite("frame_times", times)
    backwards = set(compress(range(1, count), map(ge, times, times[1:])))
    if not backwards.issubset(accumulate(values(results.frames))):
        raise BatchRefused("times", "the times of a resource's frames run backwards")


def _check_classified(results: BatchResults, expected: Expectation) -> None:
    _shape("classified", results.classified, "<u1", results.box.rows)
    flags = bytes(results.classified.data)
    if flags.translate(None, _FLAGS):
        raise BatchRefused("classified", "classified says yes (1) or no (0) of each detection")
    chosen = flags.count(1)
    _shape("top_label", results.top_label, "<u2", chosen, None)
    _shape("top_score", results.top_score, "<u2", *results.top_label.shape)
    by_kind = dict(zip([stage.kind for stage in reversed(expected.stages)], reversed(expected.labels), strict=True))
    if chosen and not by_kind.keys() & {ModelKind.CLASSIFICATION, ModelKind.EMBEDDING}:
        raise BatchRefused("model", "objects were classified, and the job has no classifier")
    known = by_kind.get(ModelKind.CLASSIFICATION, 0)  # a job that only embeds has no labels
    if not _below(results.top_label, known, but=NO_LABEL):
        raise BatchRefused("label", "a classification has a label outside the model's map")
    for name, column, width in (
        ("logits", results.logits, known),
        ("features", results.features, expected.features or 0),
    ):
        if column is not None:
            _shape(name, column, "<f2", chosen, width)
            high = bytes(column.data)[1::2]
            if len(high.translate(None, _NOT_FINITE)) != len(high):
                raise BatchRefused("not-finite", f"{name} has values that are infinite or not numbers")
