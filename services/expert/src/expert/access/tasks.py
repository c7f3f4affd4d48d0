"""Sweep that deletes ended sessions and old sign-in attempts."""

from datetime import timedelta

from expert.access import queries
from expert.base import task
from expert.deps import ExpertWork


@task("access.forget", every="intervals.sign_in_window", max_retries=0)
async def delete_ended_sessions(work: ExpertWork) -> None:
    """Deletes ended sessions, expired sign-in links and failures that no longer count."""
    async with work.db() as db:
        await queries.delete_ended(db, window=timedelta(seconds=work.settings.intervals.sign_in_window))
