"""Tasks that describe resources: after an upload, and a sweep for those whose notification was lost."""

from uuid import UUID

from expert.base import task
from expert.deps import ExpertWork
from expert.resources.describe import describe_resource, describe_stored

_AT_A_TIME = 100
_AT_ONCE = 2


@task("resources.describe", swept_by="resources.describe_stored", max_retries=5)
async def describe(work: ExpertWork, resource_id: str) -> None:
    """One resource that was just stored."""
    await describe_resource(work, UUID(resource_id))


@task("resources.describe_stored", every="intervals.sweep", max_retries=0)
async def describe_all(work: ExpertWork) -> bool:
    """Describe up to a hundred stored resources; True when there may be more."""
    return await describe_stored(work, limit=_AT_A_TIME, at_once=_AT_ONCE) == _AT_A_TIME
