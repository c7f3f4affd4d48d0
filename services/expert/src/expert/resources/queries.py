"""Statements about resources; what a caller may see is decided here and nowhere else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Text,
    Uuid,
    column,
    exists,
    literal,
    or_,
    select,
    table,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from expert.access.queries import readable_collections, readable_research_projects
from expert.access.state import Caller
from expert.capture_times.state import TimeIssue
from expert.deployments.models import Deployment
from expert.media_store import identity_of_key
from expert.resources.models import Resource
from expert.resources.state import ResourceState
from trapper_kit.db import Session, db_clock, state_type
from trapper_kit.paging import PageRequest, has_part, page_of
from trapper_schemas.v1.results import FailureCode

STORED = literal(ResourceState.STORED, state_type(ResourceState), literal_execute=True)  # a partial index must see it

# What resources must know of the table above them, by name.
_members = table(
    "collection_resources",
    *(column(name, Uuid) for name in ("id", "resource_id", "collection_id", "deployment_id")),
    column("file_name", Text),
    column("path", Text),
)

_sequence_members = table("sequence_members", column("resource_id", Uuid), column("sequence_id", Uuid))


@dataclass(frozen=True)
class ResourcePlace:
    """A path under which a resource lies in a collection, and the deployment for which it was uploaded."""

    collection_id: UUID
    file_name: str
    path: str
    deployment_id: UUID | None


def visible_to(caller: Caller) -> ColumnElement[bool]:
    """Of the caller's research projects, or in a collection that the caller may read."""
    shared = exists().where(
        _members.c.resource_id == Resource.id, _members.c.collection_id.in_(readable_collections(caller))
    )
    return or_(Resource.research_project_id.in_(readable_research_projects(caller)), shared)


@dataclass(frozen=True)
class ResourceFilter:
    """What a list of resources is narrowed to; None does not count."""

    id: list[UUID] | None = None
    research_project_id: UUID | None = None
    collection_id: UUID | None = None
    deployment_id: UUID | None = None
    sequence_id: UUID | None = None
    name: str | None = None
    state: ResourceState | None = None
    is_active: bool = True
    is_damaged: bool | None = None
    has_time: bool | None = None
    time_issue: TimeIssue | None = None
    outside_deployment: bool | None = None
    elsewhere: bool | None = None
    captured_from: datetime | None = None
    captured_until: datetime | None = None


_EQUAL = (
    "research_project_id",
    "deployment_id",
    "state",
    "is_active",
    "is_damaged",
    "time_issue",
    "outside_deployment",
)


async def list_visible(
    db: Session, caller: Caller, page_request: PageRequest, given: ResourceFilter
) -> Sequence[Resource]:
    """A page of resources in the order of upload."""
    conditions = [visible_to(caller)]
    for name in _EQUAL:
        value = getattr(given, name)
        if value is not None:
            conditions.append(getattr(Resource, name) == value)
    if given.name is not None:
        conditions.append(has_part(Resource.file_name, given.name))
    if given.collection_id is not None:
        conditions.append(_has_path(_members.c.collection_id == given.collection_id))
    if given.sequence_id is not None:
        in_sequence = _sequence_members.c.sequence_id == given.sequence_id
        conditions.append(exists().where(_sequence_members.c.resource_id == Resource.id, in_sequence))
    if given.elsewhere is not None:
        deployment_id = _members.c.deployment_id
        elsewhere = deployment_id.is_not(None) & deployment_id.is_distinct_from(Resource.deployment_id)
        conditions.append(_has_path(elsewhere) if given.elsewhere else ~_has_path(elsewhere))
    if given.has_time is not None:
        conditions.append(Resource.captured_at.is_not(None) if given.has_time else Resource.captured_at.is_(None))
    if given.captured_from is not None:
        conditions.append(Resource.captured_at >= given.captured_from)
    if given.captured_until is not None:
        conditions.append(Resource.captured_at < given.captured_until)
    statement = page_of(select(Resource).where(*conditions), [Resource.id], page_request, [UUID], ids=given.id)
    return (await db.scalars(statement)).all()


