"""Notes, again and again, that this process answers; while none did, silence is nobody's fault and no lease ends."""

import asyncio
from datetime import timedelta

from ai_manager.batches import queries
from ai_manager.deps import Work
from trapper_kit.logs import log
from trapper_schemas.ids import uuid7


async def stay_open(work: Work) -> None:
    """Until cancelled. A pause that could have cost a worker its lease (ours, or the database's) begins it anew."""
    door = uuid7()
    gap = work.longest_gap
    pause = min(work.intervals.sweep, gap.total_seconds() / 4)
    while True:
        try:
            async with work.db() as db:
                await queries.note_open(db, door, gap=gap, forget_after=timedelta(days=1))
        except Exception as problem:  # noqa: BLE001 - whatever it met: without this note no lease would ever end
            log("door.unnoted", error=problem)
        await asyncio.sleep(pause)
