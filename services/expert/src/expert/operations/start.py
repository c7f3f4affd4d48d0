"""Starts an operation, once per idempotency key."""

from collections.abc import Collection
from uuid import UUID

from expert.access.make_once import IdempotentRequest, make_once
from expert.operations import queries
from expert.operations.models import Operation
from expert.operations.register import KINDS
from expert.operations.state import Document
from trapper_kit.db import Session, enqueue_after_commit


async def start_operation(
    db: Session,
    kind: str,
    *,
    classification_project_id: UUID,
    parameters: Document,
    total: int,
    items: Collection[UUID] = (),
    request: IdempotentRequest | None = None,
) -> tuple[Operation, bool]:
    """The operation, and whether it is new; without a request, the schedule starts it.

    `parameters` must be a JSON document, `items` are the ids of the rows that it is given.
    """
    if kind not in KINDS:
        raise ValueError(f"no kind of operation is registered as {kind}")
    operation = Operation(
        kind=kind, classification_project_id=classification_project_id, parameters=parameters, total=total
    )
    if request is not None:
        operation, is_new = await make_once(db, operation, request, taken={})
        if not is_new:
            return operation, False
    else:
        db.add(operation)
        await db.flush()
    if items:
        await queries.add_items(db, operation.id, items)
    enqueue_after_commit(db, "operations.run", operation_id=operation.id)
    return operation, True
