"""Finds rows whose object is missing in the store: unfetched results and weights."""

from ai_manager.blob_store import results_key, sha256_of_key, weights_key
from ai_manager.catalog import queries as catalog
from ai_manager.deps import Work
from ai_manager.results import queries

CHECKED_RESULTS = 1000
"""The oldest ones; a store that lost some has lost old ones too."""


async def lost_blobs(work: Work) -> list[str]:
    """Returns ids of batches that wait to be fetched and whose blob is missing."""
    async with work.db() as db:
        rows = await queries.oldest_in_store(db, CHECKED_RESULTS)
    gone = set(await work.blobs.missing([results_key(row.sha256) for row in rows]))
    return [str(row.batch_id) for row in rows if results_key(row.sha256) in gone]


async def lost_weights(work: Work) -> list[str]:
    """Returns hashes of held weights whose file is missing; a sync or an upload brings them back."""
    async with work.db() as db:
        held = await catalog.held_hashes(db)
    return [sha256_of_key(key) for key in await work.blobs.missing([weights_key(sha256) for sha256 in held])]
