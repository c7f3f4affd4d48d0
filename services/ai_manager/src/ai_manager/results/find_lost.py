"""Looks whether the blobs are in the store that the Expert has not fetched yet."""

from ai_manager.blob_store import results_key
from ai_manager.deps import Work
from ai_manager.results import queries

LOOKED_AT = 1000
"""The oldest ones; a store that lost some has lost old ones too."""


async def lost_blobs(work: Work) -> list[str]:
    """Batches on the list whose blob is gone, by id; one that is acknowledged meanwhile is none of them."""
    async with work.db() as db:
        rows = await queries.oldest_in_store(db, LOOKED_AT)
    return [str(row.batch_id) for row in rows if await work.blobs.size(results_key(row.sha256)) is None]
