"""Statements about resources; what a caller may see is decided here and nowhere else."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, column, exists, literal, or_, select, table, update
from sqlalchemy.dialects.postgresql import insert

from expert.access.queries import readable_collections, readable_research_projects
from expert.access.state import Caller
from expert.deployments.models import Deployment
from expert.locations.models import Location
from expert.resources.models import Resource
from expert.resources.state import ResourceState
from trapper_kit.db import Session, db_clock, state_type
from trapper_kit.paging import PageRequest, page_of

STORED = literal(ResourceState.STORED, state_type(ResourceState), literal_execute=True)  # a partial index must see it

# What resources must know of the table above them, by name.
_members = table("collection_resources", column("resource_id"), column("collection_id"))


def visible_to(caller: Caller) -> ColumnElement[bool]:
    """Of one's research projects, or in a collection that one may read."""
    shared = exists().where(
        _members.c.resource_id == Resource.id, _members.c.collection_id.in_(readable_collections(caller))
    )
    return or_(Resource.research_project_id.in_(readable_research_projects(caller)), shared)


async def list_visible(
    db: Session,
    caller: Caller,
    page_request: PageRequest,
    *,
    research_project_id: UUID | None,
    collection_id: UUID | None,
    deployment_id: UUID | None,
    state: ResourceState | None,
) -> Sequence[Resource]:
    statement = select(Resource).where(visible_to(caller), Resource.is_active)
    if research_project_id is not None:
        statement = statement.where(Resource.research_project_id == research_project_id)
    if collection_id is not None:
        inside = exists().where(_members.c.resource_id == Resource.id, _members.c.collection_id == collection_id)
        statement = statement.where(inside)
    if deployment_id is not None:
        statement = statement.where(Resource.deployment_id == deployment_id)
    if state is not None:
        statement = statement.where(Resource.state == state)
    return (await db.scalars(page_of(statement, [Resource.id], page_request, [UUID]))).all()


async def read_visible(db: Session, caller: Caller, resource_id: UUID) -> Resource | None:
    return await db.scalar(select(Resource).where(Resource.id == resource_id, visible_to(caller)))


async def by_sha256(db: Session, research_project_id: UUID, hashes: Sequence[str]) -> dict[str, Resource]:
    """Those that the research project has already, by their identity."""
    statement = select(Resource).where(
        Resource.research_project_id == research_project_id, Resource.sha256.in_(set(hashes))
    )
    return {row.sha256: row for row in await db.scalars(statement)}


async def insert_once(db: Session, values: dict[str, Any]) -> UUID | None:
    """The id of the new row, or None when the research project has these bytes already."""
    statement = (
        insert(Resource)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["research_project_id", "sha256"])
        .returning(Resource.id)
    )
    return await db.scalar(statement)


async def claim_description(db: Session, resource_id: UUID, *, holds: timedelta) -> Resource | None:
    """Take the description of a stored resource; the attempt is the fence, and counts what killed a process."""
    statement = (
        update(Resource)
        .where(
            Resource.id == resource_id,
            Resource.state == STORED,
            or_(Resource.describe_claimed_until.is_(None), Resource.describe_claimed_until < db_clock()),
        )
        .values(describe_attempts=Resource.describe_attempts + 1, describe_claimed_until=db_clock() + holds)
        .returning(Resource)
    )
    return await db.scalar(statement)


async def release_description(db: Session, resource_id: UUID, attempt: int) -> None:
    """Nothing was wrong with the file: the attempt does not count."""
    await db.execute(
        update(Resource)
        .where(Resource.id == resource_id, Resource.state == STORED, Resource.describe_attempts == attempt)
        .values(describe_attempts=attempt - 1, describe_claimed_until=None)
    )


async def record_description(db: Session, resource_id: UUID, attempt: int, values: dict[str, Any]) -> bool:
    """Write what was found, if this attempt is still the last one."""
    statement = (
        update(Resource)
        .where(Resource.id == resource_id, Resource.state == STORED, Resource.describe_attempts == attempt)
        .values(describe_claimed_until=None, described_at=db_clock(), **values)
        .returning(Resource.id)
    )
    return (await db.scalar(statement)) is not None


async def place_of(db: Session, deployment_id: UUID | None) -> tuple[str | None, bool]:
    """The time zone of a deployment's place, and whether its clocks ignore summer time."""
    if deployment_id is None:
        return None, False
    statement = (
        select(Location.time_zone, Location.ignore_dst)
        .join(Deployment, Deployment.location_id == Location.id)
        .where(Deployment.id == deployment_id)
    )
    found = (await db.execute(statement)).one_or_none()
    return (found[0], found[1]) if found else (None, False)


async def undescribed(db: Session, *, limit: int) -> Sequence[UUID]:
    """Stored resources that nobody describes at the moment, oldest first."""
    statement = (
        select(Resource.id)
        .where(
            Resource.state == STORED,
            or_(Resource.describe_claimed_until.is_(None), Resource.describe_claimed_until < db_clock()),
        )
        .order_by(Resource.id)
        .limit(limit)
    )
    return (await db.scalars(statement)).all()


async def any_undescribed(db: Session, research_project_id: UUID) -> bool:
    statement = select(exists().where(Resource.state == STORED, Resource.research_project_id == research_project_id))
    return bool(await db.scalar(statement))
