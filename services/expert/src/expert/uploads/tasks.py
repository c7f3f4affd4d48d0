"""Forgetting what was promised and never came."""

from datetime import timedelta

from expert.base import task
from expert.deps import ExpertWork
from expert.uploads import queries

_ABANDONED = timedelta(days=1)


@task("uploads.expire", every="intervals.upload_sweep", max_retries=0)
async def expire(work: ExpertWork) -> None:
    """Old promises, and pieces of bodies that a killed process left behind."""
    async with work.db() as db:
        await queries.expire(db, older_than=timedelta(seconds=work.settings.intervals.upload_expiry))
    await work.media.drop_abandoned(work.clock.now() - _ABANDONED)
