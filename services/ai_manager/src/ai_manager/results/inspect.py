"""Looks into a result blob, off the event loop: is it true to its batch, and how did each resource end?"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from ai_manager.batches.queries import Counts
from ai_manager.results.errors import BlobRefused
from trapper_schemas import codec
from trapper_schemas.codec import Limits
from trapper_schemas.v1.check_results import check_results, integers, read_results
from trapper_schemas.v1.models import ModelEntry, ModelKind
from trapper_schemas.v1.results import FIXED_POINT, BatchRefused, BatchResults, Expectation, Failed


@dataclass(frozen=True)
class Failure:
    """One resource that ended as failed."""

    resource_id: UUID
    code: str
    message: str


@dataclass(frozen=True)
class Inspected:
    """What is noted of a blob in rows."""

    counts: Counts
    failures: Sequence[Failure]


def inspect_results(
    blob: bytes, *, sha256: str, expected: Expectation, models: Sequence[ModelEntry], worker_id: UUID, limits: Limits
) -> Inspected:
    """Raises BlobRefused, with a stable reason, for anything that breaks a rule."""
    if hashlib.sha256(blob).hexdigest() != sha256:
        raise BlobRefused("the bytes do not have the announced sha256", reason="hash")
    try:
        results = read_results(blob, limits=limits)
        check_results(results, expected)
    except (codec.BlobRefused, BatchRefused) as problem:
        raise BlobRefused(str(problem), reason=problem.reason) from problem
    if results.worker_id != worker_id:
        raise BlobRefused("the results name another worker", reason="worker")
    return Inspected(_count(results, expected, models), failures_of(results))


def failures_of(results: BatchResults) -> list[Failure]:
    """The failed resources, with code and message."""
    return [
        Failure(resource_id, outcome.code.value, outcome.message)
        for resource_id, outcome in zip(results.resource_ids, results.outcomes, strict=True)
        if isinstance(outcome, Failed)
    ]


def _count(results: BatchResults, expected: Expectation, models: Sequence[ModelEntry]) -> Counts:
    """Something at or above the job's threshold is no blank; labels that mean nothing here do not count."""
    counted: set[int] = set()
    for stage, model in zip(expected.stages, models, strict=True):
        if stage.kind is not ModelKind.DETECTION or model.spec is None:
            continue
        threshold = model.spec.thresholds.typical if stage.threshold is None else stage.threshold
        least = round(threshold * FIXED_POINT)
        means = [label.observation_type is not None for label in model.spec.labels]
        columns = (integers(results.resource_index), integers(results.label), integers(results.score))
        counted |= {
            resource for resource, label, score in zip(*columns, strict=True) if score >= least and means[label]
        }
        break
    failed = sum(isinstance(outcome, Failed) for outcome in results.outcomes)
    return Counts(done=len(counted), blank=len(results.outcomes) - failed - len(counted), failed=failed)
