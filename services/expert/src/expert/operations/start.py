"""Starts operations: for a person once per idempotency key, or for the schedule."""

from collections.abc import Collection
from uuid import UUID

from expert.access.make_once import IdempotentRequest, make_once
from expert.operations import queries
from expert.operations.models import Operation
from expert.operations.register import KINDS
from trapper_kit.db import Session, enqueue_after_commit


async def start_operation(
    db: Session, operation: Operation, request: IdempotentRequest, *, items: Collection[UUID] = ()
) -> tuple[Operation, bool]:
    """The operation of a request, and whether it is new; `items` are the ids of the rows that it is given."""
    started, is_new = await make_once(db, _known(operation), request, taken={})
    if is_new:
        await _enqueue(db, started, items)
    return started, is_new


async def begin_operation(db: Session, operation: Operation, *, items: Collection[UUID] = ()) -> Operation:
    """An operation that nobody requested."""
    db.add(_known(operation))
    await db.flush()
    await _enqueue(db, operation, items)
    return operation


def _known(operation: Operation) -> Operation:
    if operation.kind not in KINDS:
        raise ValueError(f"no kind of operation is registered as {operation.kind}")
    return operation


async def _enqueue(db: Session, operation: Operation, items: Collection[UUID]) -> None:
    if items:
        await queries.add_items(db, operation.id, items)
    enqueue_after_commit(db, "operations.run", operation_id=operation.id)
