"""Deployments: make, read, list, change."""

from uuid import UUID

from fastapi import APIRouter, Response, status

from expert.access.guards import MayDescribe, MayRead
from expert.access.make_once import IdempotentRequest, keep, make_once
from expert.access.require import require
from expert.access.state import Capability
from expert.deployments import queries
from expert.deployments.errors import DeploymentIdTaken, LocationElsewhere
from expert.deployments.models import Deployment
from expert.deployments.schemas import ChangeDeployment, DeploymentReply, MakeDeployment
from expert.deps import Db
from trapper_kit.idempotency import IdempotencyKeyReused
from trapper_kit.paging import PageRequest, split
from trapper_kit.problems import Forbidden, Invalid, NotFound, Problem
from trapper_kit.web.app import problems
from trapper_kit.web.params import Cursor, IdempotencyKey, Limit
from trapper_schemas.ids import uuid7
from trapper_schemas.paging import Page

router = APIRouter(prefix="/api/deployments", tags=["deployments"])
_UNIQUE = "deployments_research_project_id_deployment_id_key"


def _reply(row: Deployment) -> DeploymentReply:
    return DeploymentReply.model_validate(row, from_attributes=True)


def _taken(deployment_id: str) -> dict[str, Problem]:
    return {
        _UNIQUE: DeploymentIdTaken(f"there is already a deployment {deployment_id!r} in this project"),
        "deployments_location_of_its_project_fkey": LocationElsewhere("the location is not one of this project"),
        "deployments_end_after_start_check": Invalid.field("end_at", "a deployment ends after its start"),
    }


@router.post(
    "/",
    status_code=status.HTTP_201_CREATED,
    responses=problems(NotFound, DeploymentIdTaken, LocationElsewhere, IdempotencyKeyReused),
)
async def make(
    ask: MakeDeployment, key: IdempotencyKey, caller: MayDescribe, db: Db, response: Response
) -> DeploymentReply:
    """A camera's visit; place and times may be unknown."""
    await require(db, caller, Capability.DESCRIBE, research_project=ask.research_project_id)
    row = Deployment(id=uuid7(), **ask.model_dump())
    row, made = await make_once(db, row, IdempotentRequest.of(caller, key, ask), taken=_taken(ask.deployment_id))
    response.status_code = status.HTTP_201_CREATED if made else status.HTTP_200_OK
    return _reply(row)


@router.get("/")
async def list_all(
    caller: MayRead,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    research_project_id: UUID | None = None,
    deployment_id: str | None = None,
) -> Page[DeploymentReply]:
    """Camera visits of one's research projects."""
    page_request = PageRequest.of(limit, cursor, {"project": research_project_id, "deployment_id": deployment_id})
    rows = await queries.list_visible(
        db, caller, page_request, research_project_id=research_project_id, deployment_id=deployment_id
    )
    items, following = split(rows, page_request, lambda row: [row.id])
    return Page(items=[_reply(row) for row in items], next_cursor=following)


@router.get("/{deployment_id}/", responses=problems(NotFound))
async def read(deployment_id: UUID, caller: MayRead, db: Db) -> DeploymentReply:
    """One camera visit."""
    row = await queries.read_visible(db, caller, deployment_id)
    if row is None:
        raise NotFound("there is no such deployment, or none that you may see")
    return _reply(row)


@router.patch("/{deployment_id}/", responses=problems(NotFound, Forbidden, DeploymentIdTaken, LocationElsewhere))
async def change(deployment_id: UUID, ask: ChangeDeployment, caller: MayDescribe, db: Db) -> DeploymentReply:
    """Change what is given."""
    row = await queries.read_visible(db, caller, deployment_id, lock=True)
    if row is None:
        raise NotFound("there is no such deployment, or none that you may see")
    await require(db, caller, Capability.DESCRIBE, research_project=row.research_project_id)
    for name, value in ask.model_dump(exclude_unset=True).items():
        setattr(row, name, value)
    await keep(db, row, taken=_taken(row.deployment_id))
    return _reply(row)
