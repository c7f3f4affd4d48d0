"""Operations: list, read, read the log, cancel."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from expert.access.find_row import find_row
from expert.access.guards import MayRead, MayRunAi
from expert.access.require import require
from expert.access.state import Capability
from expert.deps import Db, Work
from expert.operations import queries
from expert.operations.cancel import cancel_operation
from expert.operations.errors import OperationEnded
from expert.operations.models import Operation
from expert.operations.schemas import OperationLineReply, OperationReply
from expert.operations.state import LogLevel, OperationState
from trapper_kit.paging import PageRequest, split
from trapper_kit.problems import Forbidden, NotFound
from trapper_kit.web.describe import problems
from trapper_kit.web.params import Cursor, Ids, Limit
from trapper_schemas.paging import Page

router = APIRouter(prefix="/api/operations", tags=["operations"])


def _reply(row: Operation) -> OperationReply:
    return OperationReply.model_validate(row, from_attributes=True)


@router.get("/")
async def list_all(
    caller: MayRead,
    db: Db,
    classification_project_id: Annotated[list[UUID] | None, Query()] = None,
    id: Ids = None,  # noqa: A002 - the filter's name
    kind: Annotated[list[str] | None, Query()] = None,
    state: Annotated[list[OperationState] | None, Query()] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[OperationReply]:
    """List operations of the caller's projects, newest first."""
    filters = {"project": classification_project_id, "id": id, "kind": kind, "state": state}
    page_request = PageRequest.of(limit, cursor, filters)
    rows = await queries.listed(
        db,
        caller,
        page_request,
        project_ids=classification_project_id or [],
        ids=id or [],
        kinds=kind or [],
        states=state or [],
    )
    items, following = split(rows, page_request, lambda row: [row.id])
    return Page(items=[_reply(row) for row in items], next_cursor=following)


@router.get("/{operation_id}/", responses=problems(NotFound))
async def read(operation_id: UUID, caller: MayRead, db: Db) -> OperationReply:
    """Read one operation with its state and counts as they are now."""
    return _reply(await find_row(db, Operation, queries.visible_to(caller), operation_id, noun="operation"))


@router.get("/{operation_id}/log/", responses=problems(NotFound))
async def list_lines(
    operation_id: UUID,
    caller: MayRead,
    db: Db,
    after: Annotated[int, Query(ge=0, lt=2**31, description="only lines with a higher number")] = 0,
    level: Annotated[list[LogLevel] | None, Query(description="`error` lists the rows that failed")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[OperationLineReply]:
    """List the log of an operation in order, also while it runs."""
    await find_row(db, Operation, queries.visible_to(caller), operation_id, noun="operation")
    page_request = PageRequest.of(limit, cursor, {"operation": operation_id, "after": after, "level": level})
    rows = await queries.list_lines(db, operation_id, page_request, after=after, levels=level or [])
    items, following = split(rows, page_request, lambda row: [row.number])
    lines = [OperationLineReply.model_validate(row, from_attributes=True) for row in items]
    return Page(items=lines, next_cursor=following)


@router.post("/{operation_id}/cancel/", responses=problems(NotFound, Forbidden, OperationEnded))
async def cancel(operation_id: UUID, caller: MayRunAi, db: Db, work: Work) -> OperationReply:
    """Cancel an operation before its next batch; what it did stays, and cancelling it again changes nothing."""
    row = await find_row(db, Operation, queries.visible_to(caller), operation_id, noun="operation")
    await require(db, caller, Capability.RUN_AI, classification_project=row.classification_project_id)
    return _reply(await cancel_operation(work, db, operation_id))
