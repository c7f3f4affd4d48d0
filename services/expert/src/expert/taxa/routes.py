"""Taxa: list and read."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from expert.access.guards import MayRead
from expert.deps import Db
from expert.taxa import queries
from expert.taxa.models import Taxon
from expert.taxa.schemas import TaxonKeyReply, TaxonReply
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, split
from trapper_kit.problems import NotFound
from trapper_kit.web.app import problems
from trapper_kit.web.params import Cursor, Limit
from trapper_schemas.paging import Page

router = APIRouter(prefix="/api/taxa", tags=["taxa"])
NameFilter = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00%_\\]*$")]


async def _replies(db: Session, rows: Sequence[Taxon]) -> list[TaxonReply]:
    keys = await queries.keys_of(db, [row.id for row in rows])
    return [
        TaxonReply(
            id=row.id,
            scientific_name=row.scientific_name,
            canonical_name=row.canonical_name,
            rank=row.rank,
            parent_id=row.parent_id,
            vernacular_names=row.vernacular_names,
            keys=[TaxonKeyReply(checklist=one.checklist, key=one.key) for one in keys.get(row.id, [])],
        )
        for row in rows
    ]


@router.get("/")
async def list_all(
    _caller: MayRead,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    name: NameFilter = None,
    key: NameFilter = None,
) -> Page[TaxonReply]:
    """Every taxon that is known here; `name` is the beginning of a name, `key` a key in any checklist."""
    page_request = PageRequest.of(limit, cursor, {"name": name, "key": key})
    items, following = split(
        await queries.list_all(db, page_request, name=name, key=key), page_request, lambda row: [row.id]
    )
    return Page(items=await _replies(db, items), next_cursor=following)


@router.get("/{taxon_id}/", responses=problems(NotFound))
async def read(taxon_id: UUID, _caller: MayRead, db: Db) -> TaxonReply:
    """One taxon."""
    row = await db.get(Taxon, taxon_id)
    if row is None:
        raise NotFound("there is no such taxon")
    return (await _replies(db, [row]))[0]
