"""The routes of taxa: list, read, add."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response, status
from starlette.requests import ClientDisconnect

from expert.access.guards import MayAdminister, MayRead
from expert.access.make_once import IdempotentRequest
from expert.access.require import require
from expert.access.state import Capability
from expert.deps import Db, Work
from expert.operations.schemas import OperationReply
from expert.taxa import queries
from expert.taxa.add import add_taxon
from expert.taxa.errors import TaxonExists
from expert.taxa.import_checklist import MAX_CHECKLIST_BYTES, receive_checklist
from expert.taxa.models import Taxon
from expert.taxa.schemas import NewTaxon, TaxonKeyReply, TaxonReply
from expert.taxa.state import rank_of
from trapper_kit.db import Session
from trapper_kit.objects import StorageFull, StorageUnavailable
from trapper_kit.paging import PageRequest, split
from trapper_kit.problems import Forbidden, Malformed, NotFound, TooLarge
from trapper_kit.web.app import read_body
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
            accepted_id=row.accepted_id,
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
    checklist: Annotated[
        str | None,
        Query(max_length=40, pattern=r"^[^\x00]*$", description="only taxa with a key in this checklist, such as gbif"),
    ] = None,
    below: Annotated[list[UUID] | None, Query(max_length=200, description="these taxa and all below them")] = None,
) -> Page[TaxonReply]:
    """List taxa by name, by key, by checklist, or below others."""
    filters = {"id": id, "name": name, "key": key, "checklist": checklist, "below": below}
    page_request = PageRequest.of(limit, cursor, filters)
    items, following = split(
        await queries.list_all(db, page_request, ids=id, name=name, key=key, checklist=checklist, below=below or []),
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


@router.post(
    "/import/",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(NotFound, Forbidden, Malformed, TooLarge, StorageFull, StorageUnavailable),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def import_file(
    request: Request,
    classification_project_id: Annotated[UUID, Query(description="a project that the caller leads")],
    checklist: Annotated[
        str,
        Query(min_length=1, max_length=40, pattern=r"^[a-z0-9._-]+$", description="gbif, col, or another short name"),
    ],
    key: IdempotencyKey,
    caller: MayAdminister,
    work: Work,
) -> OperationReply:
    """Import a table of taxa for all projects, as a leader of a classification project.

    The body is a CSV or TSV in UTF-8 with the headings of Darwin Core (taxonID, scientificName, taxonRank,
    parentNameUsageID, acceptedNameUsageID), or with ranks as columns, or a zip with Taxon.tsv and VernacularName.tsv.
    An operation merges it; its log names every row that cannot be read, the others are imported.
    """
    async with work.db() as db:
        await require(db, caller, Capability.ADMINISTER, classification_project=classification_project_id)
    operation = await receive_checklist(
        work,
        caller,
        key,
        _until_disconnect(read_body(request, at_most=MAX_CHECKLIST_BYTES)),
        classification_project_id=classification_project_id,
        checklist=checklist,
    )
    return OperationReply.model_validate(operation, from_attributes=True)


async def _until_disconnect(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for chunk in body:
            yield chunk
    except ClientDisconnect as problem:
        raise Malformed("the connection ended before the body did") from problem