def _has_path(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(_members.c.resource_id == Resource.id, condition)


async def read_visible(db: Session, caller: Caller, resource_id: UUID) -> Resource | None:
    return await db.scalar(select(Resource).where(Resource.id == resource_id, visible_to(caller)))


async def list_places(db: Session, resource_id: UUID) -> Sequence[ResourcePlace]:
    """Every path under which the resource was uploaded, in the order of upload."""
    statement = (
        select(_members.c.collection_id, _members.c.file_name, _members.c.path, _members.c.deployment_id)
        .where(_members.c.resource_id == resource_id)
        .order_by(_members.c.id)
    )
    return [ResourcePlace(*row) for row in await db.execute(statement)]


async def names_in(db: Session, collection_id: UUID, resource_ids: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
    """The file name and the path under which the collection has each resource; the first path of several."""
    statement = (
        select(_members.c.resource_id, _members.c.file_name, _members.c.path)
        .where(_members.c.collection_id == collection_id, _members.c.resource_id.in_(resource_ids))
        .order_by(_members.c.path.desc())
    )
    return {row[0]: (row[1], row[2]) for row in await db.execute(statement)}


async def lock_deployment(db: Session, deployment_id: UUID) -> None:
    """Keep a deployment as it is until the transaction ends."""
    await db.execute(select(Deployment.id).where(Deployment.id == deployment_id).with_for_update(read=True))


async def deployment_in(db: Session, deployment_id: UUID, research_project_id: UUID) -> Deployment | None:
    """The deployment; None when it is of another research project."""
    statement = select(Deployment).where(
        Deployment.id == deployment_id, Deployment.research_project_id == research_project_id
    )
    return await db.scalar(statement)


async def move_paths(db: Session, resource_id: UUID, former: UUID | None, deployment_id: UUID | None) -> None:
    """Move paths to the new deployment with their resource, unless a path was uploaded for it already."""
    paths = _members.c.resource_id == resource_id
    if deployment_id is None or not await db.scalar(
        select(exists().where(paths, _members.c.deployment_id == deployment_id))
    ):
        statement = update(_members).where(paths, _members.c.deployment_id.is_not_distinct_from(former))
        await db.execute(statement.values(deployment_id=deployment_id))


async def by_sha256(db: Session, research_project_id: UUID, hashes: Sequence[str]) -> dict[str, Resource]:
    """Those that the research project has already, by their identity, as they are in the database now."""
    statement = (
        select(Resource)
        .where(Resource.research_project_id == research_project_id, Resource.sha256.in_(set(hashes)))
        .execution_options(populate_existing=True)
    )
    return {row.sha256: row for row in await db.scalars(statement) if row.sha256 is not None}


async def insert_new(db: Session, values: Mapping[str, Mapping[str, object]]) -> set[str]:
    """Insert resources, given by their sha256, whose bytes their research project has not; the hashes of those."""
    statement = (
        insert(Resource)
        .on_conflict_do_nothing(index_elements=["research_project_id", "sha256"])
        .returning(Resource.sha256)
    )
    rows = [dict(values[sha256]) for sha256 in sorted(values)]  # in one order: no deadlock
    return {sha256 for sha256 in await db.scalars(statement, rows) if sha256 is not None}


async def deployment_of(db: Session, resource_id: UUID) -> UUID | None:
    return await db.scalar(select(Resource.deployment_id).where(Resource.id == resource_id))


async def named_objects(db: Session, keys: Sequence[str]) -> set[str]:
    """Those of the keys, of originals or thumbnails, that a resource names."""
    identities = {identity_of_key(key) for key in keys}
    statement = select(Resource.object_key, Resource.thumbnail_key).where(
        tuple_(Resource.research_project_id, Resource.sha256).in_(identities)
    )
    named = {key for row in await db.execute(statement) for key in row if key is not None}
    return named & set(keys)


async def originals_after(db: Session, resource_id: UUID | None, *, limit: int) -> Sequence[tuple[UUID, str]]:
    """Ids and keys of resources with a stored file in the order of ids, after one of them."""
    stored = Resource.object_key.is_not(None)
    statement = select(Resource.id, Resource.object_key).where(stored).order_by(Resource.id).limit(limit)
    if resource_id is not None:
        statement = statement.where(Resource.id > resource_id)
    return [(resource_id, key) for resource_id, key in await db.execute(statement) if key is not None]


async def mark_missing(db: Session, resource_ids: Sequence[UUID], *, missing: Sequence[UUID]) -> None:
    """Note which originals the store has lost, and that the others of these resources are there."""
    await db.execute(
        update(Resource)
        .where(Resource.id.in_(missing), Resource.object_missing_at.is_(None))
        .values(object_missing_at=db_clock())
    )
    await db.execute(
        update(Resource)
        .where(Resource.id.in_(set(resource_ids) - set(missing)), Resource.object_missing_at.is_not(None))
        .values(object_missing_at=None)
    )


async def restore_original(db: Session, resource_id: UUID) -> bool:
    """The lost original is there again: whether it was lost; a resource that was unreadable for it is read anew."""
    unreachable = (Resource.state == ResourceState.UNREADABLE) & (
        Resource.failure_code == FailureCode.MEDIA_UNREACHABLE
    )
    await db.execute(
        update(Resource)
        .where(Resource.id == resource_id, unreachable)
        .values(
            state=ResourceState.STORED, described_at=None, failure_code=None, failure_message=None, describe_attempts=0
        )
    )
    statement = (
        update(Resource)
        .where(Resource.id == resource_id, Resource.object_missing_at.is_not(None))
        .values(object_missing_at=None)
        .returning(Resource.id)
    )
    return (await db.scalar(statement)) is not None
