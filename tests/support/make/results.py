"""Batch results for tests: every argument defaulted, only the interesting ones given."""

import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from trapper_schemas import codec
from trapper_schemas.column import Column
from trapper_schemas.protocol import PROTOCOL
from trapper_schemas.v1 import results as v1
from trapper_schemas.v1.jobs import Stage
from trapper_schemas.v1.models import ModelKind, ModelRef
from trapper_schemas.v1.results import Expectation, Failed, Seen, StageRun
from trapper_schemas.v2.results import BatchResults
from trapper_schemas.v2.upgrade_results import upgrade_results

DETECTOR = ModelRef(name="demo-detector", version="1", sha256="a" * 64)
CLASSIFIER = ModelRef(name="demo-species", version="1", sha256="b" * 64)
BATCH = UUID("01890000-0000-7000-8000-000000000001")
WORKER = UUID("01890000-0000-7000-8000-000000000002")
RESOURCES = tuple(UUID(f"01890000-0000-7000-8000-0000000001{number:02d}") for number in range(3))


def column(dtype: str, values: Sequence[int], *more: int) -> Column:
    """Whole numbers as a column; `more` are the sides after the first."""
    codes = {"<u1": "B", "<u2": "H", "<u4": "I"}
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


def seen(**changes: Any) -> Seen:
    """A photo that was looked at."""
    return Seen.model_validate({"width": 1280, "height": 960, "media_sha256": "c" * 64, **changes})


def failed(**changes: Any) -> Failed:
    """A photo that could not be read."""
    return Failed.model_validate({"code": "undecodable", "message": "this is not a picture", **changes})


def results_v1(**changes: Any) -> v1.BatchResults:
    """Three photos as a worker of protocol 1 said it: an animal that was classified, nothing, and a broken file."""
    values: dict[str, Any] = {
        "batch_id": BATCH,
        "attempt": 1,
        "protocol": 1,
        "worker_id": WORKER,
        "stages": (stage_run(), stage_run(ModelKind.CLASSIFICATION, CLASSIFIER)),
        "resource_ids": RESOURCES,
        "outcomes": (seen(), seen(), failed()),
        "resource_index": column("<u4", [0]),
        "frame_index": column("<u4", [0]),
        "box": column("<u2", [6553, 13107, 19660, 26214], 4),
        "label": column("<u2", [0]),
        "score": column("<u2", [58981]),
        "classified": column("<u4", [0]),
        "top_label": column("<u2", [3, 1], 2),
        "top_score": column("<u2", [52428, 6553], 2),
    }
    return v1.BatchResults(**{**values, **changes})


def results(**changes: Any) -> BatchResults:
    """The same as it is said today; columns of today may be changed as well as outcomes and indices of before."""
    before = {name: changes.pop(name) for name in tuple(changes) if name in v1.BatchResults.model_fields}
    protocol = before.pop("protocol", PROTOCOL)
    return replace(upgrade_results(results_v1(**before)), protocol=protocol, **changes)


def blob_v1(said: v1.BatchResults) -> bytes:
    """As a worker of protocol 1 packed it."""
    body: dict[str, Any] = {"schema": v1.SCHEMA, "schema_version": v1.SCHEMA_VERSION}
    columns: dict[str, Any] = {}
    for name in v1.BatchResults.model_fields:
        value = getattr(said, name)
        if isinstance(value, Column):
            columns[name] = {"dtype": value.dtype, "shape": value.shape, "data": value.data}
        elif value is None:
            columns[name] = None
    return codec.encode(body | columns | said.model_dump(mode="json", exclude=set(columns)))


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
