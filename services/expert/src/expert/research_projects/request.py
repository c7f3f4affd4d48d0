"""Ask for a research project; its maker owns it, and a site admin's own is active at once."""

from datetime import datetime
from typing import Any
from uuid import UUID

from expert.access import queries as access
from expert.access.make_once import IdempotentRequest, make_once
from expert.access.state import Caller, ResearchRole
from expert.audit.note import note
from expert.research_projects import queries
from expert.research_projects.errors import ProjectNameTaken, ProjectNotActive
from expert.research_projects.models import ResearchProject
from expert.research_projects.state import ResearchProjectStatus
from trapper_kit.db import Session
from trapper_kit.problems import Problem
from trapper_schemas.ids import uuid7


async def request_project(
    db: Session, caller: Caller, request: IdempotentRequest, *, now: datetime, fields: dict[str, Any]
) -> tuple[ResearchProject, bool]:
    """The project, and whether it is new; raises ProjectNameTaken."""
    active = caller.is_site_admin
    row = ResearchProject(
        id=uuid7(),
        owner_id=caller.id,
        status=ResearchProjectStatus.ACTIVE if active else ResearchProjectStatus.REQUESTED,
        activated_at=now if active else None,
        **fields,
    )
    project, made = await make_once(db, row, request, taken=refusals(row))
    if made:
        await access.set_research_role(db, project.id, caller.id, ResearchRole.OWNER)
        note(db, "requested", actor_id=caller.id, subject_kind="research_project", subject_id=project.id)
    return project, made


def refusals(row: ResearchProject) -> dict[str, Problem]:
    """The refusal for each constraint of the table that a request may break."""
    return {
        "research_projects_name_key": ProjectNameTaken(f"there is already a project named {row.name!r}"),
        "research_projects_acronym_key": ProjectNameTaken(f"the acronym {row.acronym!r} is taken"),
    }


async def require_active(db: Session, project_id: UUID) -> None:
    """Raises ProjectNotActive while no site admin has activated it."""
    if not await queries.is_active(db, project_id):
        raise ProjectNotActive("a site admin must activate this research project first")
