"""Statements about deployments."""

from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, Integer, Uuid, column, table, update

from expert.access.queries import readable_research_projects
from expert.access.state import Caller
from expert.deployments.models import Deployment
from trapper_kit.db import Session

# What deployments must know of the table above them, by name.
_resources = table(
    "resources",
    column("id", Uuid),
    column("deployment_id", Uuid),
    column("is_active", Boolean),
    column("archived_with_deployment", Boolean),
    column("version", Integer),
)


def visible_to(caller: Caller) -> ColumnElement[bool]:
    """Of research projects in which the caller has a role."""
    return Deployment.research_project_id.in_(readable_research_projects(caller))


async def archive_resources(db: Session, deployment_id: UUID, *, is_active: bool) -> int:
    """Archive a deployment's resources with it, or bring back those that were archived with it; their number."""
    statement = (
        update(_resources)
        .where(
            _resources.c.deployment_id == deployment_id,
            _resources.c.is_active.is_(not is_active),
            _resources.c.archived_with_deployment.is_(is_active),
        )
        .values(is_active=is_active, archived_with_deployment=not is_active, version=_resources.c.version + 1)
        .returning(_resources.c.id)
    )
    return len((await db.scalars(statement)).all())
