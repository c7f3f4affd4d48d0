"""Runs an operation batch by batch; each batch commits its work, its position and its counts in one transaction."""

from uuid import UUID

from expert.deps import ExpertWork
from expert.operations import queries
from expert.operations.beat import beating
from expert.operations.end import end_operation, retry_operation
from expert.operations.models import Operation
from expert.operations.register import KINDS
from expert.operations.state import OperationState, add_counters
from trapper_kit.cron import note_progress
from trapper_kit.db import is_away
from trapper_kit.logs import bound, log
from trapper_kit.problems import Problem


async def run_operation(work: ExpertWork, operation_id: UUID) -> None:
    """Runs a waiting operation to its end, from where the last attempt stopped; nothing happens when it is not due."""
    async with work.db() as db:
        operation = await queries.claim(db, operation_id, KINDS)
    if operation is None:
        return
    with bound(operation=operation_id, attempt=operation.attempt):
        log("operation.started", kind=operation.kind, position=operation.position)
        async with beating(work, operation):
            await _run_batches(work, operation)


async def _run_batches(work: ExpertWork, operation: Operation) -> None:
    try:
        while await _run_batch(work, operation):
            note_progress()
    except Problem as problem:
        error = ": ".join(part for part in (problem.title, problem.detail) if part)
        async with work.db() as db:
            held = await queries.hold(db, operation.id, operation.attempt)
            if held is not None:
                await end_operation(work, db, held, OperationState.FAILED, error=error)
    except Exception as problem:
        if is_away(problem):  # nobody can be told now; the attempt is recovered when its heartbeat is stale
            raise
        log("operation.batch_failed", error=problem)
        async with work.db() as db:
            held = await queries.hold(db, operation.id, operation.attempt)
            if held is not None:
                await retry_operation(work, db, held, f"A batch failed unexpectedly ({type(problem).__name__}).")


async def _run_batch(work: ExpertWork, operation: Operation) -> bool:
    """Whether another batch follows."""
    async with work.db() as db:
        held = await queries.hold(db, operation.id, operation.attempt)
        if held is None:
            log("operation.lost")
            return False
        if held.cancel_requested_at is not None:
            await end_operation(work, db, held, OperationState.CANCELLED)
            return False
        outcome = await KINDS[held.kind](work, db, held)
        values: dict[str, object] = {
            "position": outcome.position,
            "done": held.done + outcome.done,
            "counters": add_counters(held.counters, outcome.counters),
        }
        if outcome.result is not None:
            values["result"] = outcome.result
        await queries.append_lines(db, held.id, outcome.lines)
        await queries.record(db, held.id, held.attempt, values)
        if outcome.is_last:
            await end_operation(work, db, held, OperationState.FINISHED)
        return not outcome.is_last
