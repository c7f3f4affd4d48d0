"""Before a journey: lease batches for as long as it lasts, fetch all that they need, and say when one may leave."""

import asyncio
from collections.abc import Callable
from typing import Any

from ai_worker.commands.local_page import ask_page
from ai_worker.commands.words import bytes_in_words, hours_in_words
from ai_worker.settings import WorkerSettings

_LOOK_SECONDS = 1.0
_SHORT = 0.5
"""A lease that is shorter than this part of the journey is no lease for it."""


async def take_along(
    settings: WorkerSettings, port: int, *, hours: float, batches: int, say: Callable[[str], None]
) -> bool:
    """Whether everything that was taken is here, and its leases last; says how far it is, whenever that changes."""
    await ask_page(settings, port, "POST", "/take_along", {"hours": hours, "batches": batches})
    said = ""
    while True:
        page = await ask_page(settings, port, "GET", "/work")
        info = await ask_page(settings, port, "GET", "/info")
        waiting = [run for run in page["runs"] if run["state"] != "kept" and run["taken_along"]]
        here = [run for run in waiting if run["here"]]
        journey: dict[str, Any] = page["taking_along"] or {"over": "the worker was started anew", "batches_taken": 0}
        line = f"taken {journey['batches_taken']} of {batches} batches; {len(here)} of {len(waiting)} in hand are here"
        if info["closed_because"] and not journey["over"]:
            line += f"; nothing is taken at the moment: {info['closed_because']}"
        if line != said:
            say(line)
            said = line
        if journey["over"] and len(here) == len(waiting):
            return _conclude(journey, waiting, hours, page, say)
        await asyncio.sleep(_LOOK_SECONDS)


def _conclude(
    journey: dict[str, Any], runs: list[dict[str, Any]], hours: float, page: dict[str, Any], say: Callable[[str], None]
) -> bool:
    say(f"No more are taken: {journey['over']}.")
    if not runs:
        say("Nothing is left to do on the way: all that was taken is computed already, or there was nothing to take.")
        return journey["batches_taken"] > 0
    shortest = min(run["lease_seconds_left"] or 0.0 for run in runs)
    pictures = sum(run["total"] for run in runs)
    size = bytes_in_words(page["media_bytes"])
    say(f"{len(runs)} batches with {pictures} pictures ({size}) and their weights are on this machine.")
    if shortest < _SHORT * hours * 3600:
        say(
            f"But a lease lasts only {hours_in_words(shortest)}: the Manager gives this worker no longer ones. Its "
            "operator makes the enrolment token of a worker for journeys with `--offline`."
        )
        return False
    others = sum(run["state"] != "kept" and not run["taken_along"] for run in page["runs"])
    if others:
        say(f"{others} more in hand were claimed before, and are handed out again when you leave before they are done.")
    say(
        f"You can leave. Their leases last for {hours_in_words(shortest)}; results are delivered when the link is back."
    )
    return True
