"""Makes links bad, and says every request on them again."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random

from tests.chaos.machines import BITE_SECONDS, Fleet
from tests.support.chaos_proxy import Link, Trouble
from tests.support.workers import eventually

Names = Callable[[Fleet], Sequence[str]]
TROUBLE_SECONDS = (1.5, 4.0)


async def trouble_link(names: Names, trouble: Trouble, fleet: Fleet, rng: Random) -> str | None:
    link = fleet.links[rng.choice(names(fleet))]
    async with link.troubled:
        link.trouble = trouble
        try:
            bites = await _bitten(link, rng.uniform(*TROUBLE_SECONDS))
        finally:
            link.trouble = None
    return f"{link.name}, {bites} times" if bites else None


async def replay_link(names: Names, fleet: Fleet, rng: Random) -> str | None:
    link = fleet.links[rng.choice(names(fleet))]
    if link.replaying:
        return None
    before = fleet.replays.answered(link.name)
    link.replaying = True
    try:
        bites = await _bitten(link, rng.uniform(*TROUBLE_SECONDS))
    finally:
        link.replaying = False
    with suppress(TimeoutError):
        await eventually(lambda: fleet.replays.answered(link.name) > before, within=BITE_SECONDS if bites else 0)
        return f"{link.name}, {bites} requests"
    return None


async def _bitten(link: Link, seconds: float) -> int:
    """Its time, and then until it has hit something; how often it has."""
    before = link.bites
    await asyncio.sleep(seconds)
    with suppress(TimeoutError):
        await eventually(lambda: link.bites > before, within=BITE_SECONDS)
    return link.bites - before
