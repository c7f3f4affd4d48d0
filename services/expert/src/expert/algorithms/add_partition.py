"""Makes the partition in which the features of an embedding algorithm are stored."""

from uuid import UUID

from expert.algorithms import queries_partitions as queries
from trapper_kit.db import Session

MAX_DIMENSION = 4_000
"""Of an HNSW index over half-precision vectors."""


async def ensure_partition(db: Session, algorithm_id: UUID, dimension: int) -> str | None:
    """Make the partition of an algorithm if it has none; return why its features cannot be stored, or None.

    Only the role that owns the tables may make one: `sync_ai_models` runs under it, a web process need not.
    """
    if not 1 <= dimension <= MAX_DIMENSION:
        return f"it gives {dimension} features, and at most {MAX_DIMENSION} can be stored"
    present = await queries.dimension_of(db, algorithm_id)
    if present == dimension:
        return None
    if present is not None:
        return f"it gives {dimension} features, and {present} were stored of each object; publish it as a new version"
    if not await queries.may_add_partitions(db):
        return "its features have no partition yet; run sync_ai_models with the database's owner"
    await queries.add_partition(db, algorithm_id, dimension)
    return None
