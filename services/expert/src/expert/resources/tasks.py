"""Tasks that describe resources: after an upload, and a sweep for those whose notification was lost."""

from expert.base import task
from expert.deps import ExpertWork
from expert.resources.describe import describe_stored

_AT_A_TIME = 32


@task("resources.describe", swept_by="resources.describe_stored", max_retries=5)
async def describe(work: ExpertWork) -> None:
    """What was stored and is not described yet, until nothing is left."""
    while await describe_stored(work, limit=_AT_A_TIME):
        pass


@task("resources.describe_stored", every="intervals.sweep", max_retries=0)
async def describe_all(work: ExpertWork) -> bool:
    """The same for files whose task was lost; True when there may be more."""
    return await describe_stored(work, limit=_AT_A_TIME) > 0
