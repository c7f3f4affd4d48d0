"""Research projects: ask for one, read, list, change, activate, reject."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status

from expert.access.guards import MayAdministerSite, MayCreateProjects, MayRead
from expert.access.make_once import IdempotentRequest, keep
from expert.access.require import require
from expert.access.state import Capability
from expert.deps import Db, Now
from expert.research_projects import queries
from expert.research_projects.activate import activate_project, reject_project
from expert.research_projects.errors import ProjectNameTaken
from expert.research_projects.models import ResearchProject
from expert.research_projects.request import request_project
from expert.research_projects.schemas import ChangeResearchProject, MakeResearchProject, ResearchProjectReply
from expert.research_projects.state import ResearchProjectStatus
from trapper_kit.idempotency import IdempotencyKeyReused
from trapper_kit.paging import PageRequest, split
from trapper_kit.problems import Forbidden, NotFound
from trapper_kit.web.app import problems
from trapper_kit.web.params import Cursor, IdempotencyKey, Limit
from trapper_schemas.paging import Page

router = APIRouter(prefix="/api/research-projects", tags=["research_projects"])


def _reply(row: ResearchProject) -> ResearchProjectReply:
    return ResearchProjectReply.model_validate(row, from_attributes=True)


@router.post("/", status_code=status.HTTP_201_CREATED, responses=problems(ProjectNameTaken, IdempotencyKeyReused))
async def request(
    ask: MakeResearchProject, key: IdempotencyKey, caller: MayCreateProjects, db: Db, now: Now, response: Response
) -> ResearchProjectReply:
    """Ask for a research project; a site admin activates it, unless the caller is one."""
    row, made = await request_project(
        db, caller, IdempotentRequest.of(caller, key, ask), now=now, fields=ask.model_dump()
    )
    response.status_code = status.HTTP_201_CREATED if made else status.HTTP_200_OK
    return _reply(row)


@router.get("/")
async def list_all(
    caller: MayRead,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    project_status: Annotated[ResearchProjectStatus | None, Query(alias="status")] = None,
    name: str | None = None,
) -> Page[ResearchProjectReply]:
    """Those in which one has a role; site admins also see what waits for them."""
    page_request = PageRequest.of(limit, cursor, {"status": project_status, "name": name})
    rows = await queries.list_visible(db, caller, page_request, status=project_status, name=name)
    items, following = split(rows, page_request, lambda row: [row.id])
    return Page(items=[_reply(row) for row in items], next_cursor=following)


@router.get("/{project_id}/", responses=problems(NotFound))
async def read(project_id: UUID, caller: MayRead, db: Db) -> ResearchProjectReply:
    """One project."""
    await require(db, caller, Capability.READ, research_project=project_id)
    return _reply(await db.get_one(ResearchProject, project_id))


@router.patch("/{project_id}/", responses=problems(NotFound, Forbidden, ProjectNameTaken))
async def change(
    project_id: UUID, ask: ChangeResearchProject, caller: MayCreateProjects, db: Db
) -> ResearchProjectReply:
    """Change what is given."""
    await require(db, caller, Capability.CREATE_PROJECTS, research_project=project_id)
    row = await db.get_one(ResearchProject, project_id, with_for_update=True)
    for name, value in ask.model_dump(exclude_unset=True).items():
        setattr(row, name, value)
    await keep(db, row, taken={"research_projects_name_key": ProjectNameTaken("this name is taken")})
    return _reply(row)


@router.post("/{project_id}/activate/", responses=problems(NotFound))
async def activate(project_id: UUID, caller: MayAdministerSite, db: Db, now: Now) -> ResearchProjectReply:
    """Let it work."""
    return _reply(await activate_project(db, project_id, by=caller.id, now=now))


@router.post("/{project_id}/reject/", responses=problems(NotFound))
async def reject(project_id: UUID, caller: MayAdministerSite, db: Db) -> ResearchProjectReply:
    """Refuse it; nothing is deleted."""
    return _reply(await reject_project(db, project_id, by=caller.id))
