"""The routes of labels without a taxon: list, match."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status

from expert.access.guards import MayAdminister, MayRead
from expert.access.make_once import IdempotentRequest
from expert.access.require import require
from expert.access.state import Capability
from expert.algorithms.state import AlgorithmSummary
from expert.deps import Db
from expert.operations.schemas import OperationReply
from expert.unresolved_labels import queries
from expert.unresolved_labels.match_labels import find_taxa, start_matching
from expert.unresolved_labels.queries import UnresolvedRow
from expert.unresolved_labels.schemas import CandidateTaxon, NewMatching, UnresolvedLabelReply
from expert.unresolved_labels.state import UnresolvedReason
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, split
from trapper_kit.problems import Forbidden, NotFound
from trapper_kit.web.describe import problems
from trapper_kit.web.params import Cursor, IdempotencyKey, Limit, Name
from trapper_schemas.paging import Page

router = APIRouter(prefix="/api/unresolved-labels", tags=["unresolved_labels"])
_MAX_CANDIDATES = 5


async def _replies(db: Session, rows: Sequence[UnresolvedRow]) -> list[UnresolvedLabelReply]:
    matched = await find_taxa(db, [row.label for row in rows])
    vernacular = await queries.by_vernacular(db, {name for row in rows for name in _common_names(row)})
    reasons: list[tuple[UnresolvedReason, Sequence[UUID]]] = []
    for row, taxon_id in zip(rows, matched, strict=True):
        found = next((vernacular[name] for name in _common_names(row) if name in vernacular), ())
        if taxon_id is not None:
            reasons.append((UnresolvedReason.MATCHES_NOW, [taxon_id]))
        elif found:
            reasons.append((UnresolvedReason.VERNACULAR, found[:_MAX_CANDIDATES]))
        else:
            reasons.append((UnresolvedReason.UNKNOWN, ()))
    names = await queries.names_of(db, {each for _, candidates in reasons for each in candidates})
    return [
        UnresolvedLabelReply(
            algorithm=AlgorithmSummary.model_validate(row.algorithm, from_attributes=True),
            index=row.label.index,
            label=row.label.label,
            scientific_name=row.label.scientific_name,
            reason=reason,
            candidates=[CandidateTaxon(id=each, scientific_name=names[each]) for each in candidates],
        )
        for row, (reason, candidates) in zip(rows, reasons, strict=True)
    ]


def _common_names(row: UnresolvedRow) -> list[str]:
    return [name.lower() for name in (row.label.label, row.label.common_name) if name]


@router.get("/")
async def list_all(
    _caller: MayRead,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    algorithm_id: Annotated[UUID | None, Query(description="only labels of this algorithm")] = None,
    name: Name = None,
) -> Page[UnresolvedLabelReply]:
    """List labels without a known taxon, with the taxa that they may mean."""
    page_request = PageRequest.of(limit, cursor, {"algorithm_id": algorithm_id, "name": name})
    rows = await queries.list_unresolved(db, page_request, algorithm_id=algorithm_id, name=name)
    items, following = split(rows, page_request, lambda row: [row.algorithm.id, row.label.index])
    return Page(items=await _replies(db, items), next_cursor=following)


@router.post("/match/", status_code=status.HTTP_202_ACCEPTED, responses=problems(NotFound, Forbidden))
async def match(
    body: NewMatching, key: IdempotencyKey, caller: MayAdminister, db: Db, response: Response
) -> OperationReply:
    """Match labels with taxa again, such as after an import.

    An operation does it, and gives the current AI observations of the project the taxa of their labels; approved
    observations stay. Its counters tell how many labels, observations and determinations changed, those of a dry run
    how many labels and observations would.
    """
    await require(db, caller, Capability.ADMINISTER, classification_project=body.classification_project_id)
    operation, _ = await start_matching(
        db,
        IdempotentRequest.of(caller, key, body),
        classification_project_id=body.classification_project_id,
        dry_run=body.dry_run,
    )
    response.headers["Location"] = f"/api/operations/{operation.id}/"
    return OperationReply.model_validate(operation, from_attributes=True)
