"""Statements about research projects."""

from uuid import UUID

from sqlalchemy import ColumnElement, or_, select

from expert.access.queries import readable_research_projects
from expert.access.state import Caller
from expert.research_projects.models import ResearchProject
from expert.research_projects.state import ResearchProjectStatus
from trapper_kit.db import Session


def visible_to(caller: Caller) -> ColumnElement[bool]:
    """Those in which the caller has a role; a site admin also sees those that ask to be activated."""
    visible = ResearchProject.id.in_(readable_research_projects(caller))
    return or_(visible, ResearchProject.status == ResearchProjectStatus.REQUESTED) if caller.is_site_admin else visible


async def is_active(db: Session, project_id: UUID) -> bool:
    status = await db.scalar(select(ResearchProject.status).where(ResearchProject.id == project_id))
    return status is ResearchProjectStatus.ACTIVE


async def lock(db: Session, project_id: UUID) -> ResearchProject | None:
    return await db.get(ResearchProject, project_id, with_for_update=True)
