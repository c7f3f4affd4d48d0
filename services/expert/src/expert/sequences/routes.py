"""Sequences: list, read, split, merge, build anew; and the neighbours of a resource."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status

from expert.access.find_row import find_row
from expert.access.guards import MayAdminister, MayAnnotate, MayRead
from expert.access.make_once import IdempotentRequest
from expert.access.require import require
from expert.access.state import Caller, Capability
from expert.classification_projects.errors import LinkNotOpen
from expert.classification_projects.queries import require_readable_link
from expert.deps import Db
from expert.sequences import queries
from expert.sequences.build import start_build
from expert.sequences.errors import SequencesApart
from expert.sequences.mark import merge_sequences, split_sequence
from expert.sequences.models import ResourceSequence
from expert.sequences.queries import SequenceFilter
from expert.sequences.schemas import (
    Neighbours,
    SequenceCounts,
    SequenceDetail,
    SequenceMemberReply,
    SequenceMerge,
    SequenceRebuild,
    SequenceReply,
    SequenceSplit,
    SplitParts,
    StartedRebuild,
)
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, split
from trapper_kit.problems import Forbidden, NotFound
from trapper_kit.web.describe import problems
from trapper_kit.web.params import Cursor, IdempotencyKey, Ids, Limit
from trapper_schemas.paging import Page
from trapper_schemas.times import Moment

router = APIRouter(prefix="/api/sequences", tags=["sequences"])
resource_neighbours = APIRouter(prefix="/api/resources", tags=["sequences"])
"""What stands around a resource, for a film strip."""

_SHOWN = 200
_NO_LINK = NotFound("there is no such linked collection, or none that you may see")


def _reply(row: ResourceSequence) -> SequenceReply:
    return SequenceReply.model_validate(row, from_attributes=True)


async def _find(db: Session, caller: Caller, sequence_id: UUID) -> ResourceSequence:
    return await find_row(db, ResourceSequence, queries.visible_to(caller), sequence_id, noun="sequence")


async def _require_link(db: Session, caller: Caller, capability: Capability, link_id: UUID) -> None:
    project_id = await queries.project_of_link(db, link_id)
    if project_id is None:
        raise _NO_LINK
    await require(db, caller, capability, classification_project=project_id, missing=_NO_LINK)


@router.get("/")
async def list_all(
    caller: MayRead,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
    classification_project_id: Annotated[list[UUID] | None, Query()] = None,
    linked_collection_id: Annotated[list[UUID] | None, Query()] = None,
    deployment_id: Annotated[list[UUID] | None, Query()] = None,
    resource_id: Annotated[list[UUID] | None, Query(description="sequences with one of these resources")] = None,
    external_id: str | None = None,
    is_time_lapse: bool | None = None,
    min_resources: Annotated[int | None, Query(ge=1)] = None,
    captured_from: Annotated[Moment | None, Query(description="ends at this moment or later")] = None,
    captured_until: Annotated[Moment | None, Query(description="begins before this moment")] = None,
) -> Page[SequenceReply]:
    """List sequences of the caller's projects, earliest first."""
    given = SequenceFilter(
        id,
        classification_project_id,
        linked_collection_id,
        deployment_id,
        resource_id,
        external_id,
        is_time_lapse,
        min_resources,
        captured_from,
        captured_until,
    )
    page_request = PageRequest.of(limit, cursor, vars(given))
    rows = await queries.list_visible(db, caller, page_request, given)
    items, following = split(rows, page_request, lambda row: [row.first_at, row.id])
    return Page(items=[_reply(row) for row in items], next_cursor=following)


@router.get("/counts/", responses=problems(NotFound, LinkNotOpen))
async def count(linked_collection_id: UUID, caller: MayRead, db: Db) -> SequenceCounts:
    """Count the sequences of a linked collection, and what is not chained yet."""
    await _require_link(db, caller, Capability.READ, linked_collection_id)
    await require_readable_link(db, caller, linked_collection_id)
    sequences, resources, pending, is_built = await queries.count_link(db, linked_collection_id)
    return SequenceCounts(sequences=sequences, resources=resources, pending=pending, is_built=is_built)


