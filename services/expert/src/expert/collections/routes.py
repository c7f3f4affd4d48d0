"""Collections: make, read, list, change, count, and the paths in them."""

from uuid import UUID

from fastapi import APIRouter, Response, status

from expert.access.guards import MayDescribe, MayRead
from expert.access.make_once import IdempotentRequest, keep, make_once
from expert.access.require import require
from expert.access.state import Caller, Capability
from expert.collections import queries
from expert.collections.errors import CollectionNameTaken
from expert.collections.models import Collection
from expert.collections.schemas import ChangeCollection, CollectionCounts, CollectionReply, MakeCollection, PathReply
from expert.deps import Db
from trapper_kit.db import Session
from trapper_kit.idempotency import IdempotencyKeyReused
from trapper_kit.paging import PageRequest, split
from trapper_kit.problems import Forbidden, NotFound
from trapper_kit.web.app import problems
from trapper_kit.web.params import Cursor, IdempotencyKey, Limit
from trapper_schemas.ids import uuid7
from trapper_schemas.paging import Page

router = APIRouter(prefix="/api/collections", tags=["collections"])
_UNIQUE = "collections_research_project_id_name_key"


def _reply(row: Collection) -> CollectionReply:
    return CollectionReply.model_validate(row, from_attributes=True)


async def _visible(db: Session, caller: Caller, collection_id: UUID, *, lock: bool = False) -> Collection:
    row = await queries.read_visible(db, caller, collection_id, lock=lock)
    if row is None:
        raise NotFound("there is no such collection, or none that you may see")
    return row


@router.post(
    "/", status_code=status.HTTP_201_CREATED, responses=problems(NotFound, CollectionNameTaken, IdempotencyKeyReused)
)
async def make(
    ask: MakeCollection, key: IdempotencyKey, caller: MayDescribe, db: Db, response: Response
) -> CollectionReply:
    """An ingestion session of a research project."""
    await require(db, caller, Capability.DESCRIBE, research_project=ask.research_project_id)
    taken = {_UNIQUE: CollectionNameTaken(f"there is already a collection {ask.name!r} in this project")}
    row = Collection(id=uuid7(), **ask.model_dump())
    row, made = await make_once(db, row, IdempotentRequest.of(caller, key, ask), taken=taken)
    response.status_code = status.HTTP_201_CREATED if made else status.HTTP_200_OK
    return _reply(row)


@router.get("/")
async def list_all(
    caller: MayRead,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    research_project_id: UUID | None = None,
    name: str | None = None,
) -> Page[CollectionReply]:
    """Collections that one may read: of one's projects, linked into one's projects, or public."""
    page_request = PageRequest.of(limit, cursor, {"project": research_project_id, "name": name})
    rows = await queries.list_visible(db, caller, page_request, research_project_id=research_project_id, name=name)
    items, following = split(rows, page_request, lambda row: [row.id])
    return Page(items=[_reply(row) for row in items], next_cursor=following)


@router.get("/{collection_id}/", responses=problems(NotFound))
async def read(collection_id: UUID, caller: MayRead, db: Db) -> CollectionReply:
    """One collection."""
    return _reply(await _visible(db, caller, collection_id))


@router.patch("/{collection_id}/", responses=problems(NotFound, Forbidden, CollectionNameTaken))
async def change(collection_id: UUID, ask: ChangeCollection, caller: MayDescribe, db: Db) -> CollectionReply:
    """Change what is given."""
    row = await _visible(db, caller, collection_id, lock=True)
    await require(db, caller, Capability.DESCRIBE, research_project=row.research_project_id)
    for name, value in ask.model_dump(exclude_unset=True).items():
        setattr(row, name, value)
    await keep(db, row, taken={_UNIQUE: CollectionNameTaken("this name is taken in this project")})
    return _reply(row)


@router.get("/{collection_id}/counts/", responses=problems(NotFound))
async def count(collection_id: UUID, caller: MayRead, db: Db) -> CollectionCounts:
    """How many resources it has, and how many of them are described or unreadable."""
    await _visible(db, caller, collection_id)
    return CollectionCounts(**await queries.count(db, collection_id))


@router.get("/{collection_id}/paths/", responses=problems(NotFound))
async def list_paths(
    collection_id: UUID, caller: MayRead, db: Db, limit: Limit = 50, cursor: Cursor = None
) -> Page[PathReply]:
    """Every path with its resource; the same bytes under two paths are two of these."""
    await _visible(db, caller, collection_id)
    page_request = PageRequest.of(limit, cursor, {"collection": collection_id})
    items, following = split(
        await queries.list_paths(db, collection_id, page_request), page_request, lambda row: [row.id]
    )
    return Page(items=[PathReply.model_validate(row, from_attributes=True) for row in items], next_cursor=following)
