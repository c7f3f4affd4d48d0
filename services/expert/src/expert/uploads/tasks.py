"""The tasks of uploads: expire what never came, and compare the store with the rows."""

from datetime import timedelta

from expert.base import task
from expert.deps import ExpertWork
from expert.uploads import queries
from expert.uploads.sweep_objects import delete_orphans, find_missing


@task("uploads.expire", every="intervals.upload_sweep", max_retries=0)
async def expire(work: ExpertWork) -> None:
    """End uploads that were announced long ago and never came."""
    async with work.db() as db:
        await queries.expire(db, older_than=timedelta(seconds=work.settings.intervals.upload_expiry))


@task("uploads.sweep_objects", every="intervals.orphans", max_retries=0)
async def sweep_objects(work: ExpertWork) -> None:
    """Objects that no row names, and rows whose object is gone."""
    await delete_orphans(work)
    work.objects_checked_through = await find_missing(work, work.objects_checked_through)
