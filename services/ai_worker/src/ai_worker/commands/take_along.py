"""Leases batches for work without a link, fetches what they need, and says when the machine may leave."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from pydantic import BaseModel

from ai_worker.commands.local_page import ask_page
from ai_worker.commands.words import bytes_in_words, hours_in_words
from ai_worker.settings import WorkerSettings

_POLL_SECONDS = 1.0
_SHORT = 0.5
"""A lease that is shorter than this part of the time without a link is too short."""


class OfflineWork(BaseModel):
    """What `trapper-worker take-along --json` prints."""

    ready: bool
    """Whether everything that was taken is on this machine, under leases that last."""
    batches_taken: int
    over: str
    """Why no more are taken."""
    batches: int
    """Batches of those that are still to be computed."""
    images: int
    media_bytes: int
    lease_seconds: float | None
    """How long the shortest of their leases lasts; None when nothing is left to compute."""
    other_batches: int
    """Batches that were claimed before, under leases that need a link."""


async def take_along(
    settings: WorkerSettings, port: int, *, hours: float, batches: int, report: Callable[[str], None]
) -> OfflineWork:
    """Waits until every taken batch is complete here; `report` gets a line at each progress."""
    await ask_page(settings, port, "POST", "/take_along", {"hours": hours, "batches": batches})
    reported = ""
    while True:
        page = await ask_page(settings, port, "GET", "/work")
        info = await ask_page(settings, port, "GET", "/info")
        offline = [run for run in page["runs"] if run["state"] != "kept" and run["taken_along"]]
        prepared = sum(run["here"] for run in offline)
        request: dict[str, Any] = page["taking_along"] or {"over": "the worker was restarted", "batches_taken": 0}
        line = f"taken {request['batches_taken']} of {batches} batches; {prepared} of {len(offline)} are complete here"
        if info["closed_because"] and not request["over"]:
            line += f"; nothing is taken at the moment: {info['closed_because']}"
        if line != reported:
            report(line)
            reported = line
        if request["over"] and prepared == len(offline):
            return _offline_work(request, offline, hours, page)
        await asyncio.sleep(_POLL_SECONDS)


def _offline_work(
    request: dict[str, Any], runs: list[dict[str, Any]], hours: float, page: dict[str, Any]
) -> OfflineWork:
    shortest = min((run["lease_seconds_left"] or 0.0 for run in runs), default=None)
    return OfflineWork(
        ready=request["batches_taken"] > 0 if shortest is None else shortest >= _SHORT * hours * 3600,
        batches_taken=request["batches_taken"],
        over=request["over"],
        batches=len(runs),
        images=sum(run["total"] for run in runs),
        media_bytes=page["media_bytes"],
        lease_seconds=shortest,
        other_batches=sum(run["state"] != "kept" and not run["taken_along"] for run in page["runs"]),
    )


def sentences(work: OfflineWork) -> Iterator[str]:
    """Yields the result as plain sentences."""
    yield f"No more are taken: {work.over}."
    if work.lease_seconds is None:
        yield "Nothing is left to compute without a link: all that was taken is computed, or there was nothing to take."
        return
    size = bytes_in_words(work.media_bytes)
    yield f"{work.batches} batches with {work.images} images ({size}) and their weights are on this machine."
    lasts = hours_in_words(work.lease_seconds)
    if not work.ready:
        yield (
            f"A lease lasts only {lasts}: the Manager gives this worker no longer ones. Its operator makes the "
            "enrolment token of a worker that works without a link with `--offline`."
        )
        return
    if work.other_batches:
        yield (
            f"{work.other_batches} more were claimed before; the Manager gives them to other workers when you leave "
            "before they are computed."
        )
    yield f"You can disconnect. The leases last for {lasts}; results are delivered when the link is back."
