"""Sweep of checklist files whose import has ended long ago."""

from datetime import timedelta

from expert.base import task
from expert.deps import ExpertWork
from expert.taxa.import_checklist import CHECKLISTS


@task("taxa.expire_files", every="intervals.upload_sweep")
async def expire_files(work: ExpertWork) -> None:
    """Delete files of checklists that are older than an operation is kept."""
    before = work.clock.now() - timedelta(seconds=work.settings.intervals.operation_expiry)
    async for keys in work.blobs.list_older(CHECKLISTS, before):
        for key in keys:
            await work.blobs.delete(key)
