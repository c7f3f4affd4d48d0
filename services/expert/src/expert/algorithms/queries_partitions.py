"""The partitions of the table `embeddings`, by name: one for each embedding algorithm, with its dimension and index."""

import re
from uuid import UUID

from sqlalchemy import text

from trapper_kit.db import Session


def partition_of(algorithm_id: UUID) -> str:
    """The name of an algorithm's partition."""
    return f"embeddings_{algorithm_id.hex}"


async def dimension_of(db: Session, algorithm_id: UUID) -> int | None:
    """The dimension of an algorithm's partition, or None when there is no partition."""
    statement = """
        select pg_get_constraintdef(oid) from pg_constraint
        where conrelid = to_regclass(:name) and conname = 'embeddings_dimension_check'"""
    definition = await db.scalar(text(statement), {"name": partition_of(algorithm_id)})
    return None if definition is None else int(re.findall(r"= (\d+)", definition)[-1])


async def may_add_partitions(db: Session) -> bool:
    """Whether the session's role owns the table, as the role of the migrations does."""
    statement = "select pg_has_role(current_user, relowner, 'member') from pg_class where oid = 'embeddings'::regclass"
    return bool(await db.scalar(text(statement)))


async def add_partition(db: Session, algorithm_id: UUID, dimension: int) -> None:
    """Make the partition of an algorithm with this dimension, from 1 to 4,000, and its HNSW index."""
    name = partition_of(algorithm_id)
    await db.execute(
        text(
            f"create table {name} partition of embeddings "
            f"(constraint embeddings_dimension_check check (vector_dims(vector) = {dimension:d})) "
            f"for values in ('{algorithm_id}')"
        )
    )
    await db.execute(
        text(f"create index {name}_hnsw_idx on {name} using hnsw ((vector::halfvec({dimension:d})) halfvec_cosine_ops)")
    )
