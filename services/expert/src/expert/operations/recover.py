"""Recovers operations whose process stopped answering: they wait for another attempt, from their position."""

from datetime import timedelta

from expert.deps import ExpertWork
from expert.operations import queries
from expert.operations.end import retry_operation

_AT_ONCE = 100


async def recover_operations(work: ExpertWork) -> None:
    """Takes running operations with a stale heartbeat from their process; the fencing token keeps it from writing."""
    silent = timedelta(seconds=work.settings.intervals.operation_silence)
    async with work.db() as db:
        for operation in await queries.stale(db, silent=silent, limit=_AT_ONCE):
            await retry_operation(work, db, operation, "The process that ran it stopped answering.")
