"""The outcomes of a batch as they travel: BatchResults, detections of all pictures in columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from ai_worker.inference.detect import threshold_of
from ai_worker.inference.types import Classified, Failure, Looked, Looks, OpenStage
from trapper_kit.columns import to_column, to_fixed
from trapper_schemas.column import Column
from trapper_schemas.v1 import PROTOCOL
from trapper_schemas.v1.models import ModelKind
from trapper_schemas.v1.results import FIXED_POINT, BatchResults, Failed, Outcome, Seen, StageRun


def to_results(
    looks: Looks,
    *,
    batch_id: UUID,
    attempt: int,
    worker_id: UUID,
    resource_ids: Sequence[UUID],
    stages: Sequence[OpenStage],
) -> BatchResults:
    """Everything the batch came to, fit for the wire; `resource_ids` are in the order of the outcomes."""
    looked = [(index, outcome) for index, outcome in enumerate(looks.outcomes) if isinstance(outcome, Looked)]
    counts = [len(outcome.detections) for _, outcome in looked]
    boxes = _joined([outcome.detections.boxes for _, outcome in looked], (0, 4), np.float64)
    labels = _joined([outcome.detections.labels for _, outcome in looked], (0,), np.int64)
    scores = _joined([outcome.detections.scores for _, outcome in looked], (0,), np.float32)
    classified = _classified([outcome for _, outcome in looked], stages)
    indices = np.repeat(np.asarray([index for index, _ in looked], dtype="<u4"), counts)
    return BatchResults(
        batch_id=batch_id,
        attempt=attempt,
        protocol=PROTOCOL,
        worker_id=worker_id,
        stages=tuple(_run(stage, seconds) for stage, seconds in zip(stages, looks.seconds, strict=True)),
        resource_ids=tuple(resource_ids),
        outcomes=tuple(_outcome(outcome) for outcome in looks.outcomes),
        resource_index=to_column(indices),
        frame_index=to_column(np.zeros(len(indices), dtype="<u4")),
        box=to_column(_fixed_boxes(boxes)),
        label=to_column(labels.astype("<u2")),
        score=to_column(to_fixed(scores.astype(np.float64))),
        classified=classified.rows,
        top_label=classified.top_labels,
        top_score=classified.top_scores,
        logits=classified.logits,
        features=classified.features,
    )


def count_objects(looks: Looks, detector: OpenStage) -> tuple[int, int, int]:
    """Pictures seen, of them blank (nothing at or above the job's threshold), and failed."""
    threshold = threshold_of(detector.spec)
    seen = [outcome for outcome in looks.outcomes if isinstance(outcome, Looked)]
    blank = sum(not (outcome.detections.scores >= threshold).any() for outcome in seen)
    return len(seen), blank, len(looks.outcomes) - len(seen)


@dataclass(frozen=True, slots=True)
class _ClassifiedColumns:
    rows: Column
    top_labels: Column
    top_scores: Column
    logits: Column | None
    features: Column | None


def _joined(
    parts: Sequence[np.ndarray[tuple[int, ...], np.dtype[np.generic]]], empty: tuple[int, ...], dtype: type[np.generic]
) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    return np.concatenate(parts) if parts else np.zeros(empty, dtype=dtype)


def _fixed_boxes(
    boxes: np.ndarray[tuple[int, ...], np.dtype[np.generic]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    fixed = to_fixed(boxes.astype(np.float64))
    fixed[:, 2:] = np.minimum(fixed[:, 2:], FIXED_POINT - fixed[:, :2])  # two roundings up would leave the picture
    return fixed


def _classified(looked: Sequence[Looked], stages: Sequence[OpenStage]) -> _ClassifiedColumns:
    starts = np.cumsum([0, *(len(outcome.detections) for outcome in looked)])
    some = [
        (start, outcome.classified)
        for start, outcome in zip(starts, looked, strict=False)
        if outcome.classified is not None
    ]
    kept = next((stage.spec.stage.top_k for stage in stages if stage.spec.stage.kind is ModelKind.CLASSIFICATION), 0)
    parts: list[Classified] = [classified for _, classified in some]
    rows = _joined([classified.rows + start for start, classified in some], (0,), np.int64)
    logits = [part.logits.astype("<f2") for part in parts if part.logits is not None]
    features = [part.features.astype("<f2") for part in parts if part.features is not None]
    return _ClassifiedColumns(
        rows=to_column(rows.astype("<u4")),
        top_labels=to_column(_joined([part.top_labels for part in parts], (0, kept), np.int64).astype("<u2")),
        top_scores=to_column(
            to_fixed(_joined([part.top_scores for part in parts], (0, kept), np.float32).astype(np.float32))
        ),
        logits=to_column(np.concatenate(logits)) if logits else None,
        features=to_column(np.concatenate(features)) if features else None,
    )


def _outcome(outcome: Looked | Failure) -> Outcome:
    if isinstance(outcome, Failure):
        return Failed(code=outcome.code, message=outcome.message)
    return Seen(width=outcome.width, height=outcome.height, media_sha256=outcome.sha256, damaged=outcome.damaged)


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
