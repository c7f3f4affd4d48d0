"""Deployments: make, read, list, change, archive."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status

from expert.access.find_row import find_for_change, find_row
from expert.access.guards import MayDescribe, MayRead
from expert.access.make_once import IdempotentRequest
from expert.access.queries_rows import list_rows
from expert.capture_times.state import ROWS_CHANGED
from expert.deployments.change import change_deployment
from expert.deployments.create import create_deployment
from expert.deployments.errors import DeploymentIdTaken, LocationElsewhere
from expert.deployments.models import Deployment
from expert.deployments.queries import visible_to
from expert.deployments.schemas import ChangedDeployment, DeploymentChange, DeploymentReply, NewDeployment
from expert.deps import Db
from trapper_kit.paging import PageRequest, has_part, split
from trapper_kit.problems import Forbidden, NotFound
from trapper_kit.web.describe import problems
from trapper_kit.web.params import Cursor, IdempotencyKey, Ids, Limit, Name
from trapper_kit.web.versions import IfMatch, check_change, tagged
from trapper_schemas.paging import Page

router = APIRouter(prefix="/api/deployments", tags=["deployments"])


def _reply(row: Deployment) -> DeploymentReply:
    return DeploymentReply.model_validate(row, from_attributes=True)


@router.post(
    "/",
    status_code=status.HTTP_201_CREATED,
    responses=problems(NotFound, Forbidden, DeploymentIdTaken, LocationElsewhere),
)
async def make(
    body: NewDeployment, key: IdempotencyKey, caller: MayDescribe, db: Db, response: Response
) -> DeploymentReply:
    """Create a deployment: a camera's visit to a place; location and period may be unknown."""
    row, made = await create_deployment(db, caller, IdempotentRequest.of(caller, key, body), body.model_dump())
    response.status_code = status.HTTP_201_CREATED if made else status.HTTP_200_OK
    return tagged(response, _reply(row))


@router.get("/")
async def list_all(
    caller: MayRead,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
    research_project_id: UUID | None = None,
    deployment_id: Annotated[str | None, Query(description="the whole `deployment_id`, case-sensitive")] = None,
    name: Annotated[Name, Query(description="a part of the `deployment_id`, in any letter case")] = None,
    location_id: UUID | None = None,
    is_active: bool = True,
) -> Page[DeploymentReply]:
    """List the deployments of the caller's research projects; archived ones with `is_active=false`."""
    visible = visible_to(caller) if name is None else visible_to(caller) & has_part(Deployment.deployment_id, name)
    filters = {
        "id": id,
        "research_project_id": research_project_id,
        "deployment_id": deployment_id,
        "location_id": location_id,
        "is_active": is_active,
    }
    page_request = PageRequest.of(limit, cursor, {**filters, "name": name})
    rows = await list_rows(db, Deployment, visible, page_request, **filters)
    items, following = split(rows, page_request, lambda row: [row.id])
    return Page(items=[_reply(row) for row in items], next_cursor=following)


@router.get("/{deployment_id}/", responses=problems(NotFound))
async def read(deployment_id: UUID, caller: MayRead, db: Db, response: Response) -> DeploymentReply:
    """Read one deployment."""
    return tagged(
        response, _reply(await find_row(db, Deployment, visible_to(caller), deployment_id, noun="deployment"))
    )


@router.patch(
    "/{deployment_id}/",
    responses=problems(NotFound, Forbidden, DeploymentIdTaken, LocationElsewhere),
)
async def change(
    deployment_id: UUID, body: DeploymentChange, if_match: IfMatch, caller: MayDescribe, db: Db, response: Response
) -> ChangedDeployment:
    """Change a deployment; its resources' times and flags follow, and they are archived with it."""
    row = await find_for_change(db, caller, Deployment, visible_to(caller), deployment_id, noun="deployment")
    check_change(body, if_match, _reply(row), version=row.version, ignored=ROWS_CHANGED)
    times = await change_deployment(db, row, body.changes())
    reply = ChangedDeployment(
        **_reply(row).model_dump(), resources_changed=times.resources, observations_changed=times.observations
    )
    return tagged(response, reply)
