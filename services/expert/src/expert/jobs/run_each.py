"""Process the rows of a sweep one by one, so that a failing row does not stop the others."""

from collections.abc import Awaitable, Callable, Iterable
from uuid import UUID

from trapper_kit.cron import note_progress
from trapper_kit.logs import log


async def run_each(ids: Iterable[UUID], do: Callable[[UUID], Awaitable[object]]) -> None:
    """Run `do` on each id in order; a failure is logged, and the next sweep tries the row again."""
    for row_id in ids:
        try:
            await do(row_id)
            note_progress()
        except Exception as problem:  # noqa: BLE001 - see the docstring
            log("sweep.row_failed", row=row_id, error=problem)
