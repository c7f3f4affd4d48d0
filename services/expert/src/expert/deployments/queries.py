"""Statements about deployments."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from expert.access.queries import readable_research_projects
from expert.access.state import Caller
from expert.deployments.models import Deployment
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, page_of


async def list_visible(
    db: Session,
    caller: Caller,
    page_request: PageRequest,
    *,
    research_project_id: UUID | None,
    deployment_id: str | None,
) -> Sequence[Deployment]:
    statement = select(Deployment).where(Deployment.research_project_id.in_(readable_research_projects(caller)))
    if research_project_id is not None:
        statement = statement.where(Deployment.research_project_id == research_project_id)
    if deployment_id is not None:
        statement = statement.where(Deployment.deployment_id == deployment_id)
    return (await db.scalars(page_of(statement, [Deployment.id], page_request, [UUID]))).all()


async def read_visible(db: Session, caller: Caller, row_id: UUID, *, lock: bool = False) -> Deployment | None:
    statement = select(Deployment).where(
        Deployment.id == row_id, Deployment.research_project_id.in_(readable_research_projects(caller))
    )
    return await db.scalar(statement.with_for_update() if lock else statement)
