"""What is forgotten about sessions and refused sign-ins."""

from datetime import timedelta

from expert.access import queries
from expert.base import task
from expert.deps import ExpertWork


@task("access.forget", every="intervals.sign_in_window", max_retries=0)
async def forget(work: ExpertWork) -> None:
    """Sessions that ended, and failures that no longer count."""
    async with work.db() as db:
        await queries.forget_ended(db, window=timedelta(seconds=work.settings.intervals.sign_in_window))
