"""Research projects: request, read, list, change, activate, reject."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status

from expert.access.find_row import find_for_change, find_row
from expert.access.guards import MayAdministerSite, MayCreateProjects, MayRead
from expert.access.list_capabilities import list_research_capabilities
from expert.access.make_once import IdempotentRequest
from expert.access.queries_rows import list_rows
from expert.access.state import Caller, Capability
from expert.deps import Db, Now
from expert.research_projects.activate import activate_project, reject_project
from expert.research_projects.change import change_project
from expert.research_projects.errors import ProjectNameTaken
from expert.research_projects.models import ResearchProject
from expert.research_projects.queries import visible_to
from expert.research_projects.request import request_project
from expert.research_projects.schemas import NewResearchProject, ResearchProjectChange, ResearchProjectReply
from expert.research_projects.state import ResearchProjectStatus
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, split
from trapper_kit.problems import Forbidden, NotFound
from trapper_kit.web.describe import problems
from trapper_kit.web.params import Cursor, IdempotencyKey, Ids, Limit, Name
from trapper_kit.web.versions import IfMatch, check_change, tagged
from trapper_schemas.paging import Page

router = APIRouter(prefix="/api/research-projects", tags=["research_projects"])


async def _replies(db: Session, caller: Caller, rows: Sequence[ResearchProject]) -> list[ResearchProjectReply]:
    allowed = await list_research_capabilities(db, caller, [row.id for row in rows])
    return [
        ResearchProjectReply(**{name: getattr(row, name) for name in _FIELDS}, capabilities=allowed.get(row.id, []))
        for row in rows
    ]


async def _reply(db: Session, caller: Caller, row: ResearchProject) -> ResearchProjectReply:
    return (await _replies(db, caller, [row]))[0]


_FIELDS = tuple(name for name in ResearchProjectReply.model_fields if name != "capabilities")


@router.post("/", status_code=status.HTTP_201_CREATED, responses=problems(ProjectNameTaken))
async def request(
    body: NewResearchProject, key: IdempotencyKey, caller: MayCreateProjects, db: Db, now: Now, response: Response
) -> ResearchProjectReply:
    """Ask for a research project; a site admin activates it, unless the caller is one."""
    row, made = await request_project(
        db, caller, IdempotentRequest.of(caller, key, body), now=now, fields=body.model_dump()
    )
    response.status_code = status.HTTP_201_CREATED if made else status.HTTP_200_OK
    return tagged(response, await _reply(db, caller, row))


@router.get("/")
async def list_all(
    caller: MayRead,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
    project_status: Annotated[ResearchProjectStatus | None, Query(alias="status")] = None,
    name: Name = None,
) -> Page[ResearchProjectReply]:
    """List the projects in which the caller has a role; site admins also see those that ask to be activated."""
    filters = {"id": id, "status": project_status, "name": name}
    page_request = PageRequest.of(limit, cursor, filters)
    rows = await list_rows(db, ResearchProject, visible_to(caller), page_request, **filters)
    items, following = split(rows, page_request, lambda row: [row.id])
    return Page(items=await _replies(db, caller, items), next_cursor=following)


@router.get("/{project_id}/", responses=problems(NotFound))
async def read(project_id: UUID, caller: MayRead, db: Db, response: Response) -> ResearchProjectReply:
    """Read one research project."""
    row = await find_row(db, ResearchProject, visible_to(caller), project_id, noun="research project")
    return tagged(response, await _reply(db, caller, row))


@router.patch("/{project_id}/", responses=problems(NotFound, Forbidden, ProjectNameTaken))
async def change(
    project_id: UUID,
    body: ResearchProjectChange,
    if_match: IfMatch,
    caller: MayCreateProjects,
    db: Db,
    response: Response,
) -> ResearchProjectReply:
    """Change a research project."""
    row = await find_for_change(
        db,
        caller,
        ResearchProject,
        visible_to(caller),
        project_id,
        noun="research project",
        capability=Capability.CREATE_PROJECTS,
    )
    check_change(body, if_match, await _reply(db, caller, row), version=row.version)
    await change_project(db, row, body.changes())
    return tagged(response, await _reply(db, caller, row))


@router.post("/{project_id}/activate/", responses=problems(NotFound))
async def activate(
    project_id: UUID, caller: MayAdministerSite, db: Db, now: Now, response: Response
) -> ResearchProjectReply:
    """Activate a research project that was asked for, or that was rejected."""
    return tagged(response, await _reply(db, caller, await activate_project(db, project_id, by=caller.id, now=now)))


@router.post("/{project_id}/reject/", responses=problems(NotFound))
async def reject(project_id: UUID, caller: MayAdministerSite, db: Db, response: Response) -> ResearchProjectReply:
    """Reject a research project; nothing is deleted."""
    return tagged(response, await _reply(db, caller, await reject_project(db, project_id, by=caller.id)))
