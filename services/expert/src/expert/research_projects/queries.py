"""Statements about research projects."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import or_, select

from expert.access.queries import readable_research_projects
from expert.access.state import Caller
from expert.research_projects.models import ResearchProject
from expert.research_projects.state import ResearchProjectStatus
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, page_of


async def list_visible(
    db: Session, caller: Caller, page_request: PageRequest, *, status: ResearchProjectStatus | None, name: str | None
) -> Sequence[ResearchProject]:
    """One's own; a site admin also sees those that ask to be activated."""
    visible = ResearchProject.id.in_(readable_research_projects(caller))
    if caller.is_site_admin:
        visible = or_(visible, ResearchProject.status == ResearchProjectStatus.REQUESTED)
    statement = select(ResearchProject).where(visible)
    if status is not None:
        statement = statement.where(ResearchProject.status == status)
    if name is not None:
        statement = statement.where(ResearchProject.name == name)
    return (await db.scalars(page_of(statement, [ResearchProject.id], page_request, [UUID]))).all()


async def is_active(db: Session, project_id: UUID) -> bool:
    status = await db.scalar(select(ResearchProject.status).where(ResearchProject.id == project_id))
    return status is ResearchProjectStatus.ACTIVE


async def lock(db: Session, project_id: UUID) -> ResearchProject | None:
    return await db.get(ResearchProject, project_id, with_for_update=True)
