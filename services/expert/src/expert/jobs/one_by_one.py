"""Do the same to many rows in a sweep, so that one row's trouble is its own."""

from collections.abc import Awaitable, Callable, Iterable
from uuid import UUID

from trapper_kit.cron import note_progress
from trapper_kit.logs import log


async def one_by_one(ids: Iterable[UUID], do: Callable[[UUID], Awaitable[object]]) -> None:
    """In order; what fails is logged, tried again by the next sweep, and stands in nobody's way."""
    for one in ids:
        try:
            await do(one)
            note_progress()
        except Exception as problem:  # noqa: BLE001 - see the docstring
            log("sweep.row_failed", row=one, error=problem)
