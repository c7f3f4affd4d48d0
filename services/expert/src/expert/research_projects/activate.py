"""A site admin decides about a requested research project."""

from datetime import datetime
from uuid import UUID

from expert.audit.note import note
from expert.research_projects import queries
from expert.research_projects.models import ResearchProject
from expert.research_projects.state import ResearchProjectStatus
from trapper_kit.db import Session
from trapper_kit.problems import NotFound


async def activate_project(db: Session, project_id: UUID, *, by: UUID, now: datetime) -> ResearchProject:
    """Safe to repeat; a rejected project may be activated later."""
    return await _decide(db, project_id, by=by, to=ResearchProjectStatus.ACTIVE, at=now)


async def reject_project(db: Session, project_id: UUID, *, by: UUID) -> ResearchProject:
    """Safe to repeat; its data stay."""
    return await _decide(db, project_id, by=by, to=ResearchProjectStatus.REJECTED, at=None)


async def _decide(
    db: Session, project_id: UUID, *, by: UUID, to: ResearchProjectStatus, at: datetime | None
) -> ResearchProject:
    project = await queries.lock(db, project_id)
    if project is None:
        raise NotFound("there is no such research project")
    if project.status is not to:
        project.status = to
        project.activated_at = at
        note(db, to.value, actor_id=by, subject_kind="research_project", subject_id=project.id)
        await db.flush()
    return project
