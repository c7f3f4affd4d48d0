"""Finds the current objects whose features are nearest to those of one, within what a caller may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from expert.access.state import Caller
from expert.algorithms.queries_partitions import dimension_of
from expert.similarity import queries
from expert.similarity.errors import NoEmbedding
from expert.similarity.queries import Near, SimilarFilters
from trapper_kit.db import Session
from trapper_kit.problems import NotFound

EXACT_BELOW = 50_000
"""Rows that are all compared; above, the index is searched."""


@dataclass(frozen=True)
class Similar:
    """The nearest objects, nearest first, and how they were found."""

    items: Sequence[Near]
    algorithm_id: UUID
    is_exact: bool


async def find_similar(
    db: Session,
    caller: Caller,
    observation_id: UUID,
    filters: SimilarFilters,
    *,
    limit: int,
    algorithm_id: UUID | None = None,
    exact_below: int = EXACT_BELOW,
) -> Similar:
    """Up to `limit` objects; a person's observation is compared by the one that it was copied from.

    Raises NotFound for an observation that the caller may not see, NoEmbedding for one without stored features.
    """
    source_ids = await queries.source_ids(db, caller, observation_id)
    if not source_ids:
        raise NotFound("there is no such observation, or none that you may see")
    source = await queries.embedding_of(db, source_ids, algorithm_id)
    dimension = await dimension_of(db, source.algorithm_id) if source is not None else None
    if source is None or dimension is None:
        raise NoEmbedding
    visible = await queries.count_visible(db, caller, source, filters, at_most=exact_below)
    is_exact = visible < exact_below
    if is_exact:
        items = await queries.nearest_of_all(db, caller, source, filters, limit=limit)
    else:
        items = await queries.nearest_by_index(db, caller, source, filters, dimension=dimension, limit=limit)
        if len(items) < limit:  # the filters leave too few of what the index may go through
            items, is_exact = await queries.nearest_of_all(db, caller, source, filters, limit=limit), True
    return Similar(items, source.algorithm_id, is_exact)
