"""The web door of observations: one list with filters."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from expert.access.guards import MayRead
from expert.access.queries import readable_classification_projects
from expert.deps import Db
from expert.observations import queries
from expert.observations.state import ObservationTold, ObservationType
from expert.observations.tell import tell
from trapper_kit.paging import PageRequest
from trapper_kit.problems import Invalid, Malformed
from trapper_kit.web.app import problems
from trapper_kit.web.params import Cursor, Limit
from trapper_schemas.paging import Page

router = APIRouter(prefix="/api/observations", tags=["observations"])


@router.get("/", responses=problems(Invalid, Malformed))
async def list_observations(
    db: Db,
    caller: MayRead,
    classification_project_id: Annotated[list[UUID] | None, Query()] = None,
    linked_collection_id: Annotated[list[UUID] | None, Query()] = None,
    resource_id: Annotated[list[UUID] | None, Query()] = None,
    type: Annotated[list[str] | None, Query(description="of the classification")] = None,  # noqa: A002 - its name
    observation_type: Annotated[list[ObservationType] | None, Query()] = None,
    current: bool | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[ObservationTold]:
    """Observations of the projects that one may read, oldest first."""
    filters = [classification_project_id, linked_collection_id, resource_id, type, observation_type, current]
    rows, next_cursor = await queries.listed(
        db,
        PageRequest.of(limit, cursor, {"filters": [str(one) for one in filters]}),
        visible_projects=readable_classification_projects(caller),
        project_ids=classification_project_id or [],
        linked_collection_ids=linked_collection_id or [],
        resource_ids=resource_id or [],
        types=type or [],
        observation_types=observation_type or [],
        current=current,
    )
    return Page(items=[tell(one, name) for one, name in rows], next_cursor=next_cursor)
