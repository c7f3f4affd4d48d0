"""The sweep that keeps the sums; changes are found by rows that triggers write."""

from expert.base import task
from expert.deps import ExpertWork
from expert.statistics.fold import fold_counts


@task("statistics.fold", every="intervals.fold")
async def fold(work: ExpertWork) -> None:
    """Add what has changed to the sums of linked collections."""
    await fold_counts(work)
