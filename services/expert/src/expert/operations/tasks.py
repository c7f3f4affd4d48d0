"""Task messages and sweeps of operations."""

import asyncio
from uuid import UUID

from expert.base import task
from expert.deps import ExpertWork
from expert.operations import queries
from expert.operations.recover import recover_operations
from expert.operations.register import KINDS
from expert.operations.run import run_operation

_RUN_AT_ONCE = 4
_EXPIRED_AT_ONCE = 100


@task("operations.run", swept_by="operations.sweep_waiting", max_retries=0)
async def run(work: ExpertWork, operation_id: str) -> None:
    """Run one operation."""
    await run_operation(work, UUID(operation_id))


@task("operations.sweep_waiting", every="intervals.sweep")
async def sweep_waiting(work: ExpertWork) -> None:
    """Run operations that wait although nobody was notified, a few at a time."""
    async with work.db() as db:
        operation_ids = await queries.waiting(db, KINDS, limit=_RUN_AT_ONCE)
    await asyncio.gather(*(run_operation(work, operation_id) for operation_id in operation_ids))


@task("operations.recover", every="intervals.sweep")
async def recover(work: ExpertWork) -> None:
    """Let operations whose process stopped answering be tried again."""
    await recover_operations(work)


@task("operations.expire", every="intervals.upload_sweep")
async def expire(work: ExpertWork) -> bool:
    """Delete ended operations that are kept no longer; True when there may be more."""
    async with work.db() as db:
        return await queries.delete_expired(db, limit=_EXPIRED_AT_ONCE) == _EXPIRED_AT_ONCE
