"""Encodes the outcomes of a batch as columns, without a loop per picture."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import compress
from operator import attrgetter, is_, is_not
from typing import Any, TypeVar
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from ai_worker.inference.detect import threshold_of
from ai_worker.inference.types import BatchOutcome, Classified, Failure, OpenStage, PictureResult
from trapper_kit.columns import to_column, to_fixed
from trapper_schemas.column import Column
from trapper_schemas.protocol import PROTOCOL
from trapper_schemas.v1.models import ModelKind
from trapper_schemas.v1.results import DAMAGED, FAILED, FIXED_POINT, SEEN, BatchResults, StageRun, digest_of, ids_column


def to_results(
    looks: BatchOutcome,
    *,
    batch_id: UUID,
    attempt: int,
    worker_id: UUID,
    resource_ids: Sequence[UUID],
    stages: Sequence[OpenStage],
) -> BatchResults:
    """Returns the wire results of the batch; `resource_ids` are in the order of the outcomes."""
    kinds = list(map(type, looks.outcomes))
    is_seen = list(map(partial(is_, PictureResult), kinds))
    results: list[PictureResult] = list(compress(looks.outcomes, is_seen))  # type: ignore[arg-type]  # chosen by their type
    failed: list[Failure] = list(compress(looks.outcomes, map(partial(is_, Failure), kinds)))  # type: ignore[arg-type]
    seen = np.asarray(is_seen, dtype=bool)
    detections = list(map(attrgetter("detections"), results))
    counts = _numbers(map(len, detections), len(detections))
    boxes = _joined(list(map(attrgetter("boxes"), detections)), (0, 4), np.float64)
    labels = _joined(list(map(attrgetter("labels"), detections)), (0,), np.int64)
    scores = _joined(list(map(attrgetter("scores"), detections)), (0,), np.float32)
    state = np.full(len(seen), FAILED, dtype="<u1")
    state[seen] = np.where(_numbers(map(attrgetter("damaged"), results), len(results)), DAMAGED, SEEN)
    codes, code_of = _table([failure.code for failure in failed], "<u1")
    messages, message_of = _table([failure.message for failure in failed], "<u4")
    classified = _classified(results, counts, stages)

    def spread(numbers: Array) -> Column:
        """Spreads numbers of seen pictures to the positions of their resources; 0 for the others."""
        placed = np.zeros(len(seen), dtype="<u4")
        placed[seen] = numbers
        return to_column(placed)

    return BatchResults(
        batch_id=batch_id,
        attempt=attempt,
        protocol=PROTOCOL,
        worker_id=worker_id,
        stages=tuple(_run(stage, seconds) for stage, seconds in zip(stages, looks.seconds, strict=True)),
        media_digest=digest_of(map(attrgetter("sha256"), results), [1] * len(results)),
        failure_codes=codes,
        failure_messages=messages,
        resource_ids=ids_column(resource_ids),
        state=to_column(state),
        width=spread(_numbers(map(attrgetter("width"), results), len(results))),
        height=spread(_numbers(map(attrgetter("height"), results), len(results))),
        frames=to_column(seen.astype("<u4")),
        failure_code=code_of,
        failure_message=message_of,
        detections=spread(counts),
        frame_index=to_column(np.zeros(len(scores), dtype="<u4")),
        box=to_column(_fixed_boxes(boxes)),
        label=to_column(labels.astype("<u2")),
        score=to_column(to_fixed(scores.astype(np.float64))),
        classified=classified.flags,
        top_label=classified.top_labels,
        top_score=classified.top_scores,
        logits=classified.logits,
        features=classified.features,
    )


def count_objects(looks: BatchOutcome, detector: OpenStage) -> tuple[int, int, int]:
    """Returns how many pictures were seen, blank (nothing at or above the threshold), and failed."""
    threshold = threshold_of(detector.spec)
    seen = [outcome for outcome in looks.outcomes if isinstance(outcome, PictureResult)]
    blank = sum(not outcome.damaged and not (outcome.detections.scores >= threshold).any() for outcome in seen)
    return len(seen), blank, len(looks.outcomes) - len(seen)


T = TypeVar("T")
Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class _ClassifiedColumns:
    flags: Column
    top_labels: Column
    top_scores: Column
    logits: Column | None
    features: Column | None


def _joined(parts: Sequence[Array], empty: tuple[int, ...], dtype: type[np.generic]) -> Array:
    return np.concatenate(parts) if parts else np.zeros(empty, dtype=dtype)


def _numbers(numbers: Iterable[int], count: int) -> Array:
    return np.fromiter(numbers, dtype="<u4", count=count)


def _table(values: Sequence[T], dtype: str) -> tuple[tuple[T, ...], Column]:
    """Returns the distinct values, and for each value its index among them."""
    places = {value: place for place, value in enumerate(dict.fromkeys(values))}
    return tuple(places), to_column(np.fromiter(map(places.__getitem__, values), dtype=dtype, count=len(values)))


def _fixed_boxes(boxes: Array) -> NDArray[np.uint16]:
    fixed = to_fixed(boxes.astype(np.float64))
    fixed[:, 2:] = np.minimum(fixed[:, 2:], FIXED_POINT - fixed[:, :2])  # two roundings up would leave the picture
    return fixed


def _classified(results: Sequence[PictureResult], counts: Array, stages: Sequence[OpenStage]) -> _ClassifiedColumns:
    classified = list(map(attrgetter("classified"), results))
    some = list(map(partial(is_not, None), classified))
    parts: list[Classified] = list(compress(classified, some))
    starts = (np.cumsum(counts) - counts)[np.asarray(some, dtype=bool)]
    own = list(map(attrgetter("rows"), parts))
    rows = _joined(own, (0,), np.int64) + np.repeat(starts, _numbers(map(len, own), len(own))).astype(np.int64)
    order = slice(None) if (np.diff(rows) > 0).all() else np.argsort(rows)
    flags = np.zeros(int(counts.sum()), dtype="<u1")
    flags[rows] = 1
    kept = next((stage.spec.stage.top_k for stage in stages if stage.spec.stage.kind is ModelKind.CLASSIFICATION), 0)
    labels = _joined(list(map(attrgetter("top_labels"), parts)), (0, kept), np.int64)
    scores = _joined(list(map(attrgetter("top_scores"), parts)), (0, kept), np.float32)
    return _ClassifiedColumns(
        flags=to_column(flags),
        top_labels=to_column(labels.astype("<u2")[order]),
        top_scores=to_column(to_fixed(scores.astype(np.float32))[order]),
        logits=_halves(list(map(attrgetter("logits"), parts)), order),
        features=_halves(list(map(attrgetter("features"), parts)), order),
    )


def _halves(parts: Sequence[Array | None], order: Array | slice) -> Column | None:
    given = list(compress(parts, map(partial(is_not, None), parts)))
    return to_column(np.concatenate(given).astype("<f2")[order]) if given else None  # type: ignore[arg-type]


def _run(stage: OpenStage, seconds: float) -> StageRun:
    return StageRun(
        kind=stage.spec.stage.kind,
        model=stage.spec.stage.model,
        runtime=stage.runtime,
        provider=stage.provider,
        device=stage.device,
        precision=stage.precision,
        seconds=max(0.0, seconds),
        checksum=stage.checksum,
    )
