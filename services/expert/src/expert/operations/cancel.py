"""Cancels an operation: at once while it waits, before the next batch while it runs."""

from uuid import UUID

from expert.deps import ExpertWork
from expert.operations import queries
from expert.operations.end import end_operation
from expert.operations.errors import OperationEnded
from expert.operations.models import Operation
from expert.operations.state import CLOSED, OperationState
from trapper_kit.db import Session


async def cancel_operation(work: ExpertWork, db: Session, operation_id: UUID) -> Operation:
    """The operation, cancelled or about to be; raises OperationEnded when it ended otherwise."""
    operation = await queries.lock(db, operation_id)
    if operation.state is OperationState.CANCELLED:
        return operation
    if operation.state in CLOSED:
        raise OperationEnded(f"the operation is {operation.state.value} already; what it did stays")
    await queries.request_cancel(db, operation_id)
    if operation.state is OperationState.WAITING:
        await end_operation(work, db, operation, OperationState.CANCELLED)
    return await queries.lock(db, operation_id)
