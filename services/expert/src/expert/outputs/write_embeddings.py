"""Writes the features of a batch as embeddings of its current objects."""

from collections.abc import Sequence
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from expert.algorithms.queries_partitions import dimension_of
from expert.outputs import queries
from expert.outputs.errors import DimensionDiffers
from trapper_kit.db import Session
from trapper_kit.logs import log


async def write_embeddings(
    db: Session,
    received_batch_id: UUID,
    algorithm_id: UUID,
    features: NDArray[np.float16],
    *,
    known: Sequence[tuple[UUID, int]] | None = None,
) -> int:
    """Write the embeddings that are missing, in the caller's transaction, and return their number.

    `features` are those of the batch's blob, [classified detections, dimension]. Without a partition of the algorithm
    nothing is written: a back-fill writes them once `sync_ai_models` has made it. `known` are the batch's objects with
    their rows of features, where the caller has just written them all. Raises DimensionDiffers.
    """
    dimension = await dimension_of(db, algorithm_id)
    if dimension is None:
        log("embeddings.no_partition", algorithm=algorithm_id, batch=received_batch_id)
        return 0
    if features.ndim != 2 or features.shape[1] != dimension:  # noqa: PLR2004 - rows and features
        raise DimensionDiffers(f"features of shape {features.shape} came, and {dimension} are stored of each object")
    missing = await queries.without_embedding(db, received_batch_id, algorithm_id) if known is None else known
    if missing:
        observation_ids, rows = zip(*missing, strict=True)
        await queries.copy_embeddings(db, algorithm_id, observation_ids, features[np.asarray(rows, dtype=np.intp)])
    return len(missing)
