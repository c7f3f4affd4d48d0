"""The routes of taxa lists: make, list, read, rename; list, add and remove their taxa."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status

from expert.access.find_row import find_row
from expert.access.guards import MayAdminister, MayRead
from expert.access.make_once import IdempotentRequest
from expert.access.queries_rows import list_rows
from expert.access.require import require
from expert.access.state import Caller, Capability
from expert.deps import Db
from expert.taxa_lists import queries
from expert.taxa_lists.change import add_taxa, change_list, remove_taxon
from expert.taxa_lists.create import create_list, require_change
from expert.taxa_lists.errors import RowsNotMatched, TaxaListNameTaken
from expert.taxa_lists.match_rows import GivenRow, MatchedRow, match_rows
from expert.taxa_lists.models import TaxaList
from expert.taxa_lists.queries import visible_to
from expert.taxa_lists.schemas import (
    AddedTaxaReply,
    ListedTaxonReply,
    NewTaxa,
    NewTaxaList,
    TaxaListChange,
    TaxaListReply,
    TaxaListRowReply,
)
from expert.taxa_lists.state import FOUND
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, split
from trapper_kit.problems import Forbidden, Invalid, NotFound
from trapper_kit.web.bodies import MIB, body_limit
from trapper_kit.web.describe import problems
from trapper_kit.web.params import Cursor, IdempotencyKey, Ids, Limit, Name
from trapper_kit.web.versions import IfMatch, check_change, tagged
from trapper_schemas.paging import Page
from trapper_schemas.problem import FieldError

router = APIRouter(prefix="/api/taxa-lists", tags=["taxa_lists"])

_MOST_ERRORS = 100


def _reply(row: TaxaList, count: int) -> TaxaListReply:
    return TaxaListReply(
        id=row.id,
        classification_project_id=row.classification_project_id,
        name=row.name,
        taxon_count=count,
        fingerprint=row.fingerprint,
        created_at=row.created_at,
        version=row.version,
    )


async def _counted(db: Session, row: TaxaList) -> TaxaListReply:
    return _reply(row, (await queries.entry_counts(db, [row.id])).get(row.id, 0))


async def _find_for_change(db: Session, caller: Caller, list_id: UUID) -> TaxaList:
    row = await find_row(db, TaxaList, visible_to(caller), list_id, noun="taxa list", lock=True)
    await require_change(db, caller, row.classification_project_id)
    return row


@router.post("/", status_code=status.HTTP_201_CREATED, responses=problems(NotFound, Forbidden, TaxaListNameTaken))
async def make(
    body: NewTaxaList, key: IdempotencyKey, caller: MayAdminister, db: Db, response: Response
) -> TaxaListReply:
    """Create an empty taxa list of a project, or a global one."""
    row, made = await create_list(
        db,
        caller,
        IdempotentRequest.of(caller, key, body),
        name=body.name,
        classification_project_id=body.classification_project_id,
    )
    response.status_code = status.HTTP_201_CREATED if made else status.HTTP_200_OK
    return tagged(response, await _counted(db, row))


@router.get("/")
async def list_all(
    caller: MayRead,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
    classification_project_id: Annotated[UUID | None, Query(description="only lists of this project")] = None,
    name: Name = None,
) -> Page[TaxaListReply]:
    """List the global taxa lists and those of the caller's projects."""
    filters = {"id": id, "classification_project_id": classification_project_id, "name": name}
    page_request = PageRequest.of(limit, cursor, filters)
    rows = await list_rows(db, TaxaList, visible_to(caller), page_request, **filters)
    items, following = split(rows, page_request, lambda row: [row.id])
    counts = await queries.entry_counts(db, [row.id for row in items])
    return Page(items=[_reply(row, counts.get(row.id, 0)) for row in items], next_cursor=following)


@router.get("/{taxa_list_id}/", responses=problems(NotFound))
async def read(taxa_list_id: UUID, caller: MayRead, db: Db, response: Response) -> TaxaListReply:
    """Read one taxa list."""
    row = await find_row(db, TaxaList, visible_to(caller), taxa_list_id, noun="taxa list")
    return tagged(response, await _counted(db, row))


