"""Keeps current which models of connected Managers no worker can run."""

from expert.base import task
from expert.deps import ExpertWork
from expert.providers.sync_ai_models import refresh_blocked


@task("providers.refresh_blocked", every="intervals.fleet", max_retries=0)
async def refresh(work: ExpertWork) -> None:
    """Read it from every connected Manager."""
    await refresh_blocked(work)
