"""Statements about classification projects, linked collections and their resources."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, Uuid, and_, exists, func, literal, or_, select
from sqlalchemy.dialects.postgresql import insert

from expert.access.queries import readable_classification_projects, readable_research_projects
from expert.access.state import Caller
from expert.classification_projects.errors import LinkNotOpen
from expert.classification_projects.models import ClassificationProject, LinkedCollection, LinkedCollectionResource
from expert.collections.models import Collection, CollectionResource
from expert.resources.models import Resource
from expert.resources.state import ResourceKind, ResourceState, Visibility
from expert.taxa_lists.models import TaxaList
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, page_of


def visible_to(caller: Caller) -> ColumnElement[bool]:
    """Those in which the caller has a role, and those of research projects that the caller manages."""
    return ClassificationProject.id.in_(readable_classification_projects(caller))


async def projects(db: Session, ids: set[UUID]) -> Sequence[ClassificationProject]:
    return (await db.scalars(select(ClassificationProject).where(ClassificationProject.id.in_(ids)))).all()


async def lock_collection(db: Session, collection_id: UUID) -> None:
    """Wait for uploads that are being finished into it, and let those that follow see the link."""
    await db.execute(select(Collection.id).where(Collection.id == collection_id).with_for_update())


async def find_link(db: Session, project_id: UUID, collection_id: UUID) -> LinkedCollection | None:
    statement = select(LinkedCollection).where(
        LinkedCollection.classification_project_id == project_id, LinkedCollection.collection_id == collection_id
    )
    return await db.scalar(statement)


async def read_link(db: Session, project_id: UUID, link_id: UUID, *, lock: bool = False) -> LinkedCollection | None:
    statement = select(LinkedCollection).where(
        LinkedCollection.classification_project_id == project_id, LinkedCollection.id == link_id
    )
    return await db.scalar(statement.with_for_update() if lock else statement)


def is_open() -> ColumnElement[bool]:
    """Whether a link may be used: consented and not revoked, or to a collection that is public at this moment."""
    public = exists().where(Collection.id == LinkedCollection.collection_id, Collection.visibility == Visibility.PUBLIC)
    return and_(LinkedCollection.revoked_at.is_(None), or_(LinkedCollection.consented_at.is_not(None), public))


def readable_links(caller: Caller) -> Select[UUID]:
    """Returns ids of the links in the caller's projects that are open, or to collections of the caller's own."""
    own = select(Collection.id).where(Collection.research_project_id.in_(readable_research_projects(caller)))
    return select(LinkedCollection.id).where(
        LinkedCollection.classification_project_id.in_(readable_classification_projects(caller)),
        or_(is_open(), LinkedCollection.collection_id.in_(own)),
    )


def row_visible_to(
    caller: Caller,
    *,
    project_id: UUID | SQLColumnExpression[UUID],
    linked_collection_id: SQLColumnExpression[UUID] | SQLColumnExpression[UUID | None],
    resource_id: SQLColumnExpression[UUID],
) -> ColumnElement[bool]:
    """Returns the condition on rows about a resource: read through their own link, or another one of the project.

    Arguments are columns or values. A row without a link did not come through one.
    """
    links = readable_links(caller)
    through_another = exists().where(
        LinkedCollectionResource.resource_id == resource_id,
        LinkedCollectionResource.linked_collection_id == LinkedCollection.id,
        LinkedCollection.classification_project_id == project_id,
        LinkedCollection.id.in_(links),
    )
    of_project = literal(project_id, Uuid()) if isinstance(project_id, UUID) else project_id
    through_a_link = or_(linked_collection_id.is_(None), linked_collection_id.in_(links), through_another)
    return and_(of_project.in_(readable_classification_projects(caller)), through_a_link)


async def require_readable_link(db: Session, caller: Caller, link_id: UUID) -> None:
    """Raises LinkNotOpen for a link through which the caller may not read."""
    statement = select(LinkedCollection.id).where(
        LinkedCollection.id == link_id, LinkedCollection.id.in_(readable_links(caller))
    )
    if await db.scalar(statement) is None:
        raise LinkNotOpen("the owners of the collection have not consented to this link, or have ended it; ask them")


async def research_project_of(db: Session, collection_id: UUID) -> UUID | None:
    return await db.scalar(select(Collection.research_project_id).where(Collection.id == collection_id))


async def links_of_collection(
    db: Session, collection_id: UUID, page_request: PageRequest, *, ids: Sequence[UUID] | None
) -> Sequence[tuple[LinkedCollection, str]]:
    """Every link of a collection, with the name of the classification project that uses it."""
    statement = select(LinkedCollection).where(LinkedCollection.collection_id == collection_id)
    links = (await db.scalars(page_of(statement, [LinkedCollection.id], page_request, [UUID], ids=ids))).all()
    named = select(ClassificationProject.id, ClassificationProject.name).where(
        ClassificationProject.id.in_({link.classification_project_id for link in links})
    )
    names = {row[0]: row[1] for row in await db.execute(named)}
    return [(link, names[link.classification_project_id]) for link in links]


async def lock_link_of_collection(db: Session, collection_id: UUID, link_id: UUID) -> LinkedCollection | None:
    statement = select(LinkedCollection).where(
        LinkedCollection.collection_id == collection_id, LinkedCollection.id == link_id
    )
    return await db.scalar(statement.with_for_update())


async def with_waiting_photos(db: Session, link_ids: Sequence[UUID]) -> dict[UUID, bool]:
    """Those of the links that have photos which no job has taken, and whether the collection of each is active."""
    waiting = (
        exists()
        .where(LinkedCollectionResource.linked_collection_id == LinkedCollection.id)
        .where(LinkedCollectionResource.taken_at.is_(None), Resource.id == LinkedCollectionResource.resource_id)
        .where(
            Resource.state == ResourceState.DESCRIBED,
            Resource.kind == ResourceKind.IMAGE,
            Resource.is_active,
            Resource.remote_url.is_(None),
        )
    )
    statement = (
        select(LinkedCollection.id, Collection.is_active)
        .join(Collection, Collection.id == LinkedCollection.collection_id)
        .where(LinkedCollection.id.in_(link_ids), waiting)
    )
    return {row[0]: row[1] for row in await db.execute(statement)}


async def insert_link(db: Session, values: Mapping[str, object]) -> None:
    made = insert(LinkedCollection).values(**values)
    await db.execute(made.on_conflict_do_nothing(index_elements=["classification_project_id", "collection_id"]))


async def list_links(
    db: Session, project_id: UUID, page_request: PageRequest, *, ids: Sequence[UUID] | None
) -> Sequence[LinkedCollection]:
    statement = select(LinkedCollection).where(LinkedCollection.classification_project_id == project_id)
    return (await db.scalars(page_of(statement, [LinkedCollection.id], page_request, [UUID], ids=ids))).all()


async def fill_link(db: Session, link: LinkedCollection) -> None:
    """A row for every resource of the collection; those that are there stay as they are."""
    members = (
        select(literal(link.id, Uuid()), CollectionResource.resource_id)
        .where(CollectionResource.collection_id == link.collection_id)
        .distinct()
    )
    made = insert(LinkedCollectionResource).from_select(["linked_collection_id", "resource_id"], members)
    await db.execute(made.on_conflict_do_nothing())


async def add_to_links(db: Session, collection_id: UUID, resource_ids: Sequence[UUID]) -> None:
    """A row in every link of the collection for each of these resources."""
    memberships = (
        select(LinkedCollection.id, CollectionResource.resource_id)
        .join(CollectionResource, CollectionResource.collection_id == LinkedCollection.collection_id)
        .where(LinkedCollection.collection_id == collection_id, CollectionResource.resource_id.in_(resource_ids))
        .distinct()
        .order_by(LinkedCollection.id, CollectionResource.resource_id)
    )
    made = insert(LinkedCollectionResource).from_select(["linked_collection_id", "resource_id"], memberships)
    await db.execute(made.on_conflict_do_nothing())


async def count_rerun(db: Session, project_id: UUID) -> int:
    """How many resources a job has taken before and a new one could take again."""
    statement = (
        select(func.count(LinkedCollectionResource.resource_id.distinct()))
        .join(LinkedCollection, LinkedCollection.id == LinkedCollectionResource.linked_collection_id)
        .join(Resource, Resource.id == LinkedCollectionResource.resource_id)
        .where(
            LinkedCollection.classification_project_id == project_id,
            LinkedCollection.is_active,
            is_open(),
            LinkedCollection.collection_id.in_(select(Collection.id).where(Collection.is_active)),
            LinkedCollectionResource.taken_at.is_not(None),
            Resource.state == ResourceState.DESCRIBED,
            Resource.kind == ResourceKind.IMAGE,
            Resource.remote_url.is_(None),
            Resource.is_active,
        )
    )
    return (await db.scalars(statement)).one()


async def count_link(db: Session, link_id: UUID) -> dict[str, int]:
    """How many resources a link has, and how far the AI is with them."""
    unreadable = or_(Resource.state == ResourceState.UNREADABLE, Resource.remote_url.is_not(None))
    statement = (
        select(
            func.count(),
            func.count(LinkedCollectionResource.taken_at),
            func.count().filter(or_(LinkedCollectionResource.ai_ended_at.is_not(None), unreadable)),
            func.count().filter(unreadable),
        )
        .join(Resource, Resource.id == LinkedCollectionResource.resource_id)
        .where(LinkedCollectionResource.linked_collection_id == link_id)
    )
    row = (await db.execute(statement)).one()
    return {"resources": row[0], "taken": row[1], "ai_ended": row[2], "unreadable": row[3]}


async def may_choose_list(db: Session, project_id: UUID | None, taxa_list_id: UUID) -> bool:
    """Whether a taxa list is for everybody or of this project."""
    of_project = TaxaList.classification_project_id == project_id
    usable = or_(TaxaList.classification_project_id.is_(None), of_project)
    return await db.scalar(select(TaxaList.id).where(TaxaList.id == taxa_list_id, usable)) is not None
