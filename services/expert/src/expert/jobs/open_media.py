"""A worker reads a medium under a grant: the job must be open and hold it; then the stored file streams."""

from uuid import UUID

from expert.deps import ExpertWork
from expert.jobs import queries
from expert.jobs.errors import MediaGrantRefused, ResourceNotInJob
from expert.jobs.issue_grant import read_grant
from expert.jobs.state import CLOSED
from expert.resources.locate_file import locate_file
from expert.resources.models import Resource
from trapper_kit.objects import Stored


async def open_media(work: ExpertWork, resource_id: UUID, *, grant: str) -> tuple[Resource, Stored]:
    """The resource and its bytes as they come; holds no connection while they do."""
    granted = read_grant(work.settings.secret_key.get_secret_value(), grant)
    if granted is None:
        raise MediaGrantRefused
    async with work.db() as db:
        row = await queries.holds(db, granted.job_id, resource_id)
    if row is None or row[0] != granted.connection_id or row[1] in CLOSED:
        raise MediaGrantRefused
    resource = row[2]
    if resource is None:
        raise ResourceNotInJob
    return resource, await work.media.stream(locate_file(resource).object_key)
