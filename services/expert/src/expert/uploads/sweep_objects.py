"""Compare the store of originals and thumbnails with the rows: delete what no row names, mark what the store lost."""

from datetime import timedelta
from uuid import UUID

from expert.deps import ExpertWork
from expert.resources import queries as resources
from expert.uploads import queries
from trapper_kit.logs import log

ROWS_PER_TURN = 50_000
ROWS_AT_ONCE = 500


async def delete_orphans(work: ExpertWork) -> int:
    """The number of objects deleted; young ones and those of unfinished uploads are left alone.

    The table of uploads is locked against new ones from the comparison to the deletion, so that nobody can be promised
    bytes that are about to go; this takes milliseconds, and only where an orphan was found.
    """
    before = work.clock.now() - timedelta(hours=work.settings.orphan_hours)
    since = before - timedelta(seconds=work.settings.intervals.upload_expiry)
    await work.media.drop_abandoned(before)
    deleted = 0
    for prefix in ("originals", "thumbnails"):
        async for keys in work.media.list_older(prefix, before):
            async with work.db() as db:
                orphans = set(keys) - await resources.named_objects(db, keys)
            if not orphans:
                continue
            async with work.db() as db:
                await queries.hold_new(db)
                orphans -= await resources.named_objects(db, sorted(orphans))
                orphans -= await queries.unfinished_objects(db, sorted(orphans), since=since)
                for key in sorted(orphans):
                    await work.media.delete(key)
            deleted += len(orphans)
    if deleted:
        log("objects.orphans_deleted", objects=deleted)
    return deleted


async def find_missing(work: ExpertWork, after: UUID | None) -> UUID | None:
    """Mark resources whose original the store has lost; the id to go on after, or None at the end of all rows."""
    for _ in range(0, ROWS_PER_TURN, ROWS_AT_ONCE):
        async with work.db() as db:
            rows = await resources.originals_after(db, after, limit=ROWS_AT_ONCE)
        if not rows:
            return None
        ids = {key: resource_id for resource_id, key in rows}
        missing = [ids[key] for key in await work.media.missing([key for _, key in rows])]
        async with work.db() as db:
            await resources.mark_missing(db, [resource_id for resource_id, _ in rows], missing=missing)
        if missing:
            log("objects.missing", resources=len(missing), first=missing[0])
        after = rows[-1][0]
    return after
