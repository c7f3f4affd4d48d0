"""Reads a kept blob: checks it as if the Manager had not, and groups its columns by resource."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from expert.jobs.state import FrozenJobConfig
from trapper_kit.columns import from_fixed, to_array
from trapper_schemas.read_results import read_results
from trapper_schemas.v1.check_results import Expectation, check_results, features_width
from trapper_schemas.v1.models import ModelKind
from trapper_schemas.v1.results import DAMAGED, NO_LABEL, BatchResults, Failed

DIGITS = 6
"""Scores and boxes are 1/65535 steps; six digits tell every one of them apart."""


@dataclass(frozen=True)
class Box:
    """One detection: label indices are the model's own."""

    row: int
    box: tuple[float, float, float, float]
    frame: int
    label: int
    score: float
    classified: Sequence[tuple[int, float]]
    classified_row: int | None


@dataclass(frozen=True)
class ParsedResource:
    """One resource of a batch: why it failed or how large it is, and its detections best first."""

    index: int
    resource_id: UUID
    failure: Failed | None
    width: int
    height: int
    boxes: Sequence[Box]
    damaged: bool = False
    """Whether part of the picture is lost."""


@dataclass(frozen=True)
class CheckedBatch:
    """The resources of a batch, the hash of the files that the worker read, and whose outputs the blob holds."""

    resources: Sequence[ParsedResource]
    media_digest: str
    logits_algorithm_id: UUID | None
    features_algorithm_id: UUID | None
    features: NDArray[np.float16] | None
    """[classified detections, dimension]"""


def read_batch(blob: bytes, batch_id: UUID, config: FrozenJobConfig, *, at_least: float) -> CheckedBatch:
    """Read, check and group a blob; CPU-bound, for a thread."""
    results = read_checked(blob, batch_id, config)
    return CheckedBatch(
        parse_resources(results, at_least=at_least),
        results.media_digest,
        logits_algorithm_id=config.algorithm_of(ModelKind.CLASSIFICATION) if results.logits is not None else None,
        features_algorithm_id=config.features_algorithm_id if results.features is not None else None,
        features=to_array(results.features) if results.features is not None else None,  # type: ignore[arg-type]
    )


def read_checked(blob: bytes, batch_id: UUID, config: FrozenJobConfig) -> BatchResults:
    """Read a blob and check it against the job's configuration; raises BlobRefused or BatchRefused."""
    results = read_results(blob)
    expected = Expectation(
        batch_id=batch_id,
        attempt=results.attempt,  # the Manager's fence; nothing here depends on it
        resource_ids=None,
        stages=config.stages,
        labels=tuple(stage.labels for stage in config.stages),
        features=features_width({stage.kind: stage.features for stage in config.stages}),
    )
    check_results(results, expected)
    return results


def parse_resources(results: BatchResults, *, at_least: float) -> list[ParsedResource]:
    """Return each resource of a batch with its detections of at least this score."""
    scores = from_fixed(to_array(results.score)).round(DIGITS)
    counts: NDArray[Any] = to_array(results.detections)
    owner = np.repeat(np.arange(len(counts)), counts)
    chosen = np.flatnonzero(scores >= at_least)
    chosen = chosen[np.lexsort((chosen, -scores[chosen], owner[chosen]))]
    boxes = _boxes(results, chosen, scores[chosen])
    ends = np.cumsum(np.bincount(owner[chosen], minlength=len(counts))).tolist()
    failures = dict(results.failures())
    widths, heights, states = (to_array(each).tolist() for each in (results.width, results.height, results.state))
    return [
        ParsedResource(index, resource_id, failures.get(index), width, height, boxes[start:end], state == DAMAGED)
        for index, (resource_id, width, height, state, start, end) in enumerate(
            zip(results.ids, widths, heights, states, [0, *ends], ends, strict=False)
        )
    ]


def _boxes(results: BatchResults, chosen: NDArray[np.intp], scores: NDArray[np.float64]) -> list[Box]:
    """The chosen rows, in their order."""
    flags: NDArray[Any] = to_array(results.classified).astype(bool)
    rows = np.where(flags, np.cumsum(flags) - 1, -1)[chosen].tolist()
    labels = to_array(results.top_label).tolist()
    shares = from_fixed(to_array(results.top_score)).round(DIGITS).tolist()
    columns = (
        from_fixed(to_array(results.box)[chosen]).round(DIGITS).tolist(),
        to_array(results.frame_index)[chosen].tolist(),
        to_array(results.label)[chosen].tolist(),
        scores.tolist(),
    )
    result: list[Box] = []
    for row, where, box, frame, label, score in zip(chosen.tolist(), rows, *columns, strict=True):
        ranked = () if where < 0 else _ranked(labels[where], shares[where])
        result.append(Box(row, tuple(box), frame, label, score, ranked, None if where < 0 else where))
    return result


def _ranked(labels: Sequence[int], scores: Sequence[float]) -> list[tuple[int, float]]:
    return [(label, score) for label, score in zip(labels, scores, strict=True) if label != NO_LABEL]