@router.patch("/{taxa_list_id}/", responses=problems(NotFound, Forbidden, TaxaListNameTaken))
async def change(
    taxa_list_id: UUID, body: TaxaListChange, if_match: IfMatch, caller: MayAdminister, db: Db, response: Response
) -> TaxaListReply:
    """Rename a taxa list."""
    row = await _find_for_change(db, caller, taxa_list_id)
    check_change(body, if_match, await _counted(db, row), version=row.version)
    if "name" in body.changes():
        await change_list(db, row, body.name)
    return tagged(response, await _counted(db, row))


@router.get("/{taxa_list_id}/taxa/", responses=problems(NotFound))
async def list_taxa(
    taxa_list_id: UUID,
    caller: MayRead,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
    name: Annotated[Name, Query(description="a part of the scientific name, in any letter case")] = None,
) -> Page[ListedTaxonReply]:
    """List the taxa of a taxa list."""
    await find_row(db, TaxaList, visible_to(caller), taxa_list_id, noun="taxa list")
    page_request = PageRequest.of(limit, cursor, {"taxa_list": str(taxa_list_id), "id": id, "name": name})
    rows = await queries.list_taxa(db, taxa_list_id, page_request, ids=id, name=name)
    items, following = split(rows, page_request, lambda row: [row.id])
    replies = [ListedTaxonReply.model_validate(row, from_attributes=True) for row in items]
    return Page(items=replies, next_cursor=following)


@router.post("/{taxa_list_id}/taxa/", responses=problems(NotFound, Forbidden, Invalid, RowsNotMatched))
@body_limit(8 * MIB)
async def add(taxa_list_id: UUID, body: NewTaxa, caller: MayAdminister, db: Db) -> AddedTaxaReply:
    """Add taxa from rows of a table, from a model's labels, or from approved observations.

    The reply says what each row comes to; with `dry_run` nothing is added.
    """
    row = await _find_for_change(db, caller, taxa_list_id)
    matched: list[MatchedRow] = []
    if body.rows is not None:
        given = [GivenRow(each.scientific_name, each.checklist, each.key) for each in body.rows]
        matched = await match_rows(db, given)
        taxon_ids = [each.taxon_id for each in matched if each.taxon_id is not None]
        _check(matched, leave_out=body.leave_out or body.dry_run)
    elif body.algorithm_id is not None:
        if not await queries.is_algorithm(db, body.algorithm_id):
            raise Invalid.field("algorithm_id", "there is no such algorithm", code="unknown")
        taxon_ids = await queries.taxa_of_algorithm(db, body.algorithm_id)
    else:
        assert body.approved_in is not None  # noqa: S101 - the body has one source
        await require(db, caller, Capability.READ, classification_project=body.approved_in)
        taxon_ids = await queries.taxa_approved_in(db, body.approved_in)
    names = await queries.names_of(db, set(taxon_ids)) if matched else {}
    return AddedTaxaReply(
        items=[
            TaxaListRowReply(
                row=position,
                fate=each.fate,
                taxon_id=each.taxon_id,
                scientific_name=None if each.taxon_id is None else names[each.taxon_id],
            )
            for position, each in enumerate(matched)
        ],
        found=len(set(taxon_ids)),
        added=0 if body.dry_run else await add_taxa(db, row, taxon_ids),
    )


def _check(matched: list[MatchedRow], *, leave_out: bool) -> None:
    bad = [(position, each.fate) for position, each in enumerate(matched) if each.fate not in FOUND]
    if bad and not leave_out:
        raise RowsNotMatched(
            f"{len(bad)} of {len(matched)} rows",
            errors=[
                FieldError(loc=["body", "rows", position], code=fate.value, message=f"the taxon is {fate.value}")
                for position, fate in bad[:_MOST_ERRORS]
            ],
        )


@router.delete(
    "/{taxa_list_id}/taxa/{taxon_id}/",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(NotFound, Forbidden),
)
async def remove(taxa_list_id: UUID, taxon_id: UUID, caller: MayAdminister, db: Db) -> None:
    """Take a taxon out of a taxa list; one that is not in it is out already."""
    await remove_taxon(db, await _find_for_change(db, caller, taxa_list_id), taxon_id)
