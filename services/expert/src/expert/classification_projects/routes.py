"""Classification projects: make, read, list, change; link collections."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status

from expert.access.find_row import find_row
from expert.access.guards import MayAdminister, MayCreateProjects, MayRead
from expert.access.list_capabilities import list_classification_capabilities
from expert.access.make_once import IdempotentRequest
from expert.access.queries_rows import list_rows
from expert.access.require import require
from expert.access.state import Caller, Capability
from expert.classification_projects import queries
from expert.classification_projects.change import change_project
from expert.classification_projects.check_providers import REFERENCES
from expert.classification_projects.create import create_project
from expert.classification_projects.errors import ClassificationProjectNameTaken, LinkNotOpen, ProviderUnfit
from expert.classification_projects.find_blocked import find_blocked, find_blocked_links
from expert.classification_projects.link_collection import consent_to_link, link_collection, revoke_link
from expert.classification_projects.models import ClassificationProject, LinkedCollection
from expert.classification_projects.schemas import (
    ClassificationProjectChange,
    ClassificationProjectChanged,
    ClassificationProjectReply,
    CollectionLinkReply,
    LinkedCollectionChange,
    LinkedCollectionCounts,
    LinkedCollectionReply,
    NewClassificationProject,
    NewLinkedCollection,
)
from expert.deps import Db, Now
from expert.research_projects.errors import ProjectNotActive
from trapper_kit.db import Session, enqueue_after_commit
from trapper_kit.paging import PageRequest, split
from trapper_kit.problems import Conflict, Forbidden, NotFound
from trapper_kit.web.describe import problems
from trapper_kit.web.params import Cursor, IdempotencyKey, Ids, Limit, Name
from trapper_kit.web.versions import IfMatch, check_change, tagged
from trapper_schemas.paging import Page

_LINKED_BEFORE = {"model": LinkedCollectionReply, "description": "The link that was made before"}

router = APIRouter(prefix="/api/classification-projects", tags=["classification_projects"])
collection_links = APIRouter(prefix="/api/collections", tags=["collection_links"])
"""Links of a collection, for the owners of its research project."""
_LINK = "/{collection_id}/links/{link_id}"


async def _replies(
    db: Session, caller: Caller, rows: Sequence[ClassificationProject]
) -> list[ClassificationProjectReply]:
    blocked = await find_blocked(db, rows)
    allowed = await list_classification_capabilities(db, caller, [row.id for row in rows])
    return [
        ClassificationProjectReply(
            **{name: getattr(row, f"{name}_id" if name in REFERENCES else name) for name in _FIELDS},
            blocked=blocked.get(row.id),
            capabilities=allowed[row.id],
        )
        for row in rows
    ]


async def _reply(db: Session, caller: Caller, row: ClassificationProject) -> ClassificationProjectReply:
    return (await _replies(db, caller, [row]))[0]


_FIELDS = tuple(name for name in ClassificationProjectReply.model_fields if name not in {"blocked", "capabilities"})
_LINK_FIELDS = tuple(name for name in LinkedCollectionReply.model_fields if name != "blocked")


async def _link_replies(db: Session, rows: Sequence[LinkedCollection]) -> list[LinkedCollectionReply]:
    blocked = await find_blocked_links(db, rows)
    return [
        LinkedCollectionReply(**{name: getattr(row, name) for name in _LINK_FIELDS}, blocked=blocked.get(row.id))
        for row in rows
    ]


async def _link_reply(db: Session, row: LinkedCollection) -> LinkedCollectionReply:
    return (await _link_replies(db, [row]))[0]


async def _link(db: Session, project_id: UUID, link_id: UUID, *, lock: bool = False) -> LinkedCollection:
    row = await queries.read_link(db, project_id, link_id, lock=lock)
    if row is None:
        raise NotFound("there is no such linked collection in this project")
    return row


@router.post(
    "/",
    status_code=status.HTTP_201_CREATED,
    responses=problems(NotFound, Forbidden, ProjectNotActive, ProviderUnfit, ClassificationProjectNameTaken),
)
async def make(
    ask: NewClassificationProject, key: IdempotencyKey, caller: MayCreateProjects, db: Db, response: Response
) -> ClassificationProjectReply:
    """Create a classification project of a research project, with its AI settings."""
    fields = ask.model_dump(exclude={"research_project_id"})
    row, made = await create_project(
        db, caller, IdempotentRequest.of(caller, key, ask), research_project_id=ask.research_project_id, fields=fields
    )
    response.status_code = status.HTTP_201_CREATED if made else status.HTTP_200_OK
    return tagged(response, await _reply(db, caller, row))


@router.get("/")
async def list_all(
    caller: MayRead,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
    research_project_id: UUID | None = None,
    name: Name = None,
) -> Page[ClassificationProjectReply]:
    """List the classification projects in which the caller has a role."""
    filters = {"id": id, "research_project_id": research_project_id, "name": name}
    page_request = PageRequest.of(limit, cursor, filters)
    rows = await list_rows(db, ClassificationProject, queries.visible_to(caller), page_request, **filters)
    items, following = split(rows, page_request, lambda row: [row.id])
    return Page(items=await _replies(db, caller, items), next_cursor=following)


@router.get("/{project_id}/", responses=problems(NotFound))
async def read(project_id: UUID, caller: MayRead, db: Db, response: Response) -> ClassificationProjectReply:
    """Read one classification project."""
    row = await find_row(db, ClassificationProject, queries.visible_to(caller), project_id, noun="project")
    return tagged(response, await _reply(db, caller, row))


@router.patch(
    "/{project_id}/",
    responses=problems(NotFound, Forbidden, ProviderUnfit, ClassificationProjectNameTaken),
)
async def change(
    project_id: UUID,
    ask: ClassificationProjectChange,
    if_match: IfMatch,
    caller: MayAdminister,
    db: Db,
    response: Response,
    dry_run: Annotated[bool, Query(description="change nothing, and answer what the change would mean")] = False,
) -> ClassificationProjectChanged:
    """Change a classification project; with its first detection provider its resources become due."""
    row = await find_row(db, ClassificationProject, queries.visible_to(caller), project_id, noun="project", lock=True)
    await require(db, caller, Capability.ADMINISTER, classification_project=project_id)
    check_change(
        ask, if_match, await _reply(db, caller, row), version=row.version, ignored=frozenset({"rerun_resources"})
    )
    is_other_ai = await change_project(db, row, ask.changes(), dry_run=dry_run)
    again = await queries.count_rerun(db, project_id) if is_other_ai else None
    fields = (await _reply(db, caller, row)).model_dump()
    return tagged(response, ClassificationProjectChanged(**fields, rerun_resources=again))


@router.post(
    "/{project_id}/collections/",
    status_code=status.HTTP_201_CREATED,
    responses={**problems(NotFound, Forbidden, Conflict), status.HTTP_200_OK: _LINKED_BEFORE},
)
async def link(
    project_id: UUID, ask: NewLinkedCollection, caller: MayAdminister, db: Db, now: Now, response: Response
) -> LinkedCollectionReply:
    """Link a collection to a classification project; a foreign one is open once its owners consent."""
    await require(db, caller, Capability.ADMINISTER, classification_project=project_id)
    row, made = await link_collection(
        db, caller, project_id, ask.collection_id, sequence_interval_seconds=ask.sequence_interval_seconds, now=now
    )
    response.status_code = status.HTTP_201_CREATED if made else status.HTTP_200_OK
    return tagged(response, await _link_reply(db, row))


@router.get("/{project_id}/collections/", responses=problems(NotFound))
async def list_links(
    project_id: UUID,
    caller: MayRead,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
) -> Page[LinkedCollectionReply]:
    """List the linked collections of a classification project."""
    await require(db, caller, Capability.READ, classification_project=project_id)
    page_request = PageRequest.of(limit, cursor, {"project": project_id, "id": id})
    rows = await queries.list_links(db, project_id, page_request, ids=id)
    items, following = split(rows, page_request, lambda row: [row.id])
    return Page(items=await _link_replies(db, items), next_cursor=following)


@router.patch("/{project_id}/collections/{link_id}/", responses=problems(NotFound, Forbidden))
async def change_link(
    project_id: UUID,
    link_id: UUID,
    ask: LinkedCollectionChange,
    if_match: IfMatch,
    caller: MayAdminister,
    db: Db,
    response: Response,
) -> LinkedCollectionReply:
    """Pause or resume a linked collection, or change its interval of sequences."""
    await require(db, caller, Capability.ADMINISTER, classification_project=project_id)
    row = await _link(db, project_id, link_id, lock=True)
    check_change(ask, if_match, await _link_reply(db, row), version=row.version)
    for name, value in ask.changes().items():
        setattr(row, name, value)
    await db.flush()
    enqueue_after_commit(db, "jobs.cover")
    enqueue_after_commit(db, "sequences.build_new")
    return tagged(response, await _link_reply(db, row))


@router.get("/{project_id}/collections/{link_id}/", responses=problems(NotFound))
async def read_link(
    project_id: UUID, link_id: UUID, caller: MayRead, db: Db, response: Response
) -> LinkedCollectionReply:
    """Read one linked collection of a classification project."""
    await require(db, caller, Capability.READ, classification_project=project_id)
    return tagged(response, await _link_reply(db, await _link(db, project_id, link_id)))


@router.get("/{project_id}/collections/{link_id}/counts/", responses=problems(NotFound, LinkNotOpen))
async def count_link(project_id: UUID, link_id: UUID, caller: MayRead, db: Db) -> LinkedCollectionCounts:
    """Count the resources of a linked collection by how far the AI is."""
    await require(db, caller, Capability.READ, classification_project=project_id)
    await _link(db, project_id, link_id)
    await queries.require_readable_link(db, caller, link_id)
    return LinkedCollectionCounts(**await queries.count_link(db, link_id))


@collection_links.get("/{collection_id}/links/", responses=problems(NotFound, Forbidden))
async def list_links_of_collection(
    collection_id: UUID,
    caller: MayCreateProjects,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
) -> Page[CollectionLinkReply]:
    """List the classification projects that use a collection, or ask to; those of other research projects too."""
    await _require_owner(db, caller, collection_id)
    page_request = PageRequest.of(limit, cursor, {"collection": collection_id, "id": id})
    rows = await queries.links_of_collection(db, collection_id, page_request, ids=id)
    items, following = split(rows, page_request, lambda row: [row[0].id])
    replies = [
        CollectionLinkReply(
            **reply.model_dump(),
            classification_project_name=name,
            consented_at=link.consented_at,
            revoked_at=link.revoked_at,
        )
        for (link, name), reply in zip(items, await _link_replies(db, [link for link, _ in items]), strict=True)
    ]
    return Page(items=replies, next_cursor=following)


@collection_links.post(f"{_LINK}/consent/", responses=problems(NotFound, Forbidden))
async def consent(
    collection_id: UUID, link_id: UUID, caller: MayCreateProjects, db: Db, now: Now
) -> LinkedCollectionReply:
    """Consent that a classification project uses a collection; recorded with who consented and when."""
    await _require_owner(db, caller, collection_id)
    link = await consent_to_link(db, caller, collection_id, link_id, now=now)
    return await _link_reply(db, link)


@collection_links.post(f"{_LINK}/revoke/", responses=problems(NotFound, Forbidden))
async def revoke(
    collection_id: UUID, link_id: UUID, caller: MayCreateProjects, db: Db, now: Now
) -> LinkedCollectionReply:
    """End the link of a collection at once; the project's members no longer see the collection through it."""
    await _require_owner(db, caller, collection_id)
    link = await revoke_link(db, caller, collection_id, link_id, now=now)
    return await _link_reply(db, link)


async def _require_owner(db: Session, caller: Caller, collection_id: UUID) -> None:
    missing = NotFound("there is no such collection, or none that you may see")
    project_id = await queries.research_project_of(db, collection_id)
    if project_id is None:
        raise missing
    await require(db, caller, Capability.CREATE_PROJECTS, research_project=project_id, missing=missing)