@router.post("/rebuild/", status_code=status.HTTP_202_ACCEPTED, responses=problems(NotFound, Forbidden))
async def rebuild(
    body: SequenceRebuild, key: IdempotencyKey, caller: MayAdminister, db: Db, response: Response
) -> StartedRebuild:
    """Build the sequences of a linked collection anew; `Location` is the address of the operation."""
    await _require_link(db, caller, Capability.ADMINISTER, body.linked_collection_id)
    operation = await start_build(
        db,
        body.linked_collection_id,
        IdempotentRequest.of(caller, key, body),
        interval_seconds=body.sequence_interval_seconds,
    )
    if operation is None:
        raise _NO_LINK
    response.headers["Location"] = f"/api/operations/{operation.id}/"
    return StartedRebuild(operation_id=operation.id)


@router.post("/merge/", responses=problems(NotFound, Forbidden, SequencesApart))
async def merge(body: SequenceMerge, caller: MayAnnotate, db: Db) -> SequenceReply:
    """Merge sequences of one deployment with everything between them; later rebuilds keep them together."""
    for row in (await queries.by_ids(db, caller, body.sequence_ids)).values():
        await require(db, caller, Capability.ANNOTATE, classification_project=row.classification_project_id)
    merged_id = await merge_sequences(db, caller, body.sequence_ids)
    return _reply((await queries.by_ids(db, caller, [merged_id]))[merged_id])


@router.get("/{sequence_id}/", responses=problems(NotFound))
async def read(sequence_id: UUID, caller: MayRead, db: Db) -> SequenceDetail:
    """Read one sequence with its first resources."""
    row = await _find(db, caller, sequence_id)
    members = (await queries.list_members(db, sequence_id, PageRequest.of(_SHOWN, None, {})))[:_SHOWN]
    replies = [SequenceMemberReply.model_validate(member, from_attributes=True) for member in members]
    return SequenceDetail(**_reply(row).model_dump(), resources=replies)


@router.get("/{sequence_id}/resources/", responses=problems(NotFound))
async def list_members(
    sequence_id: UUID, caller: MayRead, db: Db, limit: Limit = 50, cursor: Cursor = None
) -> Page[SequenceMemberReply]:
    """List the resources of a sequence in order."""
    await _find(db, caller, sequence_id)
    page_request = PageRequest.of(limit, cursor, {"sequence": sequence_id})
    rows = await queries.list_members(db, sequence_id, page_request)
    items, following = split(rows, page_request, lambda row: [row.captured_at, row.resource_id])
    replies = [SequenceMemberReply.model_validate(row, from_attributes=True) for row in items]
    return Page(items=replies, next_cursor=following)


@router.post("/{sequence_id}/split/", responses=problems(NotFound, Forbidden))
async def split_in_two(sequence_id: UUID, body: SequenceSplit, caller: MayAnnotate, db: Db) -> SplitParts:
    """Split a sequence before a resource; later rebuilds keep the parts apart."""
    row = await _find(db, caller, sequence_id)
    await require(db, caller, Capability.ANNOTATE, classification_project=row.classification_project_id)
    ids = await split_sequence(db, caller, row, body.resource_id)
    parts = await queries.by_ids(db, caller, ids)
    return SplitParts(items=[_reply(parts[part_id]) for part_id in ids])


@resource_neighbours.get("/{resource_id}/neighbours/", responses=problems(NotFound))
async def list_neighbours(
    resource_id: UUID,
    linked_collection_id: UUID,
    caller: MayRead,
    db: Db,
    limit: Annotated[int, Query(ge=1, le=100, description="how many at each side")] = 10,
) -> Neighbours:
    """List the resources before and after one of the same deployment, also those of other sequences."""
    at = await queries.visible_member(db, caller, linked_collection_id, resource_id)
    if at is None:
        raise NotFound("there is no such resource in a sequence of this linked collection, or none that you may see")
    before, after = [await queries.neighbours(db, at, limit=limit, before=side) for side in (True, False)]
    return Neighbours(
        before=[SequenceMemberReply.model_validate(row, from_attributes=True) for row in before],
        resource=SequenceMemberReply.model_validate(at, from_attributes=True),
        after=[SequenceMemberReply.model_validate(row, from_attributes=True) for row in after],
    )
