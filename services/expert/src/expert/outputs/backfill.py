"""Writes embeddings from kept blobs: an operation whose batches are the batches of results."""

import asyncio
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from expert.access.make_once import IdempotentRequest
from expert.deps import ExpertWork
from expert.media_store import blob_key
from expert.operations.models import Operation
from expert.operations.register import operation_kind
from expert.operations.start import start_operation
from expert.operations.state import BatchOutcome, LogLevel, LogLine
from expert.outputs import queries
from expert.outputs.errors import DimensionDiffers, NoEmbeddingModel
from expert.outputs.write_embeddings import write_embeddings
from trapper_kit.columns import to_array
from trapper_kit.db import Session
from trapper_kit.objects import ObjectMissing
from trapper_schemas.codec import BlobRefused
from trapper_schemas.read_results import read_results

BACKFILL = "outputs.backfill"


async def start_backfill(db: Session, project_id: UUID, request: IdempotentRequest) -> Operation:
    """The operation that stores the kept features of a project's embedding model; raises NoEmbeddingModel."""
    algorithm_id = await queries.embedding_algorithm_of(db, project_id)
    if algorithm_id is None:
        raise NoEmbeddingModel
    operation = Operation(
        kind=BACKFILL,
        classification_project_id=project_id,
        parameters={"algorithm_id": str(algorithm_id)},
        total=await queries.count_features_batches(db, project_id, algorithm_id),
    )
    return (await start_operation(db, operation, request))[0]


@operation_kind(BACKFILL)
async def backfill_batch(work: ExpertWork, db: Session, operation: Operation) -> BatchOutcome:
    """Write the missing embeddings of the next batch; a blob that cannot be read is a line of the log."""
    algorithm_id = UUID(str(operation.parameters["algorithm_id"]))
    after = operation.position.get("after")
    project_id = operation.classification_project_id
    batch = await queries.next_features_batch(db, project_id, algorithm_id, UUID(str(after)) if after else None)
    if batch is None:
        return BatchOutcome(operation.position, done=0, is_last=True)
    lines: list[LogLine] = []
    written = 0
    try:
        blob = await work.blobs.read(blob_key(batch.sha256))
        features = await asyncio.to_thread(read_features, blob)
        written = await write_embeddings(db, batch.id, algorithm_id, features)
    except (BlobRefused, ObjectMissing, DimensionDiffers) as problem:
        message = f"The features of the blob {batch.sha256} are not stored: {problem}"
        lines.append(LogLine(LogLevel.ERROR, message, item=str(batch.id), code="features-unreadable"))
    counters = {"embeddings": written, "unreadable": len(lines)}
    return BatchOutcome({"after": str(batch.id)}, done=1, is_last=False, counters=counters, lines=lines)


def read_features(blob: bytes) -> NDArray[np.float16]:
    """The features in a blob, [classified detections, dimension]; raises BlobRefused."""
    features = read_results(blob).features
    if features is None:
        raise BlobRefused("shape", "it holds no features")
    return to_array(features)  # type: ignore[return-value]  # float16, as checked at ingest
