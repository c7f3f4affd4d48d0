"""The routes of taxa: list, read, add."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status

from expert.access.guards import MayAdminister, MayRead
from expert.access.make_once import IdempotentRequest
from expert.access.require import require
from expert.access.state import Capability
from expert.deps import Db
from expert.taxa import queries
from expert.taxa.add import add_taxon
from expert.taxa.errors import TaxonExists
from expert.taxa.models import Taxon
from expert.taxa.schemas import NewTaxon, TaxonKeyReply, TaxonReply
from expert.taxa.state import rank_of
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, split
from trapper_kit.problems import Forbidden, NotFound
from trapper_kit.web.describe import problems
from trapper_kit.web.params import Cursor, IdempotencyKey, Ids, Limit, Name
from trapper_schemas.paging import Page

router = APIRouter(prefix="/api/taxa", tags=["taxa"])


async def _replies(db: Session, rows: Sequence[Taxon]) -> list[TaxonReply]:
    keys = await queries.keys_of(db, [row.id for row in rows])
    return [
        TaxonReply(
            id=row.id,
            scientific_name=row.scientific_name,
            canonical_name=row.canonical_name,
            rank=rank_of(row.rank),
            parent_id=row.parent_id,
            vernacular_names=row.vernacular_names,
            provisional=row.provisional,
            keys=[TaxonKeyReply(checklist=key.checklist, key=key.key) for key in keys.get(row.id, [])],
        )
        for row in rows
    ]


@router.get("/")
async def list_all(
    _caller: MayRead,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
    name: Annotated[
        Name, Query(description="a part of the scientific, canonical or a vernacular name, in any letter case")
    ] = None,
    key: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$", description="in any checklist")] = None,
    below: Annotated[list[UUID] | None, Query(max_length=200, description="these taxa and all below them")] = None,
) -> Page[TaxonReply]:
    """List taxa by name, by key, or below others."""
    page_request = PageRequest.of(limit, cursor, {"id": id, "name": name, "key": key, "below": below})
    items, following = split(
        await queries.list_all(db, page_request, ids=id, name=name, key=key, below=below or []),
        page_request,
        lambda row: [row.id],
    )
    return Page(items=await _replies(db, items), next_cursor=following)


@router.get("/{taxon_id}/", responses=problems(NotFound))
async def read(taxon_id: UUID, _caller: MayRead, db: Db) -> TaxonReply:
    """Read one taxon."""
    row = await db.get(Taxon, taxon_id)
    if row is None:
        raise NotFound("there is no such taxon")
    return (await _replies(db, [row]))[0]


@router.post(
    "/",
    status_code=status.HTTP_201_CREATED,
    responses=problems(NotFound, Forbidden, TaxonExists),
)
async def add(ask: NewTaxon, key: IdempotencyKey, caller: MayAdminister, db: Db, response: Response) -> TaxonReply:
    """Add a provisional taxon, as a leader of a classification project."""
    await require(db, caller, Capability.ADMINISTER, classification_project=ask.classification_project_id)
    row, made = await add_taxon(
        db, IdempotentRequest.of(caller, key, ask), **ask.model_dump(exclude={"classification_project_id"})
    )
    response.status_code = status.HTTP_201_CREATED if made else status.HTTP_200_OK
    return (await _replies(db, [row]))[0]
