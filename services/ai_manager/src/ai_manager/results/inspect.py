"""Checks a result blob against its batch, off the event loop, and counts the outcomes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, compress, repeat
from operator import and_
from uuid import UUID

from ai_manager.batches.queries import Counts
from ai_manager.results.errors import BlobRefused
from trapper_schemas import codec
from trapper_schemas.codec import Limits
from trapper_schemas.read_results import read_results
from trapper_schemas.v1.check_results import BatchRefused, Expectation, check_results
from trapper_schemas.v1.models import ModelEntry, ModelKind
from trapper_schemas.v1.results import DAMAGED, FIXED_POINT, BatchResults, values


@dataclass(frozen=True)
class Failure:
    """One resource that failed."""

    resource_id: UUID
    code: str
    message: str


@dataclass(frozen=True)
class Inspected:
    """What rows store of a blob."""

    counts: Counts
    failures: Sequence[Failure]


def inspect_results(
    blob: bytes, *, sha256: str, expected: Expectation, models: Sequence[ModelEntry], worker_id: UUID, limits: Limits
) -> Inspected:
    """Returns counts and failures; raises BlobRefused with a stable reason for a broken rule."""
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
    """Returns the failed resources with code and message."""
    return [Failure(results.ids[index], failed.code.value, failed.message) for index, failed in results.failures()]


def _count(results: BatchResults, expected: Expectation, models: Sequence[ModelEntry]) -> Counts:
    """Counts the outcomes; blank means nothing at or above the job's threshold with a meaningful label."""
    damaged = {index for index, state in enumerate(values(results.state)) if state == DAMAGED}
    counted: set[int] = set()
    for stage, model in zip(expected.stages, models, strict=True):
        if stage.kind is not ModelKind.DETECTION or model.spec is None:
            continue
        threshold = model.spec.thresholds.typical if stage.threshold is None else stage.threshold
        least = round(threshold * FIXED_POINT)
        means = [label.observation_type is not None for label in model.spec.labels]
        owners = chain.from_iterable(map(repeat, range(results.state.rows), values(results.detections)))
        says = map(means.__getitem__, values(results.label))
        counted = set(compress(owners, map(and_, says, map(least.__le__, values(results.score)))))
        break
    failed, done = results.failed.count(1), len(counted | damaged)
    return Counts(done=done, blank=results.state.rows - failed - done, failed=failed)
