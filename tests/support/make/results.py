"""Batch results for tests: every argument defaulted, only the interesting ones given."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from trapper_schemas.column import Column
from trapper_schemas.protocol import PROTOCOL
from trapper_schemas.v1.check_results import Expectation
from trapper_schemas.v1.jobs import Stage
from trapper_schemas.v1.models import ModelKind, ModelRef
from trapper_schemas.v1.results import (
    DAMAGED,
    FAILED,
    BatchResults,
    Failed,
    Seen,
    StageRun,
    digest_of,
    ids_column,
)

DETECTOR = ModelRef(name="demo-detector", version="1", sha256="a" * 64)
CLASSIFIER = ModelRef(name="demo-species", version="1", sha256="b" * 64)
BATCH = UUID("01890000-0000-7000-8000-000000000001")
WORKER = UUID("01890000-0000-7000-8000-000000000002")
RESOURCES = tuple(UUID(f"01890000-0000-7000-8000-0000000001{number:02d}") for number in range(3))


def column(dtype: str, values: Sequence[float], *more: int) -> Column:
    """Numbers as a column; `more` are the sides after the first."""
    codes = {"<u1": "B", "<u2": "H", "<u4": "I", "<f8": "d"}
    per_row = 1
    for side in more:
        per_row *= side
    rows = len(values) // per_row if per_row else 0
    return Column(dtype, (rows, *more), memoryview(struct.pack(f"<{len(values)}{codes[dtype]}", *values)))


def stage_run(kind: ModelKind = ModelKind.DETECTION, model: ModelRef = DETECTOR) -> StageRun:
    """One stage on the CPU."""
    return StageRun(
        kind=kind,
        model=model,
        runtime="onnx-cpu",
        provider="CPUExecutionProvider",
        device="cpu",
        precision="float32",
        seconds=0.5,
    )


@dataclass(frozen=True)
class SeenPhoto(Seen):
    """A resource that was looked at, with the hash of its file."""

    media_sha256: str = "c" * 64


def seen(**changes: Any) -> SeenPhoto:
    """A photo that was looked at."""
    photo = SeenPhoto(width=1280, height=960, damaged=False, frame_times=(0.0,), fps=None, duration_seconds=None)
    return replace(photo, **changes)


def failed(**changes: Any) -> Failed:
    """A photo that could not be read."""
    return Failed.model_validate({"code": "undecodable", "message": "this is not a picture", **changes})


def outcome_columns(outcomes: Sequence[SeenPhoto | Failed]) -> dict[str, Any]:
    """The fields of results that tell how each resource ended."""
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    photos = [outcome if isinstance(outcome, SeenPhoto) else None for outcome in outcomes]
    codes = list(dict.fromkeys(failure.code for failure in failures))
    messages = list(dict.fromkeys(failure.message for failure in failures))
    doubles = {
        "frame_times": [time for photo in photos if photo for time in photo.frame_times],
        "fps": [(photo.fps or 0.0) if photo else 0.0 for photo in photos],
        "duration_seconds": [(photo.duration_seconds or 0.0) if photo else 0.0 for photo in photos],
    }
    return {
        "media_digest": digest_of([photo.media_sha256 if photo else "" for photo in photos], list(map(bool, photos))),
        "failure_codes": tuple(codes),
        "failure_messages": tuple(messages),
        "failure_code": column("<u1", [codes.index(failure.code) for failure in failures]),
        "failure_message": column("<u4", [messages.index(failure.message) for failure in failures]),
        "state": column("<u1", [DAMAGED * photo.damaged if photo else FAILED for photo in photos]),
        "width": column("<u4", [photo.width if photo else 0 for photo in photos]),
        "height": column("<u4", [photo.height if photo else 0 for photo in photos]),
        "frames": column("<u4", [len(photo.frame_times) if photo else 0 for photo in photos]),
        **{name: column("<f8", numbers) for name, numbers in doubles.items() if any(numbers)},
    }


def results(
    *,
    outcomes: Sequence[SeenPhoto | Failed] | None = None,
    resource_ids: Sequence[UUID] = RESOURCES,
    resource_index: Sequence[int] = (0,),
    classified_rows: Sequence[int] = (0,),
    **changes: Any,
) -> BatchResults:
    """Three photos: an animal that was classified, nothing, and a broken file.

    `resource_index` names the resource of each detection, `classified_rows` the detections that were classified.
    """
    outcomes = (seen(), seen(), failed()) if outcomes is None else outcomes
    fields: dict[str, Any] = {
        "batch_id": BATCH,
        "attempt": 1,
        "protocol": PROTOCOL,
        "worker_id": WORKER,
        "stages": (stage_run(), stage_run(ModelKind.CLASSIFICATION, CLASSIFIER)),
        "resource_ids": ids_column(resource_ids),
        "detections": column("<u4", [resource_index.count(index) for index in range(len(outcomes))]),
        "frame_index": column("<u4", [0]),
        "box": column("<u2", [6553, 13107, 19660, 26214], 4),
        "label": column("<u2", [0]),
        "score": column("<u2", [58981]),
        "classified": column("<u1", [row in classified_rows for row in range(len(resource_index))]),
        "top_label": column("<u2", [3, 1], 2),
        "top_score": column("<u2", [52428, 6553], 2),
    }
    return BatchResults(**{**fields, **outcome_columns(outcomes), **changes})


def expectation(**changes: Any) -> Expectation:
    """The lease that `results()` answers."""
    values: dict[str, Any] = {
        "batch_id": BATCH,
        "attempt": 1,
        "resource_ids": RESOURCES,
        "stages": (
            Stage(kind=ModelKind.DETECTION, model=DETECTOR, threshold=0.2),
            Stage(kind=ModelKind.CLASSIFICATION, model=CLASSIFIER),
        ),
        "labels": (3, 8),
    }
    return Expectation(**{**values, **changes})
