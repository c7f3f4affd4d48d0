"""Ends an attempt of an operation: as the end of the operation, or to be tried again."""

from datetime import timedelta

from expert.deps import ExpertWork
from expert.operations import queries
from expert.operations.models import Operation
from expert.operations.state import MAX_FAILURES, LogLevel, LogLine, OperationState
from trapper_kit.db import Session
from trapper_kit.logs import log


async def end_operation(
    work: ExpertWork, db: Session, operation: Operation, state: OperationState, *, error: str | None = None
) -> None:
    """Ends the operation, which the caller holds or has locked."""
    if error is not None:
        await queries.append_lines(db, operation.id, [LogLine(LogLevel.ERROR, error)])
    kept = timedelta(seconds=work.settings.intervals.operation_expiry)
    await queries.end(db, operation.id, state, error=error, kept=kept)
    log("operation.ended", operation=operation.id, kind=operation.kind, state=state.value, detail=error)


async def retry_operation(work: ExpertWork, db: Session, operation: Operation, reason: str) -> None:
    """Lets a failed attempt be tried again after a pause; ends the operation after too many at the same batch."""
    failures = operation.failures + 1
    if operation.cancel_requested_at is not None:
        await end_operation(work, db, operation, OperationState.CANCELLED)
    elif failures >= MAX_FAILURES:
        error = f"{reason} It was tried {failures} times at the same place."
        await end_operation(work, db, operation, OperationState.FAILED, error=error)
    else:
        await queries.append_lines(db, operation.id, [LogLine(LogLevel.WARNING, f"{reason} It is tried again.")])
        intervals = work.settings.intervals
        seconds = min(intervals.max_backoff, intervals.sweep * 2**failures)
        await queries.wait(db, operation.id, pause=timedelta(seconds=seconds), failures=failures)
