"""A storm: a shuffled pack of faults, several at a time, while people go on uploading; then it is over."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from tests.chaos.faults import Kind
from tests.chaos.machines import Fleet

AT_ONCE = 3
_PAUSE_SECONDS = (0.3, 1.5)
_TRIES = 5
_AGAIN_SECONDS = 3.0


@dataclass
class Log:
    """What was done to whom, and when; of each kind, how often it really happened."""

    began: float = field(default_factory=time.monotonic)
    lines: list[str] = field(default_factory=list)
    injected: Counter[str] = field(default_factory=Counter)

    def note(self, what: str) -> None:
        self.lines.append(f"{time.monotonic() - self.began:7.1f} s  {what}")


async def blow(fleet: Fleet, pack: Sequence[Kind], rng: Random, log: Log) -> None:
    """Every kind of the pack once, in its order; one that hit nobody comes again later."""
    waiting = list(pack)
    tries: Counter[str] = Counter()
    lanes = asyncio.Semaphore(AT_ONCE)
    running: set[asyncio.Task[None]] = set()

    async def one(kind: Kind) -> None:
        log.note(f"{kind.name} …")
        whom = await kind.do(fleet, fleet.stream(f"{kind.name}, {tries[kind.name]}"))
        log.note(f"{kind.name}: {whom or 'hit nobody'}")
        if whom is not None:
            log.injected[kind.name] += 1
            return
        tries[kind.name] += 1
        if tries[kind.name] < _TRIES:
            await asyncio.sleep(_AGAIN_SECONDS)
            waiting.append(kind)

    try:
        while waiting or running:
            running = {task for task in running if not task.done() or task.result()}
            if not waiting or lanes.locked():
                await asyncio.sleep(0.1)
                continue
            await lanes.acquire()
            task = asyncio.create_task(one(waiting.pop(0)))
            task.add_done_callback(lambda _: lanes.release())
            running.add(task)
            await asyncio.sleep(rng.uniform(*_PAUSE_SECONDS))
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        clear_up(fleet)
    log.note("the storm is over")


def clear_up(fleet: Fleet) -> None:
    """Nothing stands still and no link is troubled; what is half open stays so."""
    for link in fleet.links.values():
        link.trouble, link.replaying = None, False
    for machine in fleet.machines.values():
        machine.signal(signal.SIGCONT)
    for disk in (fleet.disk, fleet.spool_disk):
        disk.free()
