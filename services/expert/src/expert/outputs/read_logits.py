"""Reads the logits of predictions out of the kept blobs, one read for each blob."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from expert.deps import ExpertWork
from expert.media_store import blob_key
from expert.outputs import queries
from expert.outputs.queries import LogitsBatch
from trapper_kit.columns import to_array
from trapper_kit.objects import ObjectMissing
from trapper_schemas.codec import BlobRefused
from trapper_schemas.read_results import read_results

MAX_BYTES = 32 << 20
"""Of the logits in one piece; beside them stands the blob that they are read from."""


@dataclass(frozen=True)
class Logits:
    """Logits of some predictions of one blob: row i, one number per label of the model, is of `prediction_ids[i]`."""

    algorithm_id: UUID
    prediction_ids: Sequence[UUID]
    values: NDArray[np.float16]


@dataclass(frozen=True)
class UnreadLogits:
    """Predictions whose blob cannot be read, and why."""

    prediction_ids: Sequence[UUID]
    reason: str


async def read_logits(
    work: ExpertWork, prediction_ids: Sequence[UUID], *, max_bytes: int = MAX_BYTES
) -> AsyncGenerator[Logits | UnreadLogits]:
    """Yield the logits of these predictions blob by blob, in pieces of at most `max_bytes` (at least one row).

    Predictions whose model's logits were not kept, and those of post-processing, are left out. No connection is held
    while blobs are read, and no blob while the caller works on the last piece of it.
    """
    async with work.db() as db:
        batches = await queries.logits_batches(db, prediction_ids)
    for batch in batches:
        try:
            values = await _read(work, batch)
        except (BlobRefused, ObjectMissing, IndexError) as problem:
            yield UnreadLogits(batch.prediction_ids, f"The blob {batch.sha256} cannot be read: {problem}")
            continue
        rows = max(1, max_bytes // max(1, values.itemsize * values.shape[1]))
        for start in range(0, len(values), rows):
            yield Logits(batch.algorithm_id, batch.prediction_ids[start : start + rows], values[start : start + rows])


async def _read(work: ExpertWork, batch: LogitsBatch) -> NDArray[np.float16]:
    blob = await work.blobs.read(blob_key(batch.sha256))
    return await asyncio.to_thread(_rows, blob, batch.output_rows)


def _rows(blob: bytes, rows: Sequence[int]) -> NDArray[np.float16]:
    logits = read_results(blob).logits
    if logits is None:
        raise BlobRefused("shape", "it holds no logits")
    values: NDArray[np.float16] = to_array(logits)  # type: ignore[assignment]  # float16, as checked at ingest
    return values[np.asarray(rows, dtype=np.intp)]
