"""Compare the store of batch blobs with the rows: delete what no row names, mark what the store lost."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from expert.deps import ExpertWork
from expert.media_store import blob_key
from expert.results import queries
from trapper_kit.logs import log

ROWS_AT_ONCE = 500


async def delete_orphans(work: ExpertWork) -> int:
    """The number of blobs deleted; one that is fetched at this moment is fetched again when it is missed."""

    async def named(keys: Sequence[str]) -> set[str]:
        async with work.db() as db:
            return await queries.named_blobs(db, keys)

    before = work.clock.now() - timedelta(hours=work.settings.orphan_hours)
    await work.blobs.drop_abandoned(before)
    deleted = await work.blobs.delete_orphans("blobs", before, named)
    if deleted:
        log("blobs.orphans_deleted", blobs=deleted)
    return deleted


async def find_missing(work: ExpertWork) -> int:
    """Mark batches whose blob the store has lost; their number."""
    after: UUID | None = None
    count = 0
    while True:
        async with work.db() as db:
            rows = await queries.blobs_after(db, after, limit=ROWS_AT_ONCE)
        if not rows:
            return count
        gone = set(await work.blobs.missing([blob_key(sha256) for _, sha256 in rows]))
        missing = [received_id for received_id, sha256 in rows if blob_key(sha256) in gone]
        async with work.db() as db:
            await queries.mark_blobs_missing(db, [received_id for received_id, _ in rows], missing=missing)
        count += len(missing)
        after = rows[-1][0]
