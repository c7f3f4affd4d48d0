"""Records regularly that this process answers, so that no lease expires because the Manager was down."""

import asyncio
from datetime import timedelta

from ai_manager.batches import queries
from ai_manager.deps import Work
from trapper_kit.logs import log
from trapper_schemas.ids import uuid7


async def record_uptime(work: Work) -> None:
    """Runs until cancelled; a gap that could have cost a worker its lease restarts the uptime."""
    process_id = uuid7()
    gap = work.longest_gap
    pause = min(work.intervals.sweep, gap.total_seconds() / 4)
    while True:
        try:
            async with work.db() as db:
                await queries.note_open(db, process_id, gap=gap, delete_after=timedelta(days=1))
        except Exception as problem:  # noqa: BLE001 - whatever it met: without this note no lease would ever end
            log("uptime.not_recorded", error=problem)
        await asyncio.sleep(pause)
