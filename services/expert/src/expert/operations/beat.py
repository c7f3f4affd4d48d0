"""Renews the heartbeat of an operation by time, on a connection of its own, however long a batch takes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from expert.deps import ExpertWork
from expert.operations import queries
from expert.operations.models import Operation
from trapper_kit.db import DatabaseUnavailable
from trapper_kit.logs import log


@asynccontextmanager
async def beating(work: ExpertWork, operation: Operation) -> AsyncGenerator[None, None]:
    """Renews the heartbeat while the block runs; a lost operation is noticed by the next batch."""
    task = asyncio.create_task(_beat(work, operation))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _beat(work: ExpertWork, operation: Operation) -> None:
    pause = work.settings.intervals.operation_heartbeat
    while True:
        try:
            async with work.database.connection() as connection:
                while await queries.beat(connection, operation.id, operation.attempt):  # noqa: ASYNC110 - by time
                    await asyncio.sleep(pause)
                return
        except DatabaseUnavailable as problem:
            log("operation.heartbeat_missed", operation=operation.id, problem=type(problem).__name__)
            await asyncio.sleep(pause)
