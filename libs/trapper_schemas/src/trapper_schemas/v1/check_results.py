"""Checks a result blob against the batch it answers; the Manager does it, and again the Expert."""

import struct
from collections import Counter
from itertools import pairwise
from typing import Literal

from pydantic import ValidationError

from trapper_schemas import codec
from trapper_schemas.codec import BlobRefused, Limits
from trapper_schemas.column import Column
from trapper_schemas.v1 import PROTOCOL
from trapper_schemas.v1.jobs import Stage
from trapper_schemas.v1.models import ModelKind
from trapper_schemas.v1.results import (
    FIXED_POINT,
    NO_LABEL,
    SCHEMA,
    SCHEMA_VERSION,
    BatchRefused,
    BatchResults,
    Expectation,
    Seen,
    StageRun,
)

_FORMATS: dict[str, Literal["H", "I"]] = {"<u2": "H", "<u4": "I"}
_HALF_EXPONENT = 0x7C00  # a float16 whose exponent bits are all set is infinite or not a number


def read_results(blob: bytes, *, limits: Limits = codec.DEFAULT_LIMITS) -> BatchResults:
    """Decode a blob into results; BlobRefused when its bytes or its form break a rule."""
    document = codec.decode(blob, limits=limits)
    if document["schema"] != SCHEMA or document["schema_version"] != SCHEMA_VERSION:
        raise BlobRefused("unknown-version", f"only {SCHEMA} version {SCHEMA_VERSION} is read here")
    try:
        return BatchResults.model_validate(document)
    except ValidationError as problem:
        first = problem.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BlobRefused("form", f"{where}: {first['msg']}") from problem


def check_results(results: BatchResults, expected: Expectation) -> None:
    """Compare results with the lease they answer; BatchRefused names the first thing that does not fit."""
    if results.batch_id != expected.batch_id or results.attempt != expected.attempt:
        raise BatchRefused("other-batch", "the results are of another batch or attempt")
    if results.protocol != PROTOCOL:
        raise BatchRefused("protocol", f"protocol {results.protocol} is not served")
    if results.resource_ids != expected.resource_ids:
        raise BatchRefused("resources", "the results are not of the resources of this batch, in its order")
    if len(results.outcomes) != len(expected.resource_ids):
        raise BatchRefused("outcomes", f"{len(results.outcomes)} outcomes for {len(expected.resource_ids)} resources")
    _check_models(results, expected)
    _check_detections(results, expected)
    _check_classified(results, expected)


def integers(column: Column) -> "memoryview[int]":
    """A flat view of a <u2 or <u4 column as whole numbers; machines here and on the wire are little-endian."""
    return column.data.cast("B").cast(_FORMATS[column.dtype])


def _shape(name: str, column: Column, dtype: str, shape: tuple[int | None, ...]) -> None:
    fits = len(column.shape) == len(shape) and all(
        want is None or have == want for have, want in zip(column.shape, shape, strict=True)
    )
    if column.dtype != dtype or not fits:
        raise BatchRefused("shape", f"{name} is {column.dtype} {column.shape}, expected {dtype} {shape}")


def _check_models(results: BatchResults, expected: Expectation) -> None:
    if not all(any(_was_asked(run, stage) for stage in expected.stages) for run in results.stages):
        raise BatchRefused("model", "the results come from a model that the job did not ask for")
    looked = any(isinstance(outcome, Seen) for outcome in results.outcomes)
    if looked and not any(run.kind is ModelKind.DETECTION for run in results.stages):
        raise BatchRefused("model", "pictures were looked at, and no detection stage is named")


def _was_asked(run: StageRun, stage: Stage) -> bool:
    """Whether these weights were asked for; of an unpinned entry any are, and the result says that they were."""
    ran, asked = run.model, stage.model
    if run.kind is not stage.kind or ran.sha256 is None:
        return False
    if asked.sha256 is None:
        return ran.unpinned and (ran.name, ran.version) == (asked.name, asked.version)
    return ran.sha256 == asked.sha256


def _check_detections(results: BatchResults, expected: Expectation) -> None:
    rows = results.resource_index.rows
    _shape("resource_index", results.resource_index, "<u4", (rows,))
    _shape("frame_index", results.frame_index, "<u4", (rows,))
    _shape("box", results.box, "<u2", (rows, 4))
    _shape("label", results.label, "<u2", (rows,))
    _shape("score", results.score, "<u2", (rows,))
    boxes = integers(results.box)
    for axis in (0, 1):
        if any(start + side > FIXED_POINT for start, side in zip(boxes[axis::4], boxes[axis + 2 :: 4], strict=True)):
            raise BatchRefused("box", "a box reaches beyond the picture")
    if rows and max(integers(results.label)) >= expected.labels[0]:
        raise BatchRefused("label", "a detection has a label outside the model's map")
    frames = Counter(zip(integers(results.resource_index), integers(results.frame_index), strict=True))
    for (resource, frame), count in frames.items():
        _check_frame(results, expected, resource, frame, count)
    for outcome in results.outcomes:
        if isinstance(outcome, Seen) and any(after <= before for before, after in pairwise(outcome.frame_times)):
            raise BatchRefused("times", "the times of a resource's frames run backwards")


def _check_frame(results: BatchResults, expected: Expectation, resource: int, frame: int, count: int) -> None:
    if resource >= len(expected.resource_ids):
        raise BatchRefused("resource", f"resource index {resource} is outside the batch")
    outcome = results.outcomes[resource]
    if not isinstance(outcome, Seen) or frame >= len(outcome.frame_times):
        raise BatchRefused("frame", f"a detection in resource {resource}, frame {frame}, which was not looked at")
    if count > expected.max_detections_per_frame:
        raise BatchRefused("too-many", f"{count} detections in one frame")


def _check_classified(results: BatchResults, expected: Expectation) -> None:
    rows, chosen = results.resource_index.rows, results.classified.rows
    _shape("classified", results.classified, "<u4", (chosen,))
    _shape("top_label", results.top_label, "<u2", (chosen, None))
    _shape("top_score", results.top_score, "<u2", (chosen, results.top_label.shape[1]))
    if not chosen:
        return
    classes = [
        count
        for stage, count in zip(expected.stages, expected.labels, strict=True)
        if stage.kind is ModelKind.CLASSIFICATION
    ]
    if not classes and all(stage.kind is not ModelKind.EMBEDDING for stage in expected.stages):
        raise BatchRefused("model", "objects were classified, and the job has no classifier")
    known = classes[0] if classes else 0  # a job that only embeds says no label at all
    detections = integers(results.classified)
    if max(detections) >= rows or len(set(detections)) != chosen:
        raise BatchRefused("classified", "a classified row names no detection, or one twice")
    if any(known <= label != NO_LABEL for label in integers(results.top_label)):
        raise BatchRefused("label", "a classification has a label outside the model's map")
    for name, column in (("logits", results.logits), ("features", results.features)):
        if column is not None:
            _shape(name, column, "<f2", (chosen, known if name == "logits" else None))
            if any(half & _HALF_EXPONENT == _HALF_EXPONENT for (half,) in struct.iter_unpack("<H", column.data)):
                raise BatchRefused("not-finite", f"{name} has values that are infinite or not numbers")
